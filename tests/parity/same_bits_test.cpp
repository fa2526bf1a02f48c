// SPDX-License-Identifier: Apache-2.0
//
// The same tokens give the same bits: how a prompt is cut into steps, who shares a step, how many
// logits are wanted and how many threads work must not change one. Prefix reuse, chunked prefill
// and reproducible answers under load rest on this.
#include <cstring>
#include <gtest/gtest.h>

#include "tests/parity/parity_fixture.h"

namespace weir::parity {
namespace {

class SameBits : public Parity {
 protected:
  void ExpectSameBits(std::span<const float> found, std::span<const float> wanted,
                      const std::string& what) const {
    ASSERT_EQ(found.size(), wanted.size()) << what;
    for (size_t i = 0; i < found.size(); ++i) {
      if (std::memcmp(&found[i], &wanted[i], sizeof(float)) == 0) continue;
      ADD_FAILURE() << what << ": row " << i / case_.vocab_size << ", token "
                    << i % case_.vocab_size << " is " << found[i] << ", wanted the bits of "
                    << wanted[i];
      return;
    }
  }
};

TEST_P(SameBits, CuttingAPromptIntoStepsChangesNoBit) {
  const std::vector<TokenId>& prompt = case_.prompts[0].tokens;
  const std::vector<float> whole = InOneStep(prompt);
  std::vector<size_t> every_token(prompt.size() - 1);
  for (size_t i = 0; i < every_token.size(); ++i) every_token[i] = i + 1;
  const std::vector<std::vector<size_t>> kCuts = {
      {1},               // a single token, then the rest
      {16, 32, 48, 64},  // at page edges
      {15, 33, 64, 65},  // beside them, and one token alone in the middle
      {prompt.size() - 1},
      every_token,  // as decoding does
  };
  for (const std::vector<size_t>& cuts : kCuts) {
    ExpectSameBits(InSteps(prompt, cuts), whole,
                   fmt::format("{} cuts, the first after {}", cuts.size(), cuts[0]));
  }
}

// Three sequences enter one after the other and run on together, prefills beside decodes.
TEST_P(SameBits, SharingAStepChangesNoBit) {
  const size_t kRows[][3] = {{40, 0, 0}, {30, 50, 0}, {1, 15, 1}, {1, 1, 1}, {20, 1, 1}};
  std::vector<TokenId> tokens[3];
  std::vector<float> together[3];
  for (size_t i = 0; i < 3; ++i) {
    tokens[i] = case_.prompts[i].tokens;
    const auto& greedy = case_.prompts[i].greedy;
    tokens[i].insert(tokens[i].end(), greedy.begin(), greedy.end());
  }

  size_t done[3] = {};
  for (const auto& rows : kRows) {
    std::vector<Piece> pieces;
    for (int32_t i = 2; i >= 0; --i) {  // not in the order in which they came
      if (rows[i] > 0) pieces.push_back({i, std::span(tokens[i]).subspan(done[i], rows[i])});
      done[i] += rows[i];
    }
    std::vector<float> logits = runner_->Step(pieces);
    std::span<const float> rest = logits;
    for (const Piece& piece : pieces) {
      const auto mine = rest.first(piece.tokens.size() * case_.vocab_size);
      together[piece.seq].insert(together[piece.seq].end(), mine.begin(), mine.end());
      rest = rest.subspan(mine.size());
    }
  }
  for (size_t i = 0; i < 3; ++i) {
    tokens[i].resize(done[i]);
    ExpectSameBits(together[i], InOneStep(tokens[i]), fmt::format("sequence {}", i));
  }
}

TEST_P(SameBits, WantingFewerLogitsChangesNoBit) {
  const std::vector<TokenId>& prompt = case_.prompts[0].tokens;
  const std::vector<float> all = InOneStep(prompt);
  runner_->Restart();
  const std::vector<float> last = runner_->Step({0, prompt}, LogitRows::kLastOfPiece);
  ExpectSameBits(last, Row(all, prompt.size() - 1), "last row");
}

TEST_P(SameBits, TheNumberOfThreadsChangesNoBit) {
  const std::vector<TokenId>& prompt = case_.prompts[0].tokens;
  const std::vector<float> two = InOneStep(prompt);
  for (const int32_t num_threads : {1, 3}) {
    runner_ = OpenRunner(num_threads, /*page_len=*/16);
    ExpectSameBits(InSteps(prompt, {60}), two, fmt::format("{} threads", num_threads));
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, SameBits,
                         testing::Combine(testing::ValuesIn(TablesThatRun()),
                                          testing::ValuesIn(CaseNames())),
                         [](const auto& info) { return ReadableName(info.param); });

}  // namespace
}  // namespace weir::parity
