// SPDX-License-Identifier: Apache-2.0
//
// The header of a safetensors file: 8 bytes of little-endian length, then so many bytes of JSON
// that map each tensor's name to {"dtype", "shape", "data_offsets"}, then the tensors' bytes.
// Everything that the header claims is checked here, against itself and against the file's length.
#ifndef WEIR_LOADER_SAFETENSORS_HEADER_H_
#define WEIR_LOADER_SAFETENSORS_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "tensor/dtype.h"

namespace weir {

// The format's own limit, that of the reference implementation.
inline constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;
inline constexpr size_t kMaxSafetensorsRank = 8;

struct SafetensorsType {
  const char* name;            // as the header writes it
  int32_t bits;                // of one element
  std::optional<DType> dtype;  // none: listed, but Weir cannot read such values
};

struct SafetensorsTensor {
  std::string name;
  const SafetensorsType* type;
  std::vector<int64_t> shape;
  size_t begin;  // of its bytes, from the start of the file
  size_t size;   // in bytes
};

// `file_begin` holds the file from its first byte; `file_size` is the length of the whole file. The
// tensors are returned in ascending order of name. Guarantees: names are unique; each size equals
// the product of shape and type; the tensors tile the bytes behind the header without gap, overlap
// or remainder. `where` starts every message.
Result<std::vector<SafetensorsTensor>> ParseSafetensorsHeader(std::span<const std::byte> file_begin,
                                                              size_t file_size,
                                                              const std::string& where);

}  // namespace weir

#endif  // WEIR_LOADER_SAFETENSORS_HEADER_H_
