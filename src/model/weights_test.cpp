// SPDX-License-Identifier: Apache-2.0
#include "model/weights.h"

#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>

#include "model/weight_slots.h"

namespace weir {
namespace {

// Awkward on purpose: no size is a multiple of a panel.
ModelConfig SmallConfig() {
  ModelConfig c = {};
  c.architecture = "Qwen3ForCausalLM";
  c.vocab_size = 37;
  c.hidden_size = 10;
  c.intermediate_size = 7;
  c.num_layers = 2;
  c.num_q_heads = 2;
  c.num_kv_heads = 1;
  c.head_dim = 6;
  c.qk_norm = true;
  c.qkv_bias = true;
  return c;
}

// Tensors in memory; element i of a tensor is a small number made of the name and i.
class FakeSource : public WeightSource {
 public:
  explicit FakeSource(const ModelConfig& config, DType dtype = DType::kBF16) : dtype_(dtype) {
    Weights unused = {};
    const WeightSlots slots = LayOutWeights(config, nullptr, unused);
    for (const auto& m : slots.matrices) tensors[m.name] = {dtype, {m.rows, m.cols}};
    for (const auto& v : slots.vectors) tensors[v.name] = {dtype, {v.size}};
  }

  static float Value(std::string_view name, int64_t i) {
    return static_cast<float>(static_cast<int64_t>(name.size()) * 2 + i % 61) / 8;  // exact in bf16
  }

  const TensorInfo* Find(std::string_view name) const override {
    const auto it = tensors.find(std::string(name));
    return it == tensors.end() ? nullptr : &it->second;
  }
  std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    for (const auto& [name, info] : tensors) names.push_back(name);
    return names;
  }
  std::string Where(std::string_view) const override { return "fake"; }
  std::span<const std::byte> Rows(std::string_view name, int64_t begin, int64_t end,
                                  std::vector<std::byte>& scratch) const override {
    const TensorInfo& info = *Find(name);
    const int64_t cols = info.shape.rank() == 2 ? info.shape[1] : 1;
    scratch.resize(static_cast<size_t>((end - begin) * cols * DTypeBytes(dtype_)));
    for (int64_t i = 0; i < (end - begin) * cols; ++i) {
      const float value = Value(name, begin * cols + i);
      const Bf16 half = ToBf16(value);
      if (dtype_ == DType::kF32)
        std::memcpy(scratch.data() + i * 4, &value, 4);
      else
        std::memcpy(scratch.data() + i * 2, &half, 2);
    }
    return scratch;
  }

  std::string Identity() const override { return identity; }

  std::map<std::string, TensorInfo> tensors;
  std::string identity;

 private:
  DType dtype_;
};

float At(const PackedMatrix& m, int32_t row, int32_t col) {
  return ToFloat(m.data[PackedIndex(row, col, m.k)]);
}

TEST(LoadWeights, PutsEveryElementInItsPlace) {
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    for (const int threads : {1, 3}) {
      const ModelConfig config = SmallConfig();
      const FakeSource source(config, dtype);
      ThreadPool pool({.num_threads = threads, .pin = false});
      const auto weights = LoadWeights(config, source, pool, {});
      ASSERT_TRUE(weights.has_value()) << weights.error().message;
      const LayerWeights& layer = weights->layers[1];
      const std::string name = "model.layers.1.";
      for (int32_t col = 0; col < 10; ++col) {
        for (int32_t row = 0; row < 37; ++row) {
          ASSERT_EQ(At(weights->embed, row, col),
                    FakeSource::Value("model.embed_tokens.weight", row * 10 + col));
        }
        for (int32_t row = 0; row < 12; ++row) {
          ASSERT_EQ(At(layer.qkv, row, col),
                    FakeSource::Value(name + "self_attn.q_proj.weight", row * 10 + col));
        }
        for (int32_t row = 0; row < 6; ++row) {
          ASSERT_EQ(At(layer.qkv, 12 + row, col),
                    FakeSource::Value(name + "self_attn.k_proj.weight", row * 10 + col));
          ASSERT_EQ(At(layer.qkv, 18 + row, col),
                    FakeSource::Value(name + "self_attn.v_proj.weight", row * 10 + col));
        }
        for (int32_t row = 0; row < 7; ++row) {
          ASSERT_EQ(At(layer.gate_up, 7 + row, col),
                    FakeSource::Value(name + "mlp.up_proj.weight", row * 10 + col));
        }
      }
      EXPECT_EQ(layer.qkv_bias[12], FakeSource::Value(name + "self_attn.k_proj.bias", 0));
      EXPECT_EQ(layer.q_norm[5], FakeSource::Value(name + "self_attn.q_norm.weight", 5));
      EXPECT_EQ(layer.o_bias, nullptr);
      EXPECT_NE(weights->lm_head.data, weights->embed.data);
    }
  }
}

