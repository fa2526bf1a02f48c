// SPDX-License-Identifier: Apache-2.0
//
// Integers that mean one thing each, so that a page cannot be passed for a sequence.
#ifndef WEIR_BASE_IDS_H_
#define WEIR_BASE_IDS_H_

#include <cstdint>

namespace weir {

template <class Tag>
struct Id {
  int32_t value = -1;
  friend constexpr bool operator==(Id, Id) = default;
};

using SeqId = Id<struct SeqTag>;
using PageId = Id<struct PageTag>;

}  // namespace weir

#endif  // WEIR_BASE_IDS_H_
