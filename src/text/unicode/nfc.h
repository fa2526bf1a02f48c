// SPDX-License-Identifier: Apache-2.0
//
// Unicode normalisation form C. Text that is already in it, by far the most, is only looked at.
#ifndef WEIR_TEXT_UNICODE_NFC_H_
#define WEIR_TEXT_UNICODE_NFC_H_

#include <string>
#include <string_view>

namespace weir {

// `text` in form C: `text` itself when that holds already, else a view of `buffer`, which is
// overwritten. O(n log n) at worst, for a long run of marks. Requires: `text` is UTF-8.
std::string_view ToNfc(std::string_view text, std::string& buffer);

}  // namespace weir

#endif  // WEIR_TEXT_UNICODE_NFC_H_
