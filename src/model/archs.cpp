// SPDX-License-Identifier: Apache-2.0
//
// The architectures that the one forward serves. Adding a dense model is adding a row
// (docs/add_a_model.md).

#include "base/error.h"
#include "model/model_config.h"

namespace weir {
namespace {

enum class Bias { kNever, kAlways, kByConfig };  // kByConfig: `attention_bias`, false when absent

struct Arch {
  const char* name;        // config.json: architectures[0]
  const char* model_type;  // config.json: model_type
  bool qk_norm;
  Bias qkv_bias;
  Bias o_bias;
  bool mlp_bias_by_config;
};

constexpr Arch kArchs[] = {
    {"Qwen3ForCausalLM", "qwen3", true, Bias::kByConfig, Bias::kByConfig, false},
    {"Qwen2ForCausalLM", "qwen2", false, Bias::kAlways, Bias::kNever, false},
    {"LlamaForCausalLM", "llama", false, Bias::kByConfig, Bias::kByConfig, true},
};

bool Decide(Bias rule, const std::optional<bool>& field) {
  return rule == Bias::kAlways || (rule == Bias::kByConfig && field.value_or(false));
}

Result<const Arch*> FindArch(const HfConfig& hf) {
  std::string known;
  for (const Arch& arch : kArchs) {
    if (hf.architecture == arch.name) {
      if (hf.model_type == arch.model_type) return &arch;
      return Err(Code::kInvalidModel, hf.path, ": model_type is \"", hf.model_type, "\", ",
                 arch.name, " needs \"", arch.model_type, "\"");
    }
    known += known.empty() ? "" : ", ";
    known += arch.name;
  }
  return Err(Code::kUnsupported, hf.path, ": architectures names \"", hf.architecture,
             "\", Weir has ", known);
}

Status CheckFeatures(const HfConfig& hf) {
  if (hf.hidden_act != "silu") {
    return Err(Code::kUnsupported, hf.path, ": hidden_act is \"", hf.hidden_act,
               "\", Weir has \"silu\"");
  }
  if (hf.use_sliding_window) {
    return Err(Code::kUnsupported, hf.path,
               ": use_sliding_window is true, Weir has full attention only");
  }
  if (hf.head_dim % 2 != 0 || hf.head_dim > 512) {
    return Err(Code::kUnsupported, hf.path, ": head_dim is ", hf.head_dim,
               ", Weir has even sizes up to 512");
  }
  if (hf.rope_scaling.kind == RopeScaling::Kind::kDynamic) {
    return Err(Code::kUnsupported, hf.path,
               ": rope_scaling is \"dynamic\", Weir has linear, llama3 and yarn");
  }
  return Ok();
}

}  // namespace

Result<ModelConfig> MakeModelConfig(const HfConfig& hf) {
  WEIR_ASSIGN_OR_RETURN(const Arch* arch, FindArch(hf));
  WEIR_RETURN_IF_ERROR(CheckFeatures(hf));
  const auto rope_dim = static_cast<int32_t>(hf.head_dim * hf.partial_rotary_factor) / 2 * 2;
  if (rope_dim < 2) {
    return Err(Code::kInvalidModel, hf.path, ": partial_rotary_factor is ",
               hf.partial_rotary_factor, ", at least one pair of head_dim ", hf.head_dim,
               " must be rotated");
  }
  return ModelConfig{
      .architecture = hf.architecture,
      .vocab_size = hf.vocab_size,
      .hidden_size = hf.hidden_size,
      .intermediate_size = hf.intermediate_size,
      .num_layers = hf.num_hidden_layers,
      .num_q_heads = hf.num_attention_heads,
      .num_kv_heads = hf.num_key_value_heads,
      .head_dim = hf.head_dim,
      .max_position = hf.max_position_embeddings,
      .rms_norm_eps = static_cast<float>(hf.rms_norm_eps),
      .rope_theta = hf.rope_theta,
      .rope_dim = rope_dim,
      .rope_scaling = hf.rope_scaling,
      .qk_norm = arch->qk_norm,
      .qkv_bias = Decide(arch->qkv_bias, hf.attention_bias),
      .o_bias = Decide(arch->o_bias, hf.attention_bias),
      .mlp_bias = arch->mlp_bias_by_config && hf.mlp_bias.value_or(false),
      .tied_head = hf.tie_word_embeddings,
  };
}

}  // namespace weir
