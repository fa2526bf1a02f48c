// SPDX-License-Identifier: Apache-2.0
#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/error.h"
#include "sampling/random.h"

namespace weir {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// A difference of two infinities is NaN: the largest finite value stands for +inf.
float ReplaceInf(std::span<float> logits) {
  constexpr float kMost = std::numeric_limits<float>::max();
  std::replace(logits.begin(), logits.end(), kInf, kMost);
  return kMost;
}

// The first element at which the running sum passes `target`; the last one that weighs anything
// when rounding keeps the sum below it.
template <class Weight>
int64_t FirstPast(double target, int64_t begin, int64_t end, Weight weight) {
  double sum = 0.0;
  int64_t last = begin;
  for (int64_t i = begin; i < end; ++i) {
    const double w = weight(i);
    if (w <= 0.0) continue;
    last = i;
    sum += w;
    if (sum > target) return i;
  }
  return last;
}

TokenId DrawFromAll(double u, const SoftmaxWeights& softmax) {
  const auto num_blocks = static_cast<int64_t>(softmax.block_sums.size());
  const auto block_sum = [&](int64_t i) { return softmax.block_sums[static_cast<size_t>(i)]; };
  const int64_t block = FirstPast(u * softmax.sum, 0, num_blocks, block_sum);
  double before = 0.0;
  for (int64_t i = 0; i < block; ++i) before += block_sum(i);
  const int64_t begin = block * kWeightBlock;
  const int64_t end = std::min(begin + kWeightBlock, static_cast<int64_t>(softmax.weights.size()));
  return static_cast<TokenId>(FirstPast(u * softmax.sum - before, begin, end, [&](int64_t i) {
    return static_cast<double>(softmax.weights[static_cast<size_t>(i)]);
  }));
}

double SumOfWeights(std::span<const Candidate> candidates) {
  double sum = 0.0;
  for (const Candidate& candidate : candidates) sum += static_cast<double>(candidate.weight);
  return sum;
}

TokenId DrawFrom(double u, std::vector<Candidate>& candidates) {
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.token < b.token; });
  const int64_t i = FirstPast(
      u * SumOfWeights(candidates), 0, static_cast<int64_t>(candidates.size()),
      [&](int64_t c) { return static_cast<double>(candidates[static_cast<size_t>(c)].weight); });
  return candidates[static_cast<size_t>(i)].token;
}

// As DrawFrom, for candidates so many that sorting them by token would cost more than another pass.
TokenId DrawFromMany(double u, std::span<const float> logits, const SoftmaxWeights& softmax,
                     const std::vector<Candidate>& candidates) {
  const Candidate last = *std::max_element(candidates.begin(), candidates.end(), Before);
  const auto weight = [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    const Candidate c = {logits[at], softmax.weights[at], static_cast<TokenId>(i)};
    return Before(last, c) ? 0.0 : static_cast<double>(c.weight);
  };
  return static_cast<TokenId>(
      FirstPast(u * SumOfWeights(candidates), 0, static_cast<int64_t>(logits.size()), weight));
}

// All tokens that top-p alone can keep. Those lighter than (1 - p) / vocab of the sum weigh at most
// 1 - p together, so the others reach p without them.
void CollectForTopP(std::span<const float> logits, const SoftmaxWeights& softmax, double top_p,
                    std::vector<Candidate>& out) {
  // Rounding of the sums is far below the part in a thousand by which the bound is lowered.
  const double bound = 0.999 * (1.0 - top_p) * softmax.sum / static_cast<double>(logits.size());
  const auto least = static_cast<float>(bound);
  out.clear();
  for (size_t id = 0; id < logits.size(); ++id) {
    const float weight = softmax.weights[id];
    if (weight > least) out.push_back({logits[id], weight, static_cast<TokenId>(id)});
  }
}

}  // namespace

