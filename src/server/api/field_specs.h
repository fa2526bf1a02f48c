// SPDX-License-Identifier: Apache-2.0
//
// Every field of every request body that the API knows, as one table: requests are read by it, the
// OpenAPI description is written from it, and what is not in it counts as unknown.
#ifndef WEIR_SERVER_API_FIELD_SPECS_H_
#define WEIR_SERVER_API_FIELD_SPECS_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace weir {

enum class FieldKind {
  kBool,
  kInt,
  kNumber,
  kString,
  kShaped,   // `shape` is its JSON schema; read by hand
  kRefused,  // known and not supported: only the values of `shape`, a JSON array, are taken
};

// The bodies that a field may stand in, as bits.
enum Body : uint8_t { kCompletionBody = 1, kChatBody = 2, kTokenizeBody = 4, kDetokenizeBody = 8 };
inline constexpr uint8_t kGenerationBodies = kCompletionBody | kChatBody;

// Null is taken for every field and means that it is absent.
struct FieldSpec {
  std::string_view name;
  FieldKind kind;
  uint8_t bodies;
  std::string_view about;  // for the OpenAPI description
  double low = 0;          // of numbers; of strings: bytes
  double high = 0;
  bool above_low = false;  // `low` itself is refused
  std::string_view shape = {};
};

std::span<const FieldSpec> FieldSpecs();

// Null when that body has no such field.
const FieldSpec* FindFieldSpec(std::string_view name, Body body);

}  // namespace weir

#endif  // WEIR_SERVER_API_FIELD_SPECS_H_