TEST(LoadWeights, ATiedHeadIsTheEmbedding) {
  ModelConfig config = SmallConfig();
  config.tied_head = true;
  const FakeSource source(config);
  ThreadPool pool({.num_threads = 1, .pin = false});
  const auto weights = LoadWeights(config, source, pool, {});
  ASSERT_TRUE(weights.has_value());
  EXPECT_EQ(weights->lm_head.data, weights->embed.data);
  EXPECT_LT(WeightBytes(config), WeightBytes(SmallConfig()));
}

TEST(LoadWeights, ReportsProgressUpToTheTotal) {
  const ModelConfig config = SmallConfig();
  const FakeSource source(config);
  ThreadPool pool({.num_threads = 1, .pin = false});
  int64_t last = 0;
  int64_t total = 0;
  const auto progress = [&](int64_t done, int64_t all) {
    EXPECT_GE(done, last);
    last = done;
    total = all;
  };
  ASSERT_TRUE(LoadWeights(config, source, pool, progress).has_value());
  EXPECT_GT(total, 0);
  EXPECT_EQ(last, total);
}

// The second load maps what the first one packed, and means the same; another table, another file
// or another shape does not take it.
TEST(LoadWeights, UsesTheCacheForTheSameWeightsOnly) {
  std::string folder = testing::TempDir() + "load_weights_XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const WeightCacheOptions cache = {.folder = folder + "/weights", .verify = true, .min_bytes = 0};
  const ModelConfig config = SmallConfig();
  FakeSource source(config);
  source.identity = "/model.safetensors 100 1\n";
  ThreadPool pool({.num_threads = 1, .pin = false});
  const auto load = [&](const ModelConfig& wanted, std::string_view kernels) {
    auto weights = LoadWeights(wanted, source, pool, {}, cache, kernels);
    EXPECT_TRUE(weights.has_value());
    return std::move(*weights);
  };
  const auto packed = load(config, "table");
  EXPECT_FALSE(packed.mapped);
  EXPECT_NE(packed.writer, nullptr);
  { const auto writing = load(config, "other table"); }  // waits for its writer
  const auto other = load(config, "other table");
  ASSERT_TRUE(other.mapped);
  EXPECT_EQ(other.writer, nullptr);
  EXPECT_EQ(other.num_bytes, packed.num_bytes);
  EXPECT_EQ(other.memory.num_bytes(), 0);
  EXPECT_EQ(std::memcmp(other.mapped->bytes().data() + kWeightCacheHeaderBytes,
                        packed.memory.data(), static_cast<size_t>(packed.num_bytes)),
            0);
  EXPECT_EQ(At(other.layers[1].down, 9, 6), At(packed.layers[1].down, 9, 6));
  EXPECT_EQ(other.layers[1].q_norm[5], packed.layers[1].q_norm[5]);

  source.identity = "/model.safetensors 100 2\n";
  EXPECT_FALSE(load(config, "other table").mapped);
  source.identity.clear();
  const auto unknown = load(config, "other table");
  EXPECT_FALSE(unknown.mapped);
  EXPECT_EQ(unknown.writer, nullptr);
  std::filesystem::remove_all(folder);
}

void ExpectRefused(const ModelConfig& config, const FakeSource& source, const std::string& text) {
  ThreadPool pool({.num_threads = 1, .pin = false});
  const auto weights = LoadWeights(config, source, pool, {});
  ASSERT_FALSE(weights.has_value());
  EXPECT_NE(weights.error().message.find(text), std::string::npos) << weights.error().message;
}

TEST(LoadWeights, RefusesATensorThatIsMissingWrongOrTooMany) {
  const ModelConfig config = SmallConfig();
  FakeSource missing(config);
  missing.tensors.erase("model.layers.1.mlp.down_proj.weight");
  ExpectRefused(config, missing,
                "no tensor model.layers.1.mlp.down_proj.weight, wanted one of [10, 7]");

  FakeSource shape(config);
  shape.tensors["model.norm.weight"].shape = {11};
  ExpectRefused(config, shape, "model.norm.weight has shape [11], config.json implies [10]");

  FakeSource rank(config);
  rank.tensors["model.norm.weight"].shape = {10, 1};
  ExpectRefused(config, rank, "[10, 1]");

  FakeSource dtype(config);
  dtype.tensors["model.embed_tokens.weight"].dtype = DType::kI8;
  ExpectRefused(config, dtype, "is I8, Weir reads BF16, F16 and F32");

  FakeSource extra(config);
  extra.tensors["model.layers.2.input_layernorm.weight"] = {DType::kBF16, {10}};
  ExpectRefused(config, extra, "model.layers.2.input_layernorm.weight has no place");
}

}  // namespace
}  // namespace weir
