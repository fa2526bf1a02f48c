// SPDX-License-Identifier: Apache-2.0
#include "engine/decode_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>

#include "engine/test_tokenizer.h"
#include "kv/page_pool.h"

namespace weir {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

constexpr int32_t kPageLen = 16;
constexpr int32_t kMaxLen = 2048;
constexpr int32_t kMaxSeqs = 8;
constexpr AttnShape kShape = {.num_q_heads = 16, .num_kv_heads = 2, .head_dim = 64};

Planner MakePlanner(int32_t num_threads, const std::string& policy = "weir") {
  return Planner(kShape, DefaultCpuProfile(num_threads), ParseAttnPolicy(policy).value(),
                 {.max_rows = 256, .max_seqs = kMaxSeqs, .max_kv_len = kMaxLen});
}

CaptureOptions Options(GraphMode mode, std::vector<int32_t> sizes) {
  return {.mode = mode,
          .sizes = std::move(sizes),
          .batch = {.page_len = kPageLen,
                    .max_rows = 256,
                    .max_seqs = kMaxSeqs,
                    .num_pages = kMaxSeqs * kMaxLen / kPageLen},
          .max_model_len = kMaxLen};
}

DecodeCapture Capturing(std::vector<int32_t> sizes = {1, 2, 4, 8}, int32_t num_threads = 16) {
  return DecodeCapture(Options(GraphMode::kFullDecodeOnly, std::move(sizes)),
                       MakePlanner(num_threads));
}

// Sequences whose tokens are all there from the start: a decode feeds the next of them.
class Decoders {
 public:
  Sequence* Add(int32_t begin, std::vector<PageId> shared_pages = {}) {
    const auto id = static_cast<RequestId>(sequences_.size()) + 1;
    std::vector<TokenId> tokens;
    for (int32_t i = 0; i < kMaxLen; ++i) tokens.push_back(static_cast<TokenId>(id * 10'000 + i));
    auto state = std::make_shared<RequestState>();
    state->num_prompt = kMaxLen;
    sequences_.push_back(
        std::make_unique<Sequence>(id, 0, std::move(state), std::move(tokens), 0, context_));
    Sequence* sequence = sequences_.back().get();
    sequence->pages() = std::move(shared_pages);
    at_[sequence] = begin;
    return sequence;
  }

  // A step of one decode of each, in this order.
  StepPlan Step(const std::vector<Sequence*>& sequences) {
    parts_.clear();
    for (Sequence* sequence : sequences) {
      const int32_t begin = at_[sequence]++;
      Grow(*sequence, begin + 1);
      parts_.push_back({sequence, begin, begin + 1, true});
    }
    return {.parts = parts_};
  }
  StepPlan Chunk(Sequence* sequence, int32_t count) {
    const int32_t begin = at_[sequence];
    at_[sequence] += count;
    Grow(*sequence, begin + count);
    parts_.assign(1, {sequence, begin, begin + count, true});
    return {.parts = parts_};
  }

  // Other pages for a sequence, as after a preemption.
  void Replace(Sequence& sequence) {
    sequence.pages().clear();
    ++sequence.table().version;
    Grow(sequence, at_[&sequence]);
  }

 private:
  void Grow(Sequence& sequence, int32_t num_tokens) {
    while (std::ssize(sequence.pages()) < PagesFor(num_tokens, kPageLen)) {
      sequence.pages().push_back(PageId{next_page_++});
    }
  }

  Tokenizer tokenizer_ = MakeTestTokenizer();
  SequenceContext context_ = {
      .tokenizer = tokenizer_, .eos_ids = {}, .vocab_size = 1 << 20, .max_model_len = kMaxLen + 1};
  std::vector<std::unique_ptr<Sequence>> sequences_;
  std::map<Sequence*, int32_t> at_;
  std::vector<StepPart> parts_;
  int32_t next_page_ = 1000;
};

TEST(GraphMode, IsNoneOrFullDecodeOnly) {
  EXPECT_EQ(ParseGraphMode("none").value(), GraphMode::kNone);
  EXPECT_EQ(ParseGraphMode("full-decode-only").value(), GraphMode::kFullDecodeOnly);
  EXPECT_STREQ(GraphModeName(GraphMode::kFullDecodeOnly), "full-decode-only");
  EXPECT_THAT(ParseGraphMode("piecewise").error().message,
              HasSubstr("graph_mode: found piecewise, wanted none or full-decode-only"));
}

TEST(CaptureSizes, ArePowersOfTwoAndTheMost) {
  EXPECT_THAT(CaptureSizes({}, 1).value(), ElementsAre(1));
  EXPECT_THAT(CaptureSizes({}, 8).value(), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(CaptureSizes({}, 12).value(), ElementsAre(1, 2, 4, 8, 12));
}

TEST(CaptureSizes, AskedForMustAscendWithinTheLimit) {
  const auto sizes = [](std::vector<int32_t> asked) { return CaptureSizes(asked, 8); };
  EXPECT_THAT(sizes({2, 6}).value(), ElementsAre(2, 6));
  EXPECT_THAT(sizes({0}).error().message, HasSubstr("found 0"));
  EXPECT_THAT(sizes({9}).error().message, HasSubstr("found 9, wanted sizes from 1 to"));
  EXPECT_THAT(sizes({4, 4}).error().message, HasSubstr("found 4 after 4"));
  EXPECT_THAT(sizes({4, 2}).error().message, HasSubstr("found 2 after 4"));
}

TEST(DecodeCapture, TakesTheSmallestSizeThatIsLargeEnough) {
  DecodeCapture capture = Capturing({2, 4});
  Decoders decoders;
  std::vector<Sequence*> running;
  std::vector<int32_t> sizes;
  for (int i = 0; i < 5; ++i) {
    running.push_back(decoders.Add(100));
    sizes.push_back(capture.Prepare(decoders.Step(running)).captured_size);
  }
  EXPECT_THAT(sizes, ElementsAre(2, 2, 4, 4, 0));
}

TEST(DecodeCapture, WhatIsNoDecodeIsNotCaptured) {
  DecodeCapture capture = Capturing();
  Decoders decoders;
  Sequence* sequence = decoders.Add(10);
  EXPECT_FALSE(capture.Prepare(decoders.Chunk(sequence, 3)).captured());
  const StepPart silent[] = {{sequence, 13, 14, false}};  // the middle of a prompt
  EXPECT_FALSE(capture.Prepare({.parts = silent}).captured());
  EXPECT_TRUE(capture.Prepare(decoders.Step({sequence})).captured());
}

TEST(DecodeCapture, NoneCapturesNothing) {
  DecodeCapture capture(Options(GraphMode::kNone, {1, 2}), MakePlanner(2));
  Decoders decoders;
  EXPECT_FALSE(capture.Prepare(decoders.Step({decoders.Add(5)})).captured());
}

template <class T>
std::vector<T> Copy(std::span<const T> values) {
  return {values.begin(), values.end()};
}

std::vector<int32_t> VisiblePages(const ForwardBatch& batch, int32_t seq) {
  const int32_t count = PagesFor(batch.kv_len[seq], kPageLen);
  return Copy(batch.pages.subspan(batch.page_begin[seq], count));
}

// Everything but where page tables lie and what they hold beyond what is visible.
void ExpectSameBatch(const ForwardBatch& a, const ForwardBatch& b) {
  EXPECT_THAT(a.tokens, ElementsAreArray(b.tokens));
  EXPECT_THAT(a.positions, ElementsAreArray(b.positions));
  EXPECT_THAT(a.row_begin, ElementsAreArray(b.row_begin));
  EXPECT_THAT(a.kv_len, ElementsAreArray(b.kv_len));
  EXPECT_THAT(a.kv_slot, ElementsAreArray(b.kv_slot));
  EXPECT_THAT(a.logit_rows, ElementsAreArray(b.logit_rows));
  for (size_t i = 0; i < a.kv_len.size(); ++i) {
    EXPECT_EQ(VisiblePages(a, static_cast<int32_t>(i)), VisiblePages(b, static_cast<int32_t>(i)));
  }
}

auto Fields(const AttnItem& i) {
  return std::make_tuple(i.seq, i.kv_head, i.q_begin, i.q_end, i.kv_begin, i.kv_end, i.merge,
                         i.part, i.first_member, i.num_members, i.route);
}
auto Fields(const AttnMerge& m) {
  return std::make_tuple(m.seq, m.kv_head, m.q_begin, m.q_end, m.first_slot_row, m.num_parts,
                         m.num_items);
}

template <class T>
void ExpectSame(std::span<const T> a, std::span<const T> b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(Fields(a[i]), Fields(b[i])) << i;
}

// Sequences come, go, change places and pages; some share pages; other steps come between. Both
// modes must hand the model the same batches and the same plans, or bits could differ.
TEST(DecodeCapture, PreparesWhatBuildingFromNothingPrepares) {
  for (const int32_t num_threads : {2, 16, 64}) {
    for (const char* policy : {"weir", "pr85", "before"}) {
      DecodeCapture captured(Options(GraphMode::kFullDecodeOnly, {1, 3, 8}),
                             MakePlanner(num_threads, policy));
      DecodeCapture built(Options(GraphMode::kNone, {}), MakePlanner(num_threads, policy));
      std::mt19937 random(num_threads);
      Decoders decoders;
      const std::vector<PageId> shared(40, PageId{7});
      std::vector<Sequence*> running;
      int32_t num_captured = 0;
      for (int step = 0; step < 400; ++step) {
        if (running.size() < kMaxSeqs && random() % 16 == 0) {
          const bool shares = random() % 3 == 0;
          running.push_back(decoders.Add(shares ? 640 + static_cast<int32_t>(random() % 50)
                                                : static_cast<int32_t>(random() % 900),
                                         shares ? shared : std::vector<PageId>()));
        }
        if (running.empty()) continue;
        const uint32_t event = random() % 40;
        if (event == 0)
          running.erase(running.begin() + static_cast<int>(random() % running.size()));
        if (event == 1) std::shuffle(running.begin(), running.end(), random);
        if (event == 2) decoders.Replace(*running[random() % running.size()]);
        if (running.empty()) continue;
        const StepPlan plan = event == 3 ? decoders.Chunk(running[0], 5) : decoders.Step(running);
        const PreparedStep a = captured.Prepare(plan);
        const PreparedStep b = built.Prepare(plan);
        num_captured += a.captured();
        ExpectSameBatch(a.batch, b.batch);
        ExpectSame(a.plan.items(), b.plan.items());
        ExpectSame(a.plan.merges(), b.plan.merges());
        if (HasFailure())
          FAIL() << "step " << step << ", " << num_threads << " threads, " << policy;
      }
      EXPECT_GT(num_captured, 200);
      if (std::string(policy) != "weir") continue;
      EXPECT_LT(captured.num_plans(), built.num_plans());
    }
  }
}

// A unit of planning is 64 tokens on a CPU; the payload is chosen anew every 33 steps.
TEST(DecodeCapture, AsksThePlannerSeldom) {
  DecodeCapture capture = Capturing({4}, 2);
  Decoders decoders;
  const std::vector<Sequence*> running = {decoders.Add(100), decoders.Add(110), decoders.Add(120)};
  for (int step = 0; step < 330; ++step) capture.Prepare(decoders.Step(running));
  EXPECT_EQ(capture.num_rebuilds(), 1);
  EXPECT_GE(capture.num_plans(), 10);
  EXPECT_LE(capture.num_plans(), 10 + 3 * (330 / 64 + 1));
}

TEST(DecodeCapture, AddressesStayAndPaddingDoesNothing) {
  DecodeCapture capture = Capturing({2, 4});
  Decoders decoders;
  std::vector<Sequence*> running = {decoders.Add(15), decoders.Add(16), decoders.Add(17)};
  capture.Prepare(decoders.Step(running));
  const CapturedStep first = capture.captured();
  EXPECT_EQ(first.size, 4);
  EXPECT_EQ(first.num_seqs, 3);
  EXPECT_THAT(first.positions, ElementsAre(15, 16, 17, 0));
  EXPECT_THAT(first.kv_len, ElementsAre(16, 17, 18, 0));
  EXPECT_EQ(first.kv_slot[3], -1);
  EXPECT_THAT(first.pages.subspan(first.page_begin[3]), Each(-1));
  running = {decoders.Add(40)};
  capture.Prepare(decoders.Step(running));
  const CapturedStep second = capture.captured();
  EXPECT_EQ(second.size, 2);
  EXPECT_EQ(second.tokens.data(), first.tokens.data());
  EXPECT_EQ(second.pages.data(), first.pages.data());
  EXPECT_THAT(second.kv_len, ElementsAre(41, 0));  // who left is padding again
  EXPECT_THAT(second.pages.subspan(second.page_begin[1]), Each(-1));
  // A shorter sequence leaves nothing of the longer one behind.
  capture.Prepare(decoders.Step({decoders.Add(3)}));
  EXPECT_THAT(capture.captured().pages.subspan(1), Each(-1));
}

// What a device with graphs would do: bake addresses in, and later trust them.
class FakeGraphs : public GraphBackend {
 public:
  Status Capture(const CapturedStep& step) override {
    if (step.size == fails_at) return tl::unexpected(Error{Code::kOutOfMemory, "no memory"});
    sizes.push_back(step.size);
    tokens_[step.size] = step.tokens;
    positions_[step.size] = step.positions;
    EXPECT_EQ(step.num_seqs, 0);
    EXPECT_THAT(step.kv_len, Each(0));
    return Status(std::monostate{});
  }
  void Replay(const CapturedStep& step, const AttnPlan&) override {
    last_sum = 0;
    for (int32_t i = 0; i < step.num_seqs; ++i) {
      last_sum += tokens_[step.size][i] - positions_[step.size][i];
    }
  }
  int32_t fails_at = 0;
  std::vector<int32_t> sizes;
  int64_t last_sum = 0;

 private:
  std::map<int32_t, std::span<const TokenId>> tokens_;
  std::map<int32_t, std::span<const int32_t>> positions_;
};

TEST(GraphBackend, RecordsLargestFirstAndReplaysWhatTheBuffersHold) {
  DecodeCapture capture = Capturing({1, 4});
  FakeGraphs graphs;
  ASSERT_TRUE(capture.CaptureAll(graphs));
  EXPECT_THAT(graphs.sizes, ElementsAre(4, 1));
  Decoders decoders;
  const std::vector<Sequence*> running = {decoders.Add(3), decoders.Add(99)};
  for (int i = 0; i < 40; ++i) {
    const PreparedStep step = capture.Prepare(decoders.Step(running));
    graphs.Replay(capture.captured(), step.plan);
    EXPECT_EQ(graphs.last_sum, 10'000 + 20'000);  // a token is its id times 10'000 and its place
  }
}

TEST(GraphBackend, ACaptureThatFailsIsReported) {
  DecodeCapture capture = Capturing({1, 4});
  FakeGraphs graphs;
  graphs.fails_at = 1;
  const Status status = capture.CaptureAll(graphs);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kOutOfMemory);
  Decoders decoders;
  EXPECT_EQ(capture.Prepare(decoders.Step({decoders.Add(3)})).captured_size, 1);
}

}  // namespace
}  // namespace weir
