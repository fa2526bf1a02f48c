// SPDX-License-Identifier: Apache-2.0
//
// Makes a folder ready to take a model of a known size, or says why it cannot.
#ifndef WEIR_LOADER_SYNTH_FOLDER_H_
#define WEIR_LOADER_SYNTH_FOLDER_H_

#include <cstdint>
#include <string>

#include <weir/result.h>

namespace weir {

// All checks come before the first change. With `force`, weight files, their index, config.json and
// unfinished files of an earlier model are then removed, for they would contradict the new ones;
// nothing else is.
Status PrepareSynthFolder(const std::string& folder, uint64_t needed_bytes, bool force);

}  // namespace weir

#endif  // WEIR_LOADER_SYNTH_FOLDER_H_
