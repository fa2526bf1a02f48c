// SPDX-License-Identifier: Apache-2.0
#include "kv/kv_store.h"

#include "base/check.h"
#include "base/error.h"

namespace weir {
namespace {

// Keys or values of one page in one layer, in elements.
int64_t PageElements(const KvShape& shape) {
  return int64_t{shape.page_len} * shape.num_kv_heads * shape.head_dim;
}

}  // namespace

int64_t KvBytesPerPage(const KvShape& shape) {
  return PageElements(shape) * 2 * static_cast<int64_t>(sizeof(Bf16)) * shape.num_layers;
}

Result<KvStore> KvStore::Allocate(const KvShape& shape, int32_t num_pages) {
  WEIR_CHECK_GT(num_pages, 0);
  WEIR_CHECK_EQ(shape.page_len % 16, 0);
  int64_t num_bytes = 0;
  if (__builtin_mul_overflow(KvBytesPerPage(shape), int64_t{num_pages}, &num_bytes)) {
    return Err(Code::kOutOfMemory, "KV cache: ", num_pages, " pages of ", KvBytesPerPage(shape),
               " bytes are more than any machine has");
  }
  WEIR_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(num_bytes));
  return KvStore(shape, num_pages, std::move(buffer));
}

KvPages KvStore::Layer(int32_t layer) const {
  WEIR_DCHECK(layer >= 0 && layer < shape_.num_layers);
  const int64_t layer_elements = PageElements(shape_) * num_pages_;
  Bf16* k = buffer_.as<Bf16>() + 2 * layer * layer_elements;
  return {.k = k,
          .v = k + layer_elements,
          .num_kv_heads = shape_.num_kv_heads,
          .head_dim = shape_.head_dim,
          .page_len = shape_.page_len};
}

}  // namespace weir
