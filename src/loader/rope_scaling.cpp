// SPDX-License-Identifier: Apache-2.0
//
// `rope_scaling` and `rope_parameters` of config.json. A field that is not known is refused: it may
// change every angle, and an engine that ignored it would still answer, only wrongly.
#include "loader/rope_scaling.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace weir {
namespace {

constexpr double kMaxFactor = 1e6;
constexpr int32_t kMaxPosition = int32_t{1} << 30;

struct KindName {
  std::string_view name;
  RopeScaling::Kind kind;
};
constexpr KindName kKinds[] = {{"default", RopeScaling::Kind::kNone},
                               {"linear", RopeScaling::Kind::kLinear},
                               {"dynamic", RopeScaling::Kind::kDynamic},
                               {"llama3", RopeScaling::Kind::kLlama3},
                               {"yarn", RopeScaling::Kind::kYarn}};

constexpr std::string_view kFields[] = {
    "type",          "rope_type",       "rope_theta",       "partial_rotary_factor",
    "factor",        "low_freq_factor", "high_freq_factor", "original_max_position_embeddings",
    "beta_fast",     "beta_slow",       "attention_factor", "mscale",
    "mscale_all_dim"};

// Older folders write `type`, newer ones `rope_type`, some both.
Result<RopeScaling::Kind> ReadKind(const JsonFields& fields) {
  WEIR_ASSIGN_OR_RETURN(const auto type, fields.String("type"));
  WEIR_ASSIGN_OR_RETURN(const auto rope_type, fields.String("rope_type"));
  if (type && rope_type && *type != *rope_type) {
    return Err(Code::kInvalidModel, fields.where(), ": type is ", Quoted(*type),
               " but rope_type is ", Quoted(*rope_type));
  }
  if (!type && !rope_type) return fields.Missing("rope_type");
  const std::string& name = rope_type ? *rope_type : *type;
  for (const KindName& known : kKinds) {
    if (known.name == name) return known.kind;
  }
  return Err(Code::kUnsupported, fields.where(), ": rope_type ", Quoted(name),
             " is not supported, wanted default, linear, dynamic, llama3 or yarn");
}

Status ReadLlama3(const JsonFields& fields, RopeScaling& scaling) {
  WEIR_ASSIGN_OR_RETURN(scaling.low_freq_factor,
                        fields.RequiredNumber("low_freq_factor", 1e-3, kMaxFactor));
  WEIR_ASSIGN_OR_RETURN(scaling.high_freq_factor,
                        fields.RequiredNumber("high_freq_factor", 1e-3, kMaxFactor));
  WEIR_ASSIGN_OR_RETURN(scaling.original_max_position,
                        fields.RequiredInt("original_max_position_embeddings", 1, kMaxPosition));
  if (scaling.high_freq_factor <= scaling.low_freq_factor) {
    return Err(Code::kInvalidModel, fields.where(), ": high_freq_factor ", scaling.high_freq_factor,
               " is not above low_freq_factor ", scaling.low_freq_factor);
  }
  return Ok();
}

Status ReadYarn(const JsonFields& fields, int32_t max_position, RopeScaling& scaling) {
  WEIR_ASSIGN_OR_RETURN(const auto original,
                        fields.Int("original_max_position_embeddings", 1, kMaxPosition));
  scaling.original_max_position = static_cast<int32_t>(original.value_or(max_position));
  WEIR_ASSIGN_OR_RETURN(const auto beta_fast, fields.Number("beta_fast", 1e-3, kMaxFactor));
  WEIR_ASSIGN_OR_RETURN(const auto beta_slow, fields.Number("beta_slow", 1e-3, kMaxFactor));
  scaling.beta_fast = beta_fast.value_or(scaling.beta_fast);
  scaling.beta_slow = beta_slow.value_or(scaling.beta_slow);
  if (scaling.beta_fast <= scaling.beta_slow) {
    return Err(Code::kInvalidModel, fields.where(), ": beta_fast ", scaling.beta_fast,
               " is not above beta_slow ", scaling.beta_slow);
  }
  WEIR_ASSIGN_OR_RETURN(scaling.attention_factor,
                        fields.Number("attention_factor", 1e-6, kMaxFactor));
  WEIR_ASSIGN_OR_RETURN(scaling.mscale, fields.Number("mscale", 0.0, kMaxFactor));
  WEIR_ASSIGN_OR_RETURN(scaling.mscale_all_dim, fields.Number("mscale_all_dim", 0.0, kMaxFactor));
  return Ok();
}

Status CheckFieldNames(const JsonFields& fields) {
  for (const auto& item : fields.object().items()) {
    if (std::find(std::begin(kFields), std::end(kFields), item.key()) == std::end(kFields)) {
      return Err(Code::kUnsupported, fields.where(), ": field ", Quoted(item.key()),
                 " is not known");
    }
  }
  return Ok();
}

}  // namespace

Result<RopeScaling> ReadRopeScaling(const JsonFields& fields, int32_t max_position) {
  WEIR_RETURN_IF_ERROR(CheckFieldNames(fields));
  RopeScaling scaling;
  WEIR_ASSIGN_OR_RETURN(scaling.kind, ReadKind(fields));
  if (scaling.kind == RopeScaling::Kind::kNone) return scaling;
  WEIR_ASSIGN_OR_RETURN(scaling.factor, fields.RequiredNumber("factor", 1.0, kMaxFactor));
  if (scaling.kind == RopeScaling::Kind::kLlama3) {
    WEIR_RETURN_IF_ERROR(ReadLlama3(fields, scaling));
  }
  if (scaling.kind == RopeScaling::Kind::kYarn) {
    WEIR_RETURN_IF_ERROR(ReadYarn(fields, max_position, scaling));
  }
  return scaling;
}

}  // namespace weir