SequenceSampler::SequenceSampler(const SamplingParams& params, uint64_t seed,
                                 std::span<const TokenId> prompt, int32_t vocab_size)
    : vocab_size_(vocab_size),
      seed_(seed),
      temperature_(params.temperature),
      top_k_(params.top_k),
      top_p_(params.top_p),
      min_p_(params.min_p),
      num_logprobs_(params.num_logprobs),
      logit_bias_(params.logit_bias),
      penalties_(params, prompt, vocab_size) {}

Result<OutputToken> SequenceSampler::Next(std::span<float> logits,
                                          std::span<const TokenId> forbidden,
                                          SamplerScratch& scratch) {
  WEIR_CHECK_EQ(logits.size(), static_cast<size_t>(vocab_size_));
  Adjust(logits, forbidden);
  float max = MaxLogit(logits);
  if (max == -kInf) {
    return Err(Code::kInvalidModel, "sampling: none of ", logits.size(),
               " logits is a number above -inf, wanted at least one");
  }
  if (max == kInf) max = ReplaceInf(logits);
  OutputToken out{};
  out.token = Draw(logits, max, scratch);
  if (num_logprobs_ >= 0) AddLogprobs(logits, max, scratch, out);
  penalties_.CountOutput(out.token);
  ++num_draws_;
  return out;
}

void SequenceSampler::Adjust(std::span<float> logits, std::span<const TokenId> forbidden) const {
  for (const auto& [token, bias] : logit_bias_) logits[static_cast<size_t>(token)] += bias;
  penalties_.Apply(logits);
  for (const TokenId token : forbidden) {
    if (token >= 0 && token < vocab_size_) logits[static_cast<size_t>(token)] = -kInf;
  }
}

TokenId SequenceSampler::Draw(std::span<const float> logits, float max,
                              SamplerScratch& scratch) const {
  if (temperature_ < kGreedyTemperature) {
    return static_cast<TokenId>(std::find(logits.begin(), logits.end(), max) - logits.begin());
  }
  const double u = UniformDraw(seed_, num_draws_);
  const bool has_top_k = top_k_ > 0 && top_k_ < vocab_size_;
  const float scale = 1.0f / temperature_;
  std::vector<Candidate>& candidates = scratch.candidates;
  if (has_top_k || min_p_ > 0.0f) {
    // A probability of min_p times the largest is a logit of max + temperature * log(min_p).
    const float floor = min_p_ > 0.0f ? max + temperature_ * std::log(min_p_) : -kInf;
    SelectTop(logits, has_top_k ? top_k_ : vocab_size_, floor, candidates);
    for (Candidate& c : candidates) c.weight = std::exp((c.logit - max) * scale);
    if (top_p_ < 1.0f) KeepMass(static_cast<double>(top_p_) * SumOfWeights(candidates), candidates);
    return DrawFrom(u, candidates);
  }
  scratch.softmax.Compute(logits, max, scale);
  if (top_p_ >= 1.0f) return DrawFromAll(u, scratch.softmax);
  CollectForTopP(logits, scratch.softmax, static_cast<double>(top_p_), candidates);
  KeepMass(static_cast<double>(top_p_) * scratch.softmax.sum, candidates);
  return DrawFromMany(u, logits, scratch.softmax, candidates);
}

void SequenceSampler::AddLogprobs(std::span<const float> logits, float max, SamplerScratch& scratch,
                                  OutputToken& out) const {
  scratch.softmax.Compute(logits, max, 1.0f);
  const double log_sum = std::log(scratch.softmax.sum);
  const auto logprob = [&](float logit) {
    return static_cast<float>((static_cast<double>(logit) - static_cast<double>(max)) - log_sum);
  };
  out.logprob = logprob(logits[static_cast<size_t>(out.token)]);
  if (num_logprobs_ == 0) return;
  SelectTop(logits, num_logprobs_, -kInf, scratch.candidates);
  std::sort(scratch.candidates.begin(), scratch.candidates.end(), Before);
  for (const Candidate& c : scratch.candidates) out.top.push_back({c.token, logprob(c.logit)});
}

}  // namespace weir
