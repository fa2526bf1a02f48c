// SPDX-License-Identifier: Apache-2.0
#include "loader/safetensors_header.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "loader/json_fields.h"
#include "loader/safetensors_sax.h"

namespace weir {
namespace {

constexpr size_t kLengthBytes = 8;

constexpr SafetensorsType kTypes[] = {
    {"BF16", 16, DType::kBF16},   {"F16", 16, DType::kF16},     {"F32", 32, DType::kF32},
    {"BOOL", 8, std::nullopt},    {"U8", 8, std::nullopt},      {"I8", 8, std::nullopt},
    {"U16", 16, std::nullopt},    {"I16", 16, std::nullopt},    {"U32", 32, std::nullopt},
    {"I32", 32, std::nullopt},    {"U64", 64, std::nullopt},    {"I64", 64, std::nullopt},
    {"F64", 64, std::nullopt},    {"C64", 64, std::nullopt},    {"F8_E4M3", 8, std::nullopt},
    {"F8_E5M2", 8, std::nullopt}, {"F8_E8M0", 8, std::nullopt}, {"F6_E2M3", 6, std::nullopt},
    {"F6_E3M2", 6, std::nullopt}, {"F4", 4, std::nullopt},
};

uint64_t LittleEndian64(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  return value;
}

Result<std::string_view> HeaderText(std::span<const std::byte> file_begin, size_t file_size,
                                    const std::string& where) {
  if (file_size < kLengthBytes || file_begin.size() < kLengthBytes) {
    return Err(Code::kInvalidModel, where, ": ", file_size,
               " bytes, wanted at least the 8 of the header's length");
  }
  const uint64_t length = LittleEndian64(file_begin);
  if (length > kMaxSafetensorsHeaderBytes) {
    return Err(Code::kInvalidModel, where, ": header claims ", length, " bytes, at most ",
               kMaxSafetensorsHeaderBytes, " are allowed");
  }
  if (length > file_size - kLengthBytes || length > file_begin.size() - kLengthBytes) {
    return Err(Code::kInvalidModel, where, ": header claims ", length, " bytes, but only ",
               file_size - kLengthBytes, " follow");
  }
  const auto* text = reinterpret_cast<const char*>(file_begin.data()) + kLengthBytes;
  return std::string_view(text, static_cast<size_t>(length));
}

// The bytes that a tensor of this shape and type needs; none when int64 cannot hold its bits or
// they are no whole bytes.
std::optional<int64_t> WantedBytes(const RawTensor& tensor, const SafetensorsType& type) {
  int64_t bits = type.bits;
  for (const int64_t dim : tensor.shape) {
    if (__builtin_mul_overflow(bits, dim, &bits)) return std::nullopt;
  }
  if (bits % 8 != 0) return std::nullopt;
  return bits / 8;
}

Result<SafetensorsTensor> CheckTensor(RawTensor& raw, size_t data_begin, size_t data_size,
                                      const std::string& where) {
  const auto place = [&] { return where + ": tensor " + Quoted(raw.name); };
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const auto& known) { return raw.dtype == known.name; });
  if (type == std::end(kTypes)) {
    return Err(Code::kInvalidModel, place(), ": dtype ", Quoted(raw.dtype), " is not known");
  }
  if (raw.offsets.size() != 2) {
    return Err(Code::kInvalidModel, place(), ": data_offsets holds ", raw.offsets.size(),
               " numbers, wanted 2");
  }
  const int64_t begin = raw.offsets[0];
  const int64_t end = raw.offsets[1];
  if (begin > end || static_cast<uint64_t>(end) > data_size) {
    return Err(Code::kInvalidModel, place(), ": data_offsets [", begin, ", ", end,
               "], wanted an ascending pair within the file's ", data_size, " bytes of data");
  }
  const std::optional<int64_t> wanted = WantedBytes(raw, *type);
  if (!wanted || *wanted != end - begin) {
    return Err(Code::kInvalidModel, place(), ": ", end - begin, " bytes, but ", type->name, " [",
               fmt::format("{}", fmt::join(raw.shape, ", ")), "] needs ",
               wanted ? std::to_string(*wanted) : "a number of bytes that does not exist");
  }
  return SafetensorsTensor{.name = std::move(raw.name),
                           .type = type,
                           .shape = std::move(raw.shape),
                           .begin = data_begin + static_cast<size_t>(begin),
                           .size = static_cast<size_t>(end - begin)};
}

// Every byte behind the header belongs to exactly one tensor.
Status CheckTiling(const std::vector<SafetensorsTensor>& tensors, size_t data_begin,
                   size_t file_size, const std::string& where) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (tensors[a].begin != tensors[b].begin) return tensors[a].begin < tensors[b].begin;
    return tensors[a].size < tensors[b].size;  // the empty ones first
  });
  size_t reached = data_begin;
  for (const size_t i : order) {
    if (tensors[i].begin != reached) {
      return Err(Code::kInvalidModel, where, ": tensor ", Quoted(tensors[i].name),
                 " begins at data byte ", tensors[i].begin - data_begin,
                 ", but the one before ends at ", reached - data_begin,
                 tensors[i].begin < reached ? " (overlap)" : " (hole)");
    }
    reached += tensors[i].size;
  }
  if (reached != file_size) {
    return Err(Code::kInvalidModel, where, ": the last ", file_size - reached,
               " bytes belong to no tensor");
  }
  return Ok();
}

Status CheckUnique(std::vector<std::string>& keys, const std::string& where) {
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice == keys.end()) return Ok();
  return Err(Code::kInvalidModel, where, ": __metadata__: key ", Quoted(*twice), " stands twice");
}

}  // namespace

Result<std::vector<SafetensorsTensor>> ParseSafetensorsHeader(std::span<const std::byte> file_begin,
                                                              size_t file_size,
                                                              const std::string& where) {
  WEIR_ASSIGN_OR_RETURN(const std::string_view text, HeaderText(file_begin, file_size, where));
  const std::string nul = NulProblem(text);
  if (!nul.empty()) return Err(Code::kInvalidModel, where, ": header is ", nul);
  SafetensorsSax sax;
  if (!Json::sax_parse(text, &sax)) return Err(Code::kInvalidModel, where, ": ", sax.problem);
  WEIR_RETURN_IF_ERROR(CheckUnique(sax.metadata_keys, where));

  const size_t data_begin = kLengthBytes + text.size();
  std::vector<SafetensorsTensor> tensors;
  tensors.reserve(sax.tensors.size());
  for (RawTensor& raw : sax.tensors) {
    WEIR_ASSIGN_OR_RETURN(SafetensorsTensor tensor,
                          CheckTensor(raw, data_begin, file_size - data_begin, where));
    tensors.push_back(std::move(tensor));
  }
  std::sort(tensors.begin(), tensors.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto twice =
      std::adjacent_find(tensors.begin(), tensors.end(),
                         [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twice != tensors.end()) {
    return Err(Code::kInvalidModel, where, ": tensor ", Quoted(twice->name), " stands twice");
  }
  WEIR_RETURN_IF_ERROR(CheckTiling(tensors, data_begin, file_size, where));
  return tensors;
}

}  // namespace weir
