// SPDX-License-Identifier: Apache-2.0
//
// The model that is used when the user names none.
#ifndef WEIR_CLI_DEFAULT_MODEL_H_
#define WEIR_CLI_DEFAULT_MODEL_H_

#include <string>

#include <weir/result.h>

namespace weir {

// $WEIR_MODEL if set. Otherwise the bundled model, found from the binary's own place, whatever the
// working directory: beside an installation (../share/weir/models) or in the source tree that the
// binary was built in (../../models). The error lists where it looked.
Result<std::string> DefaultModel();

}  // namespace weir

#endif  // WEIR_CLI_DEFAULT_MODEL_H_
