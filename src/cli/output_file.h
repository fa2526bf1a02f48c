// SPDX-License-Identifier: Apache-2.0
//
// Files that commands write besides their output.
#ifndef WEIR_CLI_OUTPUT_FILE_H_
#define WEIR_CLI_OUTPUT_FILE_H_

#include <string>
#include <string_view>

#include <weir/result.h>

namespace weir {

// `option` names the file's option in messages.
Status WriteOutputFile(std::string_view option, const std::string& path, std::string_view text);

// Adds to the file's end; makes the file where there is none.
Status AppendOutputFile(std::string_view option, const std::string& path, std::string_view text);

// As WriteOutputFile for a file that other programs may be reading: they see the old text or the
// new. Makes the folder where there is none.
Status ReplaceOutputFile(std::string_view option, const std::string& path, std::string_view text);

// Standard output, and an error where it cannot be written.
Status PrintOut(std::string_view text);

}  // namespace weir

#endif  // WEIR_CLI_OUTPUT_FILE_H_
