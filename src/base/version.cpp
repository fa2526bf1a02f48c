// SPDX-License-Identifier: Apache-2.0
#include <weir/version.h>

namespace weir {

const char* Version() { return WEIR_VERSION; }

}  // namespace weir
