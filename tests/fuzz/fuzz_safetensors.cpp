// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a safetensors file. Whatever is accepted must tile the file exactly, since readers
// index by what the header says without looking again.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "loader/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  const auto tensors = weir::ParseSafetensorsHeader(file, size, "fuzz");
  if (!tensors) {
    if (tensors.error().message.size() > 2000) std::abort();  // a message must not echo the file
    return 0;
  }
  uint64_t covered = 0;
  const std::string* previous = nullptr;
  for (const weir::SafetensorsTensor& tensor : *tensors) {
    if (tensor.begin > size || tensor.size > size - tensor.begin) std::abort();
    if (previous != nullptr && !(*previous < tensor.name)) std::abort();
    uint64_t bits = static_cast<uint64_t>(tensor.type->bits);
    for (const int64_t dim : tensor.shape) bits *= static_cast<uint64_t>(dim);
    if (bits != 8 * static_cast<uint64_t>(tensor.size)) std::abort();
    covered += tensor.size;
    previous = &tensor.name;
  }
  if (covered > size) std::abort();
  return 0;
}
