// SPDX-License-Identifier: Apache-2.0
//
// Turns the JSON of a safetensors header into plain rows while it is being parsed. A header of a
// hundred megabytes builds no document, and no step is quadratic in the number of tensors.
#ifndef WEIR_LOADER_SAFETENSORS_SAX_H_
#define WEIR_LOADER_SAFETENSORS_SAX_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace weir {

// One tensor as written; nothing but the JSON types is checked.
struct RawTensor {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  std::vector<int64_t> offsets;
  uint32_t seen = 0;  // bits of SafetensorsSax::Field
};

class SafetensorsSax : public nlohmann::json_sax<Json> {
 public:
  enum Field : uint32_t { kDtype = 1, kShape = 2, kOffsets = 4, kAllFields = 7 };

  bool null() override { return Refuse("null"); }
  bool boolean(bool) override { return Refuse("a boolean"); }
  bool number_integer(number_integer_t number) override;
  bool number_unsigned(number_unsigned_t number) override;
  bool number_float(number_float_t, const string_t& text) override { return Refuse(text); }
  bool string(string_t& text) override;
  bool binary(binary_t&) override { return Refuse("binary data"); }
  bool start_object(std::size_t) override;
  bool end_object() override;
  bool key(string_t& name) override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override;

  std::vector<RawTensor> tensors;
  std::vector<std::string> metadata_keys;
  bool has_metadata = false;
  std::string problem;  // why parsing stopped

 private:
  enum class State { kStart, kTop, kTensorStart, kTensor, kNumbers, kMetadataStart, kMetadata };

  bool Refuse(std::string_view found);  // sets `problem` from the state
  bool FieldKey(const std::string& name);

  State state_ = State::kStart;
  Field field_ = kDtype;  // of the tensor that is being read
};

}  // namespace weir

#endif  // WEIR_LOADER_SAFETENSORS_SAX_H_
