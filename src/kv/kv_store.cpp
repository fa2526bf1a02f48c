// SPDX-License-Identifier: Apache-2.0
#include "kv/kv_store.h"

#include "base/check.h"
#include "base/error.h"

namespace weir {
namespace {

// Of keys or values of one page in one layer.
int64_t PageBytes(const KvShape& shape) {
  return int64_t{shape.page_len} * shape.num_kv_heads * shape.head_dim *
         BytesPerElement(shape.dtype);
}
int64_t ScaleBytes(const KvShape& shape) {
  if (shape.dtype == KvDType::kBf16) return 0;
  return int64_t{shape.page_len} * shape.num_kv_heads * static_cast<int64_t>(sizeof(float));
}

}  // namespace

int64_t KvBytesPerPage(const KvShape& shape) {
  return 2 * (PageBytes(shape) + ScaleBytes(shape)) * shape.num_layers;
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
  const int64_t data_bytes = PageBytes(shape_) * num_pages_;
  const int64_t scale_bytes = ScaleBytes(shape_) * num_pages_;
  std::byte* k = buffer_.data() + layer * 2 * (data_bytes + scale_bytes);
  auto* scales = reinterpret_cast<float*>(k + 2 * data_bytes);
  const bool scaled = shape_.dtype != KvDType::kBf16;
  return {.k = k,
          .v = k + data_bytes,
          .k_scale = scaled ? scales : nullptr,
          .v_scale = scaled ? scales + scale_bytes / 4 : nullptr,
          .dtype = shape_.dtype,
          .num_kv_heads = shape_.num_kv_heads,
          .head_dim = shape_.head_dim,
          .page_len = shape_.page_len};
}

}  // namespace weir
