// SPDX-License-Identifier: Apache-2.0
//
// Every kernel table, from folder to logits, against a float64 oracle and Hugging Face transformers
// (tools/oracle).
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "tests/parity/parity_fixture.h"

namespace weir::parity {
namespace {

// How far Weir may be from an exact forward.
//
// The input of every product is rounded to bf16: by at most 2^-9 of its value. On the way through a
// layer that happens seven times (normed, q, k, v, attention, normed, activation), and once before
// the head. Weights that are not stored as bf16 are rounded too: four matrices of a layer, the
// embedding and the head. Errors of single values are independent, so they add as squares, and a
// rounding error is less than half its maximum rms; attention and the gate then enlarge what comes
// in, two to three times in these models. So the rms error of logits is expected near 2^-9
// sqrt(roundings) of the logits' rms, and twice that is the bound. tools/oracle shows what rounding
// alone does and what mistakes do.
struct Bound {
  float rms;
  float largest;   // of a hundred thousand logits one is wrong by ten times the rms error
  float near_tie;  // a best token may differ when its lead is below: two errors of twice `rms`
};

Bound BoundFor(const ParityCase& parity, int32_t num_layers) {
  const int32_t of_inputs = 7 * num_layers + 1;
  const int32_t of_weights = parity.bf16_weights ? 0 : 4 * num_layers + 2;
  const float expected =
      std::ldexp(parity.logits_rms, -9) * std::sqrt(static_cast<float>(of_inputs + of_weights));
  return {.rms = 2 * expected, .largest = 16 * expected, .near_tie = 8 * expected};
}

// The share of a case's best tokens that may differ. Leads here are half a logit in the middle, so
// one in thirty is below the rms error of a difference; more mean a mistake, however small the
// leads.
constexpr float kMaxDiffering = 0.04f;

// Compares one row after the other with what an oracle found best.
class BestTokens {
 public:
  explicit BestTokens(float near_tie) : near_tie_(near_tie) {}

  void Compare(std::span<const float> logits, TokenId best, float margin,
               const std::string& where) {
    const auto at = std::max_element(logits.begin(), logits.end()) - logits.begin();
    ++compared_;
    if (at == best) return;
    ++differing_;
    EXPECT_LT(margin, near_tie_) << where << ": best token is " << at << ", the oracle's is "
                                 << best;
  }

  int compared() const { return compared_; }
  int differing() const { return differing_; }

 private:
  float near_tie_;
  int compared_ = 0;
  int differing_ = 0;
};

void ExpectClose(std::span<const float> found, std::span<const float> wanted, const Bound& bound,
                 const char* oracle) {
  ASSERT_EQ(found.size(), wanted.size());
  double squares = 0;
  float largest = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_TRUE(std::isfinite(found[i])) << oracle << ": logit " << i;
    const float error = std::abs(found[i] - wanted[i]);
    squares += double{error} * error;
    largest = std::max(largest, error);
  }
  EXPECT_LT(std::sqrt(squares / static_cast<double>(found.size())), bound.rms) << oracle;
  EXPECT_LT(largest, bound.largest) << oracle;
}

class Oracle : public Parity {
 protected:
  Bound bound() const { return BoundFor(case_, runner_->num_layers()); }

  void CompareRows(const Prompt& prompt, std::span<const float> logits, BestTokens& best) const {
    for (size_t i = 0; i < prompt.tokens.size(); ++i) {
      best.Compare(Row(logits, i), prompt.best[i], prompt.margin[i], fmt::format("row {}", i));
    }
  }
};

TEST_P(Oracle, LogitsAgreeWithBothOracles) {
  for (const Prompt& prompt : case_.prompts) {
    SCOPED_TRACE(testing::Message() << "prompt of " << prompt.tokens.size());
    const std::vector<float> logits = InOneStep(prompt.tokens);
    std::vector<float> recorded_rows;
    for (const int32_t row : prompt.logit_rows) {
      const auto values = Row(logits, row);
      recorded_rows.insert(recorded_rows.end(), values.begin(), values.end());
    }
    ExpectClose(recorded_rows, prompt.numpy_logits, bound(), "float64 NumPy");
    ExpectClose(recorded_rows, prompt.hf_logits, bound(), "Hugging Face transformers");
  }
}

// The best token after every prompt token, then greedy decoding. Each step gets the oracle's token,
// so that a near tie does not end the comparison.
TEST_P(Oracle, BestTokensAreTheOraclesExceptAtNearTies) {
  BestTokens best(bound().near_tie);
  for (const Prompt& prompt : case_.prompts) {
    SCOPED_TRACE(testing::Message() << "prompt of " << prompt.tokens.size());
    std::vector<float> logits = InOneStep(prompt.tokens);
    CompareRows(prompt, logits, best);
    for (size_t i = 0; i + 1 < prompt.greedy.size(); ++i) {
      logits = runner_->Step({0, std::span(&prompt.greedy[i], 1)});
      best.Compare(logits, prompt.greedy[i + 1], prompt.greedy_margin[i + 1],
                   fmt::format("generated token {}", i + 1));
    }
  }
  RecordProperty("compared", best.compared());
  RecordProperty("differing", best.differing());
  EXPECT_LE(best.differing(), kMaxDiffering * best.compared());
}

TEST_P(Oracle, LongerPagesAgreeToo) {
  runner_ = OpenRunner(/*num_threads=*/2, /*page_len=*/64);
  const Prompt& prompt = case_.prompts[0];
  const std::vector<float> logits = InSteps(prompt.tokens, {63, 64});
  BestTokens best(bound().near_tie);
  CompareRows(prompt, logits, best);
  EXPECT_LE(best.differing(), kMaxDiffering * best.compared());
  const size_t last = prompt.logit_rows.back();
  ExpectClose(Row(logits, last), Row(prompt.numpy_logits, prompt.logit_rows.size() - 1), bound(),
              "float64 NumPy");
}

INSTANTIATE_TEST_SUITE_P(Tables, Oracle,
                         testing::Combine(testing::ValuesIn(TablesThatRun()),
                                          testing::ValuesIn(CaseNames())),
                         [](const auto& info) { return ReadableName(info.param); });

}  // namespace
}  // namespace weir::parity
