// SPDX-License-Identifier: Apache-2.0
#include "loader/hf_config.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The smallest config.json that is complete; every test changes a little of it.
Json Complete() {
  return {{"architectures", {"Qwen3ForCausalLM"}},
          {"model_type", "qwen3"},
          {"vocab_size", 1000},
          {"hidden_size", 64},
          {"intermediate_size", 128},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"max_position_embeddings", 512},
          {"rms_norm_eps", 1e-6},
          {"hidden_act", "silu"}};
}

Json With(const char* name, Json value) {
  Json json = Complete();
  json[name] = std::move(value);
  return json;
}

HfConfig MustParse(const Json& json) {
  Result<HfConfig> config = ParseHfConfig(json, "config.json");
  EXPECT_TRUE(config) << config.error().message;
  return config ? *config : HfConfig{};
}

Error MustFail(const Json& json) {
  const Result<HfConfig> config = ParseHfConfig(json, "config.json");
  EXPECT_FALSE(config) << DumpJson(json);
  return config ? Error{} : config.error();
}

TEST(HfConfig, AbsentFieldsHaveDefaults) {
  const HfConfig config = MustParse(Complete());
  EXPECT_EQ(config.architecture, "Qwen3ForCausalLM");
  EXPECT_EQ(config.num_key_value_heads, 4);
  EXPECT_EQ(config.head_dim, 16);
  EXPECT_EQ(config.rope_theta, 10000.0);
  EXPECT_EQ(config.partial_rotary_factor, 1.0);
  EXPECT_EQ(config.rope_scaling.kind, RopeScaling::Kind::kNone);
  EXPECT_FALSE(config.tie_word_embeddings);
  EXPECT_FALSE(config.use_sliding_window);
  EXPECT_EQ(config.sliding_window, std::nullopt);
  EXPECT_EQ(config.attention_bias, std::nullopt);
  EXPECT_EQ(config.mlp_bias, std::nullopt);
  EXPECT_EQ(config.bos_token_id, std::nullopt);
  EXPECT_THAT(config.eos_token_ids, IsEmpty());
}

TEST(HfConfig, NullIsTheSameAsAbsent) {
  Json json = Complete();
  for (const char* name : {"num_key_value_heads", "head_dim", "rope_theta", "rope_scaling",
                           "rope_parameters", "sliding_window", "attention_bias", "eos_token_id",
                           "bos_token_id", "quantization_config", "tie_word_embeddings"}) {
    json[name] = nullptr;
  }
  EXPECT_EQ(MustParse(json).head_dim, 16);
  EXPECT_THAT(MustFail(With("hidden_size", nullptr)).message,
              HasSubstr("config.json (\"Qwen3ForCausalLM\"): hidden_size is missing"));
}

TEST(HfConfig, EachNeededFieldIsNamedWhenMissing) {
  const Json complete = Complete();
  for (const auto& item : complete.items()) {
    Json json = complete;
    json.erase(item.key());
    EXPECT_THAT(MustFail(json).message, HasSubstr(item.key() + " is missing"));
  }
}

TEST(HfConfig, WrongTypesAreRefused) {
  const Json wrong = Json::array({"4", 4.0, -4, 0, true, Json::array({4}), Json::object()});
  for (const char* name : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                           "num_attention_heads", "max_position_embeddings"}) {
    for (const Json& value : wrong) {
      EXPECT_THAT(MustFail(With(name, value)).message, HasSubstr(name));
    }
  }
  EXPECT_THAT(MustFail(With("hidden_size", 64.5)).message,
              HasSubstr("hidden_size is 64.5, wanted an integer in [1, 131072]"));
  MustFail(With("rms_norm_eps", "1e-6"));
  MustFail(With("rms_norm_eps", -1e-6));
  MustFail(With("tie_word_embeddings", 1));
  MustFail(With("hidden_act", 3));
  MustFail(With("model_type", Json::array()));
  MustFail(With("architectures", "Qwen3ForCausalLM"));
  MustFail(With("architectures", Json::array()));
  MustFail(With("architectures", Json::array({1})));
  MustFail(Json::array());
  MustFail("text");
  MustFail(nullptr);
}

