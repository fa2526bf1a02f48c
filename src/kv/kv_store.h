// SPDX-License-Identifier: Apache-2.0
//
// The memory of the KV pages: for every layer the keys and the values of every page. The same page
// id names a page in all layers. Who holds a page is PagePool's business.
#ifndef WEIR_KV_KV_STORE_H_
#define WEIR_KV_KV_STORE_H_

#include <cstdint>

#include <weir/result.h>

#include "kernels/kv_layout.h"
#include "tensor/buffer.h"

namespace weir {

struct KvShape {
  int32_t num_layers;
  int32_t num_kv_heads;
  int32_t head_dim;
  int32_t page_len;  // tokens, a multiple of 16
  KvDType dtype = KvDType::kBf16;
};

int64_t KvBytesPerPage(const KvShape& shape);  // all layers, keys and values and their scales

class KvStore {
 public:
  static Result<KvStore> Allocate(const KvShape& shape, int32_t num_pages);

  // One layer's pages, as the kernels take them.
  KvPages Layer(int32_t layer) const;

  const KvShape& shape() const { return shape_; }
  int32_t num_pages() const { return num_pages_; }

 private:
  KvStore(const KvShape& shape, int32_t num_pages, Buffer buffer)
      : shape_(shape), num_pages_(num_pages), buffer_(std::move(buffer)) {}

  KvShape shape_;
  int32_t num_pages_;
  Buffer buffer_;
};

}  // namespace weir

#endif  // WEIR_KV_KV_STORE_H_
