// SPDX-License-Identifier: Apache-2.0
//
// Checks of option values that the parser itself does not make.
#ifndef WEIR_CLI_CHECKS_H_
#define WEIR_CLI_CHECKS_H_

#include <string>

namespace weir {

// For options of an unsigned type, of which the parser would take -1 for 2^64 - 1. Returns what is
// wrong, or an empty string.
std::string NoSign(const std::string& text);

}  // namespace weir

#endif  // WEIR_CLI_CHECKS_H_
