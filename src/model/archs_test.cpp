// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "model/model_config.h"

namespace weir {
namespace {

HfConfig Qwen3() {
  HfConfig hf = {};
  hf.path = "folder/config.json";
  hf.architecture = "Qwen3ForCausalLM";
  hf.model_type = "qwen3";
  hf.vocab_size = 1000;
  hf.hidden_size = 64;
  hf.intermediate_size = 128;
  hf.num_hidden_layers = 2;
  hf.num_attention_heads = 4;
  hf.num_key_value_heads = 2;
  hf.head_dim = 128;
  hf.max_position_embeddings = 4096;
  hf.rms_norm_eps = 1e-6;
  hf.rope_theta = 1e6;
  hf.partial_rotary_factor = 1;
  hf.hidden_act = "silu";
  return hf;
}

TEST(MakeModelConfig, Qwen3HasHeadNormsAndNoBias) {
  const auto config = MakeModelConfig(Qwen3());
  ASSERT_TRUE(config.has_value());
  EXPECT_TRUE(config->qk_norm);
  EXPECT_FALSE(config->qkv_bias);
  EXPECT_FALSE(config->o_bias);
  EXPECT_EQ(config->qkv_size(), (4 + 2 * 2) * 128);
  EXPECT_EQ(config->attn_size(), 4 * 128);
  EXPECT_EQ(config->rope_dim, 128);
}

TEST(MakeModelConfig, Qwen2AlwaysHasQkvBias) {
  HfConfig hf = Qwen3();
  hf.architecture = "Qwen2ForCausalLM";
  hf.model_type = "qwen2";
  const auto config = MakeModelConfig(hf);
  ASSERT_TRUE(config.has_value());
  EXPECT_FALSE(config->qk_norm);
  EXPECT_TRUE(config->qkv_bias);
  EXPECT_FALSE(config->o_bias);
}

TEST(MakeModelConfig, LlamaBiasesAreFields) {
  HfConfig hf = Qwen3();
  hf.architecture = "LlamaForCausalLM";
  hf.model_type = "llama";
  EXPECT_FALSE(MakeModelConfig(hf)->qkv_bias);
  hf.attention_bias = true;
  hf.mlp_bias = true;
  const auto config = MakeModelConfig(hf);
  EXPECT_TRUE(config->qkv_bias && config->o_bias && config->mlp_bias);
}

TEST(MakeModelConfig, PartialRotationIsWholePairs) {
  HfConfig hf = Qwen3();
  hf.partial_rotary_factor = 0.26;  // 33.28 of 128
  EXPECT_EQ(MakeModelConfig(hf)->rope_dim, 32);
  hf.partial_rotary_factor = 0.001;
  EXPECT_EQ(MakeModelConfig(hf).error().code, Code::kInvalidModel);
}

// Each refusal names the file, the finding and the wish.
void ExpectRefused(const HfConfig& hf, Code code, const std::string& finding) {
  const auto config = MakeModelConfig(hf);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code, code);
  EXPECT_NE(config.error().message.find("folder/config.json"), std::string::npos);
  EXPECT_NE(config.error().message.find(finding), std::string::npos) << config.error().message;
}

TEST(MakeModelConfig, RefusesWhatItDoesNotHave) {
  HfConfig hf = Qwen3();
  hf.architecture = "MambaForCausalLM";
  ExpectRefused(hf, Code::kUnsupported, "MambaForCausalLM");
  hf = Qwen3();
  hf.model_type = "llama";
  ExpectRefused(hf, Code::kInvalidModel, "llama");
  hf = Qwen3();
  hf.hidden_act = "gelu";
  ExpectRefused(hf, Code::kUnsupported, "gelu");
  hf = Qwen3();
  hf.use_sliding_window = true;
  ExpectRefused(hf, Code::kUnsupported, "use_sliding_window");
  hf = Qwen3();
  hf.head_dim = 129;
  ExpectRefused(hf, Code::kUnsupported, "head_dim is 129");
  hf = Qwen3();
  hf.rope_scaling.kind = RopeScaling::Kind::kDynamic;
  ExpectRefused(hf, Code::kUnsupported, "dynamic");
}

}  // namespace
}  // namespace weir
