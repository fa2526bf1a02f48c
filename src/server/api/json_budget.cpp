// SPDX-License-Identifier: Apache-2.0
#include "server/api/json_budget.h"

namespace weir {

// Every value but the first follows a comma, or the opening of its container.
int64_t CountJsonValues(std::string_view text) {
  int64_t count = 1;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == ',' || c == '[' || c == '{') {
      ++count;
    }
  }
  return count;
}

}  // namespace weir