TEST(HfConfig, ImpossibleSizesAreRefused) {
  MustFail(With("hidden_size", (1 << 17) + 1));
  MustFail(With("num_hidden_layers", (1 << 12) + 1));
  MustFail(With("vocab_size", (1 << 24) + 1));
  // 2^63 + 64 would be a negative number, and 2^32 + 64 would be 64, in the wrong integer type.
  MustFail(With("hidden_size", (uint64_t{1} << 63) + 64));
  MustFail(With("hidden_size", (uint64_t{1} << 32) + 64));
  Json wide = With("num_attention_heads", 4096);
  wide["head_dim"] = 4096;
  EXPECT_THAT(MustFail(wide).message, HasSubstr("4096 times head_dim 4096 is above 262144"));
}

TEST(HfConfig, HeadsMustDivide) {
  EXPECT_THAT(MustFail(With("num_key_value_heads", 3)).message,
              HasSubstr("num_attention_heads 4 is not a multiple of num_key_value_heads 3"));
  MustFail(With("num_key_value_heads", 8));
  MustFail(With("num_key_value_heads", 0));
  EXPECT_THAT(MustFail(With("hidden_size", 66)).message, HasSubstr("head_dim is absent"));
  Json json = With("hidden_size", 66);
  json["head_dim"] = 32;  // Qwen3: heads times head_dim need not be the hidden size
  EXPECT_EQ(MustParse(json).head_dim, 32);
}

TEST(HfConfig, QuantizedWeightsAreRefusedByName) {
  const Error error = MustFail(With("quantization_config", {{"quant_method", "awq"}}));
  EXPECT_EQ(error.code, Code::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("quantization_config of method \"awq\""));
  EXPECT_EQ(MustFail(With("quantization_config", Json::object())).code, Code::kUnsupported);
}

TEST(HfConfig, TokenIdsAreOneOrMany) {
  EXPECT_THAT(MustParse(With("eos_token_id", 7)).eos_token_ids, ElementsAre(7));
  EXPECT_THAT(MustParse(With("eos_token_id", {7, 999})).eos_token_ids, ElementsAre(7, 999));
  EXPECT_THAT(MustParse(With("eos_token_id", Json::array())).eos_token_ids, IsEmpty());
  EXPECT_EQ(MustParse(With("bos_token_id", 3)).bos_token_id, 3);
  MustFail(With("eos_token_id", 1000));  // the first id outside of the vocabulary
  MustFail(With("eos_token_id", -1));
  MustFail(With("eos_token_id", "7"));
  MustFail(With("eos_token_id", {7, nullptr}));
  MustFail(With("eos_token_id", uint64_t{1} << 32));
  MustFail(With("bos_token_id", 1000));
}

TEST(HfConfig, SlidingLayersAreNeverOverlooked) {
  EXPECT_FALSE(
      MustParse(With("layer_types", {"full_attention", "full_attention"})).use_sliding_window);
  EXPECT_TRUE(
      MustParse(With("layer_types", {"full_attention", "sliding_attention"})).use_sliding_window);
  EXPECT_EQ(MustFail(With("layer_types", {"full_attention", "linear_attention"})).code,
            Code::kUnsupported);
  MustFail(With("layer_types", Json::array({"full_attention"})));  // of two layers
  EXPECT_EQ(MustParse(With("sliding_window", 128)).sliding_window, 128);
  MustFail(With("sliding_window", 0));
}

TEST(RopeScaling, EveryKindIsRead) {
  EXPECT_EQ(MustParse(With("rope_scaling", {{"type", "linear"}, {"factor", 2}})).rope_scaling.kind,
            RopeScaling::Kind::kLinear);
  EXPECT_EQ(MustParse(With("rope_scaling", {{"rope_type", "dynamic"}, {"factor", 2.5}}))
                .rope_scaling.factor,
            2.5);
  const RopeScaling llama =
      MustParse(With("rope_scaling", {{"rope_type", "llama3"},
                                      {"factor", 8.0},
                                      {"low_freq_factor", 1.0},
                                      {"high_freq_factor", 4.0},
                                      {"original_max_position_embeddings", 256}}))
          .rope_scaling;
  EXPECT_EQ(llama.kind, RopeScaling::Kind::kLlama3);
  EXPECT_EQ(llama.original_max_position, 256);
  const RopeScaling yarn =
      MustParse(With("rope_scaling", {{"type", "yarn"}, {"rope_type", "yarn"}, {"factor", 4.0}}))
          .rope_scaling;
  EXPECT_EQ(yarn.kind, RopeScaling::Kind::kYarn);
  EXPECT_EQ(yarn.original_max_position, 512);  // max_position_embeddings
  EXPECT_EQ(yarn.beta_fast, 32.0);
  EXPECT_EQ(yarn.attention_factor, std::nullopt);
}

