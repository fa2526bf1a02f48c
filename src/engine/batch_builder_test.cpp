// SPDX-License-Identifier: Apache-2.0
#include "engine/batch_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_tokenizer.h"

namespace weir {
namespace {

using ::testing::ElementsAre;

// The example of model/forward_batch.h.
TEST(BatchBuilder, BuildsTheExample) {
  const Tokenizer tokenizer = MakeTestTokenizer();
  const SequenceContext context = {
      .tokenizer = tokenizer, .eos_ids = {}, .vocab_size = 1000, .max_model_len = 1000};
  const auto make = [&](int32_t first, int32_t length, std::vector<PageId> pages) {
    Request request;
    for (int32_t i = 0; i < length; ++i) request.prompt.push_back(first + i);
    auto sequence = std::move(MakeSequences(first, std::move(request), 0, 0, context)[0]);
    sequence->pages() = std::move(pages);
    return sequence;
  };
  const auto a = make(100, 3, {PageId{2}});
  const auto b = make(200, 8, {PageId{5}, PageId{7}});  // page 7 is for later tokens
  const auto c = make(300, 21, {PageId{1}, PageId{9}});
  const StepPart parts[] = {{a.get(), 0, 3, true}, {b.get(), 7, 8, true}, {c.get(), 20, 21, true}};
  BatchBuilder builder({.page_len = 16, .max_rows = 32, .max_seqs = 4, .num_pages = 16});
  const ForwardBatch batch = builder.Build({.parts = parts});
  EXPECT_THAT(batch.tokens, ElementsAre(100, 101, 102, 207, 320));
  EXPECT_THAT(batch.positions, ElementsAre(0, 1, 2, 7, 20));
  EXPECT_THAT(batch.row_begin, ElementsAre(0, 3, 4, 5));
  EXPECT_THAT(batch.kv_len, ElementsAre(3, 8, 21));
  EXPECT_THAT(batch.pages, ElementsAre(2, 5, 1, 9));
  EXPECT_THAT(batch.page_begin, ElementsAre(0, 1, 2, 4));
  EXPECT_THAT(batch.kv_slot, ElementsAre(32, 33, 34, 87, 148));
  EXPECT_THAT(batch.logit_rows, ElementsAre(2, 3, 4));
}

TEST(BatchBuilder, AChunkThatDoesNotReachTheEndWantsNoLogits) {
  const Tokenizer tokenizer = MakeTestTokenizer();
  const SequenceContext context = {
      .tokenizer = tokenizer, .eos_ids = {}, .vocab_size = 2, .max_model_len = 100};
  Request request;
  request.prompt.assign(20, 1);
  const auto outputs = MakeSequences(1, std::move(request), 0, 0, context);
  outputs[0]->pages() = {PageId{3}, PageId{0}};
  const StepPart parts[] = {{outputs[0].get(), 14, 18, false}};
  BatchBuilder builder({.page_len = 16, .max_rows = 32, .max_seqs = 4, .num_pages = 16});
  const ForwardBatch batch = builder.Build({.parts = parts});
  EXPECT_THAT(batch.kv_slot, ElementsAre(62, 63, 0, 1));
  EXPECT_THAT(batch.kv_len, ElementsAre(18));
  EXPECT_TRUE(batch.logit_rows.empty());
}

}  // namespace
}  // namespace weir
