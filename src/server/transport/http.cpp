// SPDX-License-Identifier: Apache-2.0
#include "server/http.h"

namespace weir {

std::string_view HttpRequest::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace weir
