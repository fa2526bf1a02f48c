// SPDX-License-Identifier: Apache-2.0
#include "engine/cost_model.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace weir {
namespace {

// A step counts half as much once 34 more were seen: about two seconds of decoding on a CPU.
constexpr double kForget = 0.98;
// Where predictions are far off step after step the machine is another one than it was.
constexpr double kForgetFast = 0.85;
constexpr double kFarOff = 0.25;

// Against a Gram matrix whose diagonal grows to a part's squared share of a step over (1 -
// kForget), this lets a part that makes up most of a step follow within a few steps, and one that
// makes up a hundredth wander only slowly.
constexpr double kInertia = 0.25;
constexpr int kSweeps = 24;

// Nothing is a hundred times off: profiles are rounded down, and a factor at its bound means that
// another part takes the blame. Only the part that every step has keeps a prediction above zero.
constexpr double kMaxFactor = 100;
constexpr double kMinStepFactor = 0.01;

// Beyond this many times the usual error a step counts less (Huber), once the usual is known.
constexpr double kOutlier = 3;
constexpr double kMinUsualError = 0.02;
constexpr size_t kStepsBeforeOutliers = 8;

constexpr double kMaxMargin = 1.0 / 3;
constexpr int32_t kTile = 16;  // rows that the products compute together
constexpr int32_t kMaxMinChunk = 256;

enum Part { kStep, kHead, kHiddenTokens, kTokens, kDecodeKeys, kFreshPairs, kCachedPairs, kLogits };

// What each part takes at these costs.
CostModel::Parts PartsUs(const StepCost& cost, const StepLoad& load) {
  const int32_t tokens = load.tokens();
  const int32_t hidden = std::min(tokens, cost.hidden_tokens);
  CostModel::Parts parts = {};
  parts[kStep] = cost.step_us;
  parts[kHead] = load.num_logits > 0 ? cost.head_us : 0;
  parts[kHiddenTokens] = double{cost.hidden_token_us} * hidden;
  parts[kTokens] = double{cost.token_us} * (tokens - hidden);
  parts[kDecodeKeys] = double{cost.decode_key_us} * static_cast<double>(load.decode_keys);
  parts[kFreshPairs] = double{cost.fresh_pair_us} * static_cast<double>(load.fresh_pairs);
  parts[kCachedPairs] = double{cost.cached_pair_us} * static_cast<double>(load.cached_pairs);
  parts[kLogits] = double{cost.logits_us} * load.num_logits;
  return parts;
}

int32_t MinChunk(int32_t hidden_tokens) {
  const int32_t tiles = (std::min(hidden_tokens, kMaxMinChunk) + kTile - 1) / kTile;
  return std::clamp(tiles * kTile, kTile, kMaxMinChunk);
}

}  // namespace

StepCost PriorStepCost(const ModelConfig& config, const AttnShape& shape,
                       const DeviceProfile& device) {
  const double bytes_per_us =
      std::min(device.total_gb_s, device.num_workers * device.worker_gb_s) * 1e3;
  const double flops_per_us = device.num_workers * device.worker_gflop_s * 1e3;
  const double paged_flops_per_us = device.num_workers * device.paged_gflop_s * 1e3;
  const double hidden = config.hidden_size;
  const double layer_weights =
      hidden * (config.qkv_size() + config.attn_size() + 3.0 * config.intermediate_size);
  const double weights = layer_weights * config.num_layers;
  const double head = hidden * config.vocab_size;
  const double pair_flops = 4.0 * config.num_layers * config.num_q_heads * config.head_dim;
  const double key_bytes = static_cast<double>(shape.token_bytes()) * shape.num_kv_heads;
  constexpr double kBytesPerWeight = 2;       // bf16
  constexpr double kCallsPerLayer = 8;        // products, norms, attention
  constexpr double kSampleUsPerToken = 1e-3;  // of the vocabulary: softmax, top-k, top-p

  const double weights_us = weights * kBytesPerWeight / bytes_per_us;
  const double token_us = 2 * weights / flops_per_us;
  StepCost cost = {};
  cost.step_us =
      static_cast<float>(weights_us + kCallsPerLayer * config.num_layers * device.launch_us);
  cost.head_us = static_cast<float>(head * kBytesPerWeight / bytes_per_us);
  // Not nothing: norms, rotations and activations are not hidden.
  cost.hidden_token_us = static_cast<float>(token_us / 8);
  cost.token_us = static_cast<float>(token_us);
  cost.hidden_tokens = static_cast<int32_t>(std::clamp(weights_us / token_us, 1.0, 4096.0));
  cost.decode_key_us = static_cast<float>(key_bytes * config.num_layers / bytes_per_us);
  cost.fresh_pair_us = static_cast<float>(pair_flops / flops_per_us);
  cost.cached_pair_us = static_cast<float>(pair_flops / paged_flops_per_us);
  cost.logits_us = static_cast<float>(2 * head / flops_per_us +
                                      kSampleUsPerToken * config.vocab_size / device.num_workers);
  return cost;
}

