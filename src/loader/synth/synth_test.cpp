// SPDX-License-Identifier: Apache-2.0
//
// Presets, their weights and their tokenizer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "base/json.h"
#include "loader/hf_config.h"
#include "loader/synth/preset.h"
#include "loader/synth/shards.h"
#include "loader/synth/tokenizer.h"
#include "loader/synth/weights.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

const SynthPreset& Preset(const char* name) { return **FindSynthPreset(name); }

int64_t NumParameters(const char* name) {
  int64_t n = 0;
  for (const SynthTensor& tensor : SynthTensors(Preset(name))) {
    n += tensor.info.shape.num_elements();
  }
  return n;
}

// The public models' own counts, so a wrong size in the table shows.
TEST(SynthPreset, HasTheSizeOfThePublicModel) {
  EXPECT_EQ(NumParameters("qwen3-0.6b"), 596'049'920);
  EXPECT_EQ(NumParameters("qwen3-1.7b"), 1'720'574'976);
  EXPECT_EQ(NumParameters("qwen3-4b"), 4'022'468'096);
  EXPECT_EQ(NumParameters("qwen3-8b"), 8'190'735'360);
  EXPECT_EQ(NumParameters("qwen3-14b"), 14'768'307'200);
  EXPECT_EQ(NumParameters("qwen3-32b"), 32'762'123'264);
}

TEST(SynthPreset, EveryConfigIsOneThatWeirAccepts) {
  for (const SynthPreset& preset : SynthPresets()) {
    const auto json = ParseJson(SynthConfigJson(preset), preset.name);
    ASSERT_TRUE(json);
    const auto config = ParseHfConfig(*json, preset.name);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->vocab_size, preset.vocab_size);
    EXPECT_EQ(config->head_dim, preset.head_dim);
    EXPECT_EQ(config->num_key_value_heads, preset.num_kv_heads);
    EXPECT_EQ(config->tie_word_embeddings, preset.tied);
    EXPECT_EQ(config->rope_theta, 1e6);
    const auto generation = ParseJson(SynthGenerationConfigJson(preset), preset.name);
    ASSERT_TRUE(generation);
    EXPECT_TRUE(ParseGenerationConfig(*generation, preset.name));
  }
}

TEST(SynthWeights, RowsAreTheSameAloneAndTogether) {
  const auto weights = MakeSynthWeights(Preset("tiny"), /*seed=*/5);
  const std::string name = "model.layers.1.mlp.down_proj.weight";
  ASSERT_NE(weights->Find(name), nullptr);
  EXPECT_EQ(weights->Find(name)->shape, (Shape{128, 256}));
  std::vector<std::byte> whole;
  weights->Rows(name, 0, 128, whole);
  ASSERT_EQ(whole.size(), 128u * 256 * 2);
  std::vector<std::byte> scratch;
  for (int64_t row = 0; row < 128; ++row) {
    const auto one = weights->Rows(name, row, row + 1, scratch);
    ASSERT_TRUE(std::equal(one.begin(), one.end(), whole.begin() + row * 512)) << row;
  }
  EXPECT_TRUE(weights->Rows(name, 7, 7, scratch).empty());
}

TEST(SynthWeights, DependOnTheSeedExceptTheNorms) {
  const auto one = MakeSynthWeights(Preset("tiny"), 1);
  const auto two = MakeSynthWeights(Preset("tiny"), 2);
  for (const SynthTensor& tensor : SynthTensors(Preset("tiny"))) {
    std::vector<std::byte> a;
    std::vector<std::byte> b;
    one->Rows(tensor.name, 0, tensor.info.shape[0], a);
    two->Rows(tensor.name, 0, tensor.info.shape[0], b);
    EXPECT_EQ(a == b, tensor.is_norm) << tensor.name;
    if (!tensor.is_norm) continue;
    for (size_t i = 0; i < a.size(); i += 2) {
      EXPECT_EQ(a[i], std::byte{0x80});
      EXPECT_EQ(a[i + 1], std::byte{0x3F});  // 0x3F80 is 1.0 in bf16
    }
  }
}

TEST(SynthWeights, ATiedModelHasNoHead) {
  const auto weights = MakeSynthWeights(Preset("qwen3-0.6b"), 0);
  EXPECT_EQ(weights->Find("lm_head.weight"), nullptr);
  const auto missing = RequireTensor(*weights, "lm_head.weight");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("synth:qwen3-0.6b: tensor \"lm_head.weight\""));
}

TEST(SynthTokenizer, EveryIdIsOneVisibleToken) {
  const SynthPreset& preset = Preset("tiny");
  const auto json = ParseJson(SynthTokenizerJson(preset), "tokenizer.json");
  ASSERT_TRUE(json) << json.error().message;
  const Json& model = (*json)["model"];
  std::set<int32_t> ids;
  for (const auto& item : model["vocab"].items()) {
    std::string text = item.key();
    if (text.starts_with("\u0120")) text.replace(0, 2, " ");
    if (text == "\u010A") text = "\n";
    ASSERT_FALSE(text.empty());
    for (const char c : text) EXPECT_TRUE((c >= ' ' && c <= '~') || c == '\n') << item.key();
    EXPECT_TRUE(ids.insert(item.value().get<int32_t>()).second) << item.key();
  }
  for (const Json& token : (*json)["added_tokens"]) {
    EXPECT_TRUE(ids.insert(token["id"].get<int32_t>()).second);
  }
  EXPECT_EQ(ids.size(), static_cast<size_t>(preset.vocab_size));
  EXPECT_EQ(*ids.begin(), 0);
  EXPECT_EQ(*ids.rbegin(), preset.vocab_size - 1);
  EXPECT_TRUE(model["vocab"].contains(model["unk_token"].get<std::string>()));
}

TEST(SynthTokenizer, EveryMergeMakesATokenOfTokens) {
  const auto json = ParseJson(SynthTokenizerJson(Preset("tiny")), "tokenizer.json");
  ASSERT_TRUE(json);
  std::set<std::string> vocab;
  for (const auto& item : (*json)["model"]["vocab"].items()) vocab.insert(item.key());
  for (const Json& merge : (*json)["model"]["merges"]) {
    const auto text = merge.get<std::string>();
    const size_t space = text.find(' ');
    EXPECT_TRUE(vocab.contains(text.substr(0, space))) << text;
    EXPECT_TRUE(vocab.contains(text.substr(space + 1))) << text;
    EXPECT_TRUE(vocab.contains(text.substr(0, space) + text.substr(space + 1))) << text;
  }
}

TEST(SynthShards, AreCutBetweenTensors) {
  const std::vector<SynthTensor> tensors = SynthTensors(Preset("tiny"));
  EXPECT_EQ(CutShards(tensors, 1'000'000'000)[0].file, "model.safetensors");
  const std::vector<SynthShard> shards = CutShards(tensors, 300'000);
  ASSERT_GT(shards.size(), 2u);
  EXPECT_EQ(shards[0].file, fmt::format("model-00001-of-{:05}.safetensors", shards.size()));
  size_t reached = 0;
  for (const SynthShard& shard : shards) {
    EXPECT_EQ(shard.begin, reached);
    EXPECT_LT(shard.begin, shard.end);
    EXPECT_LE(shard.data_bytes, 300'000u);
    EXPECT_EQ(shard.header.size() % 8, 0u);
    reached = shard.end;
  }
  EXPECT_EQ(reached, tensors.size());
  // A limit below the smallest tensor gives each its own file.
  EXPECT_EQ(CutShards(tensors, 1).size(), tensors.size());
}

}  // namespace
}  // namespace weir
