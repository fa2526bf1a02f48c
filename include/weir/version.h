// SPDX-License-Identifier: Apache-2.0
//
// The version of the library that is linked.
#ifndef WEIR_VERSION_H_
#define WEIR_VERSION_H_

namespace weir {

// "major.minor.patch"
const char* Version();

}  // namespace weir

#endif  // WEIR_VERSION_H_