CostModel::CostModel(const StepCost& prior)
    : prior_(prior), cost_(prior), min_chunk_(MinChunk(prior.hidden_tokens)) {
  WEIR_CHECK(prior.step_us > 0 && prior.hidden_tokens > 0);
  factors_.fill(1);
}

int32_t CostModel::PrefillTokensWithin(const StepLoad& load, const PrefillAsk& ask,
                                       double until_us) const {
  const auto fits = [&](int32_t q_len) {
    StepLoad with = load;
    with.Add(ask.computed, ask.computed + q_len, q_len == ask.remaining);
    return PredictUs(with) <= until_us;
  };
  const int32_t longest = std::min(ask.remaining, ask.limit);
  int32_t good = std::min(min_chunk_, longest);
  if (good <= 0 || !fits(good)) return 0;
  if (fits(longest)) return longest;
  for (int32_t bad = longest; bad - good > 1;) {
    const int32_t middle = good + (bad - good) / 2;
    (fits(middle) ? good : bad) = middle;
  }
  return good;
}

double CostModel::FillTargetUs(double budget_us) const {
  const double late =
      std::clamp(prefill_lateness_.Quantile(0.9), 0.0, kMaxMargin / (1 - kMaxMargin));
  return budget_us / (1 + late);
}

void CostModel::Observe(const StepLoad& load, double measured_us) {
  if (load.tokens() == 0 || !std::isfinite(measured_us) || measured_us <= 0) return;
  const double predicted_us = PredictUs(load);
  const double off = measured_us / predicted_us - 1;
  const double usual = std::max(last_errors_.Quantile(0.5), kMinUsualError);
  const bool judged = last_errors_.count() >= kStepsBeforeOutliers;
  const double weight = judged ? std::min(1.0, kOutlier * usual / std::abs(off)) : 1.0;
  errors_.Add(std::abs(off));
  last_errors_.Add(std::abs(off));
  if (!load.only_decodes()) prefill_lateness_.Add(off);
  ++num_observed_;

  Parts parts = PartsUs(prior_, load);
  for (double& part : parts) part /= predicted_us;
  Forget(usual > kFarOff ? kForgetFast : kForget);
  AddSample(parts, measured_us / predicted_us, weight);
  Solve();
  Publish();
}

void CostModel::Forget(double keep) {
  for (int i = 0; i < kNumParts; ++i) {
    for (double& product : gram_[i]) product *= keep;
    moment_[i] *= keep;
  }
}

// Everything relative to what was predicted, so that a long step counts as a short one does.
void CostModel::AddSample(const Parts& parts, double target, double weight) {
  for (int i = 0; i < kNumParts; ++i) {
    for (int j = 0; j < kNumParts; ++j) {
      gram_[i][j] += weight * parts[i] * parts[j];
    }
    moment_[i] += weight * parts[i] * target;
  }
}

// Coordinate descent on a strictly convex function inside a box: every move improves it, so however
// the samples depend on each other, it converges and stays inside.
void CostModel::Solve() {
  const Parts before = factors_;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (int i = 0; i < kNumParts; ++i) {
      double rest = moment_[i] + kInertia * before[i];
      for (int j = 0; j < kNumParts; ++j) rest -= j == i ? 0 : gram_[i][j] * factors_[j];
      const double least = i == kStep ? kMinStepFactor : 0;
      factors_[i] = std::clamp(rest / (gram_[i][i] + kInertia), least, kMaxFactor);
    }
  }
}

void CostModel::Publish() {
  const auto scaled = [&](float prior, Part part) {
    return static_cast<float>(prior * factors_[part]);
  };
  cost_.step_us = scaled(prior_.step_us, kStep);
  cost_.head_us = scaled(prior_.head_us, kHead);
  cost_.hidden_token_us = scaled(prior_.hidden_token_us, kHiddenTokens);
  cost_.token_us = scaled(prior_.token_us, kTokens);
  cost_.decode_key_us = scaled(prior_.decode_key_us, kDecodeKeys);
  cost_.fresh_pair_us = scaled(prior_.fresh_pair_us, kFreshPairs);
  cost_.cached_pair_us = scaled(prior_.cached_pair_us, kCachedPairs);
  cost_.logits_us = scaled(prior_.logits_us, kLogits);
}

}  // namespace weir
