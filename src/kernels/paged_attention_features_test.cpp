// SPDX-License-Identifier: Apache-2.0
//
// Window, soft cap, sinks, and attention that is not causal, alone and together.
#include "kernels/paged_attention_testbed.h"

namespace weir {
namespace {

class AttentionFeatures : public KernelTest {
 protected:
  std::vector<AttnTestShape> Shapes() const {
    if (GetParam() == &kReferenceKernels) return {{2, 1, 18}};
    return {{4, 2, 64}, {8, 1, 128, 32}, {2, 1, 18}, {6, 2, 64, 16, KvDType::kInt8}};
  }
  // Decodes, a chunk and a fresh prompt, uncut and cut, against the oracle.
  void ExpectRight(const AttnFeatures& features, float k_size = 1.0f) {
    std::mt19937 random(7);
    for (const AttnTestShape& shape : Shapes()) {
      const Content content(shape, 300, 5, k_size);
      Batch batch(shape, 1);
      batch.features = features;
      batch.Add(content, {1, 300});
      batch.Add(content, {1, 1});
      batch.Add(content, {33, 180});
      batch.Add(content, {50, 50});
      batch.ExpectRight(batch.Run(table()));
      batch.ExpectRight(batch.Run(table(), batch.RandomCuts({}, random)));
      if (HasFatalFailure()) return;
    }
  }
};
WEIR_FOR_ALL_TABLES(AttentionFeatures);

// Around panels and tiles, and beyond the length.
TEST_P(AttentionFeatures, Window) {
  for (const int32_t window : {1, 2, 15, 16, 17, 127, 128, 129, 172, 299, 300, 301, 1 << 30}) {
    ExpectRight({.window = window});
    if (HasFatalFailure()) FAIL() << window;
  }
}

TEST_P(AttentionFeatures, AWindowOfOneTokenIsItsValue) {
  const AttnTestShape shape{2, 1, 64};
  const Content content(shape, 150, 5);
  Batch batch(shape, 1);
  batch.features.window = 1;
  batch.Add(content, {150, 150});
  const std::vector<Bf16> out = batch.Run(table());
  for (int32_t r = 0; r < 150; ++r) {
    ASSERT_TRUE(SameBits(out.data() + r * 128, content.v.data() + r * 64, 64)) << r;
  }
}

// A window as long as the longest row is no window, bit for bit.
TEST_P(AttentionFeatures, AWideWindowChangesNothing) {
  const AttnTestShape shape{2, 1, 64};
  const Content content(shape, 150, 5);
  Batch batch(shape, 1);
  batch.Add(content, {20, 150});
  const std::vector<Bf16> want = batch.Run(table());
  batch.features.window = 150;
  EXPECT_TRUE(SameBits(batch.Run(table()), want));
}

// Scores far below, around and far beyond the cap.
TEST_P(AttentionFeatures, Softcap) {
  for (const float cap : {0.1f, 1.0f, 30.0f}) {
    for (const float k_size : {0.1f, 1.0f, 50.0f}) {
      ExpectRight({.softcap = cap}, k_size);
      if (HasFatalFailure()) FAIL() << cap << " " << k_size;
    }
  }
}

// One key of score s and one of score zero, whose values are 1 and 0: the output is the logistic
// function of the capped score, whose rounding to bf16 is all that may differ.
TEST_P(AttentionFeatures, SoftcapIsTanh) {
  const AttnTestShape shape{1, 1, 2};
  for (float score = -12; score <= 12; score += 0.37f) {
    Content content(shape, 2, 5);
    std::fill(content.q.begin(), content.q.end(), ToBf16(1.0f));
    content.k = {ToBf16(score), Bf16{0}, Bf16{0}, Bf16{0}};
    content.v = {ToBf16(1.0f), ToBf16(1.0f), Bf16{0}, Bf16{0}};
    Batch batch(shape, 1);
    batch.features.softcap = 3.0f;
    batch.Add(content, {1, 2});
    const double capped = 3 * std::tanh(ToFloat(ToBf16(score)) * batch.scale() / 3);
    const double want = 1 / (1 + std::exp(-capped));
    // The larger weight is 1 exactly, the smaller off by 2^-8; then the output by 2^-8.
    EXPECT_NEAR(ToFloat(batch.Run(table())[0]), want, want / 127) << score;
  }
}

TEST_P(AttentionFeatures, Sinks) {
  const float sinks[] = {-3.0f, 0.0f, 1.5f, 8.0f, -90.0f, 90.0f, 4.0f, -1e30f};
  ExpectRight({.sinks = sinks});
}

// A sink of weight zero is no sink, and one of all weight leaves nothing.
TEST_P(AttentionFeatures, SinksOfNoAndAllWeight) {
  const AttnTestShape shape{2, 1, 64};
  const Content content(shape, 150, 5);
  Batch batch(shape, 1);
  batch.Add(content, {20, 150});
  const std::vector<Bf16> want = batch.Run(table());
  const float none[] = {-std::numeric_limits<float>::infinity(), -1e30f};
  batch.features.sinks = none;
  EXPECT_TRUE(SameBits(batch.Run(table()), want));
  const float all[] = {1e30f, 3e4f};
  batch.features.sinks = all;
  for (const Bf16 x : batch.Run(table())) EXPECT_EQ(ToFloat(x), 0.0f);
}

TEST_P(AttentionFeatures, NotCausal) { ExpectRight({.causal = false}); }

TEST_P(AttentionFeatures, AllTogether) {
  const float sinks[] = {-3.0f, 0.0f, 1.5f, 8.0f, -90.0f, 90.0f, 4.0f, 0.5f};
  ExpectRight({.window = 100, .softcap = 5.0f, .sinks = sinks}, 3.0f);
  ExpectRight({.causal = false, .softcap = 5.0f, .sinks = sinks}, 3.0f);
}

// A row whose item leaves it no key, as in a part of later keys, is zero, with a sink or without.
TEST_P(AttentionFeatures, ARowThatSeesNothingIsZero) {
  const float sinks[] = {1.0f, -std::numeric_limits<float>::infinity()};
  const AttnTestShape shape{2, 1, 64};
  const Content content(shape, 40, 5);
  for (const float* sink : {static_cast<const float*>(nullptr), +sinks}) {
    for (const int32_t segment : {0, 32}) {
      Batch batch(shape, 1);
      batch.features.sinks = sink;
      batch.Add(content, {40, 40});
      Plan plan = batch.Direct();
      plan.segment_len = segment;
      plan.items[0].kv_begin = 32;
      const std::vector<Bf16> out = batch.Run(table(), plan);
      for (int32_t i = 0; i < 32 * 128; ++i) ASSERT_EQ(ToFloat(out[i]), 0.0f) << i;
      for (int32_t i = 32 * 128; i < 40 * 128; ++i) ASSERT_NE(ToFloat(out[i]), 0.0f) << i;
    }
  }
}

}  // namespace
}  // namespace weir
