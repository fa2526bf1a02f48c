// SPDX-License-Identifier: Apache-2.0
#include "loader/safetensors_sax.h"

#include <limits>
#include <utility>

#include "loader/json_fields.h"
#include "loader/safetensors_header.h"

namespace weir {

bool SafetensorsSax::Refuse(std::string_view found) {
  const auto tensor = [this] { return "tensor " + Quoted(tensors.back().name); };
  switch (state_) {
    case State::kStart:
    case State::kTop:
      problem = fmt::format("header is {}, wanted a JSON object", found);
      break;
    case State::kTensorStart:
      problem = fmt::format("{} is {}, wanted an object", tensor(), found);
      break;
    case State::kTensor:
      problem = fmt::format("{}: {} is {}, wanted {}", tensor(),
                            field_ == kDtype   ? "dtype"
                            : field_ == kShape ? "shape"
                                               : "data_offsets",
                            found, field_ == kDtype ? "a string" : "a list of integers");
      break;
    case State::kNumbers:
      problem = fmt::format("{}: {} holds {}, wanted integers in [0, 2^63)", tensor(),
                            field_ == kShape ? "shape" : "data_offsets", found);
      break;
    case State::kMetadataStart:
    case State::kMetadata:
      problem = fmt::format("__metadata__ is or holds {}, wanted an object of strings", found);
      break;
  }
  return false;
}

bool SafetensorsSax::number_integer(number_integer_t number) {
  return Refuse(std::to_string(number));  // the parser calls this for negative numbers only
}

bool SafetensorsSax::number_unsigned(number_unsigned_t number) {
  if (state_ != State::kNumbers) return Refuse(std::to_string(number));
  if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Refuse(std::to_string(number));
  }
  auto& list = field_ == kShape ? tensors.back().shape : tensors.back().offsets;
  if (list.size() == (field_ == kShape ? kMaxSafetensorsRank : 2)) {
    problem = fmt::format("tensor {}: {} holds more than {} numbers", Quoted(tensors.back().name),
                          field_ == kShape ? "shape" : "data_offsets", list.size());
    return false;
  }
  list.push_back(static_cast<int64_t>(number));
  return true;
}

bool SafetensorsSax::string(string_t& text) {
  if (state_ == State::kMetadata) return true;
  if (state_ != State::kTensor || field_ != kDtype) return Refuse("a string");
  tensors.back().dtype = std::move(text);
  return true;
}

bool SafetensorsSax::start_object(std::size_t) {
  switch (state_) {
    case State::kStart:
      state_ = State::kTop;
      return true;
    case State::kTensorStart:
      state_ = State::kTensor;
      return true;
    case State::kMetadataStart:
      state_ = State::kMetadata;
      return true;
    default:
      return Refuse("an object");
  }
}

bool SafetensorsSax::end_object() {
  if (state_ == State::kTensor && tensors.back().seen != kAllFields) {
    problem = fmt::format("tensor {}: dtype, shape or data_offsets is missing",
                          Quoted(tensors.back().name));
    return false;
  }
  state_ = state_ == State::kTop ? State::kStart : State::kTop;
  return true;
}

bool SafetensorsSax::FieldKey(const std::string& name) {
  RawTensor& tensor = tensors.back();
  if (name == "dtype") {
    field_ = kDtype;
  } else if (name == "shape") {
    field_ = kShape;
  } else if (name == "data_offsets") {
    field_ = kOffsets;
  } else {
    problem = fmt::format("tensor {}: field {} is not known", Quoted(tensor.name), Quoted(name));
    return false;
  }
  if ((tensor.seen & field_) != 0) {
    problem = fmt::format("tensor {}: {} stands twice", Quoted(tensor.name), name);
    return false;
  }
  tensor.seen |= field_;
  return true;
}

bool SafetensorsSax::key(string_t& name) {
  if (state_ == State::kTensor) return FieldKey(name);
  if (state_ == State::kMetadata) {
    metadata_keys.push_back(std::move(name));
    return true;
  }
  if (name == "__metadata__") {
    if (has_metadata) {
      problem = "__metadata__ stands twice";
      return false;
    }
    has_metadata = true;
    state_ = State::kMetadataStart;
    return true;
  }
  tensors.push_back({.name = std::move(name)});
  state_ = State::kTensorStart;
  return true;
}

bool SafetensorsSax::start_array(std::size_t) {
  if (state_ != State::kTensor || field_ == kDtype) return Refuse("a list");
  state_ = State::kNumbers;
  return true;
}

bool SafetensorsSax::end_array() {
  state_ = State::kTensor;
  return true;
}

bool SafetensorsSax::parse_error(std::size_t position, const std::string&,
                                 const nlohmann::detail::exception& error) {
  if (problem.empty()) {
    problem = "header is " + ParserProblem(position, error.what());
  }
  return false;
}

}  // namespace weir