TEST(RopeScaling, NewerFoldersPutThetaInside) {
  const HfConfig config =
      MustParse(With("rope_parameters", {{"rope_type", "default"}, {"rope_theta", 1000000.0}}));
  EXPECT_EQ(config.rope_theta, 1e6);
  EXPECT_EQ(config.rope_scaling.kind, RopeScaling::Kind::kNone);
  Json twice = With("rope_parameters", {{"rope_type", "default"}, {"rope_theta", 1e6}});
  twice["rope_theta"] = 1e6;
  EXPECT_EQ(MustParse(twice).rope_theta, 1e6);
  twice["rope_theta"] = 5e5;
  EXPECT_THAT(MustFail(twice).message, HasSubstr("rope_parameters: rope_theta is 1000000, but"));
  Json both = With("rope_parameters", {{"rope_type", "default"}});
  both["rope_scaling"] = {{"rope_type", "default"}};
  EXPECT_THAT(MustFail(both).message, HasSubstr("both rope_scaling and rope_parameters"));
}

TEST(RopeScaling, WhatIsNotUnderstoodIsRefused) {
  const auto fails = [](Json scaling) {
    return MustFail(With("rope_scaling", std::move(scaling)));
  };
  EXPECT_EQ(fails({{"rope_type", "longrope"}, {"factor", 2.0}}).code, Code::kUnsupported);
  EXPECT_THAT(fails({{"rope_type", "yarn"}, {"factor", 2.0}, {"truncate", false}}).message,
              HasSubstr("field \"truncate\" is not known"));
  fails({{"type", "linear"}, {"rope_type", "yarn"}, {"factor", 2.0}});
  fails({{"factor", 2.0}});
  fails({{"rope_type", "linear"}});
  fails({{"rope_type", "linear"}, {"factor", 0.5}});
  fails({{"rope_type", "linear"}, {"factor", "2"}});
  fails({{"rope_type", "yarn"}, {"factor", 2.0}, {"beta_fast", 1.0}, {"beta_slow", 1.0}});
  fails({{"rope_type", "yarn"}, {"factor", 2.0}, {"original_max_position_embeddings", 0}});
  fails({{"rope_type", "llama3"}, {"factor", 8.0}});
  fails({{"rope_type", "llama3"},
         {"factor", 8.0},
         {"low_freq_factor", 4.0},
         {"high_freq_factor", 1.0},
         {"original_max_position_embeddings", 256}});
  fails("yarn");
  // Per-layer-type parameters, as some hybrid models have, are not one set of angles.
  fails({{"full_attention", {{"rope_type", "default"}}}});
}

TEST(GenerationConfig, AbsentStaysAbsent) {
  const auto config = ParseGenerationConfig(Json::object(), "generation_config.json");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->temperature, std::nullopt);
  EXPECT_EQ(config->top_k, std::nullopt);
  EXPECT_THAT(config->eos_token_ids, IsEmpty());
}

TEST(GenerationConfig, ReadsWhatQwenRecommends) {
  const auto config = ParseGenerationConfig({{"do_sample", true},
                                             {"eos_token_id", {151645, 151643}},
                                             {"temperature", 0.6},
                                             {"top_k", 20},
                                             {"top_p", 0.95},
                                             {"transformers_version", "4.51.0"}},
                                            "generation_config.json");
  ASSERT_TRUE(config);
  EXPECT_THAT(config->eos_token_ids, ElementsAre(151645, 151643));
  EXPECT_EQ(config->do_sample, true);
  EXPECT_EQ(config->temperature, 0.6);
  EXPECT_EQ(config->top_k, 20);
  EXPECT_EQ(config->top_p, 0.95);
}

TEST(GenerationConfig, ImpossibleValuesAreRefused) {
  const auto fails = [](const Json& json) {
    const auto config = ParseGenerationConfig(json, "generation_config.json");
    EXPECT_FALSE(config) << DumpJson(json);
  };
  fails({{"temperature", -0.1}});
  fails({{"top_p", 1.5}});
  fails({{"top_p", 0}});
  fails({{"top_k", -1}});
  fails({{"top_k", 2.5}});
  fails({{"min_p", 2}});
  fails({{"repetition_penalty", 0}});
  fails({{"do_sample", "yes"}});
  fails(Json::array());
}

}  // namespace
}  // namespace weir
