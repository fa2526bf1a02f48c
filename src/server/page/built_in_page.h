// SPDX-License-Identifier: Apache-2.0
//
// The page at `/`: a chat and a live view of the engine's steps. Its files lie beside this header;
// the build writes the definition.
#ifndef WEIR_SERVER_PAGE_BUILT_IN_PAGE_H_
#define WEIR_SERVER_PAGE_BUILT_IN_PAGE_H_

#include <vector>

#include "server/api_options.h"

namespace weir {

std::vector<StaticPage> BuiltInPage();  // "/" and what it loads

}  // namespace weir

#endif  // WEIR_SERVER_PAGE_BUILT_IN_PAGE_H_
