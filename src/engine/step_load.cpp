// SPDX-License-Identifier: Apache-2.0
#include "engine/step_load.h"

#include <algorithm>

namespace weir {

double PredictUs(const StepCost& cost, const StepLoad& load) {
  const int32_t tokens = load.tokens();
  if (tokens == 0) return 0;
  const int32_t hidden = std::min(tokens, cost.hidden_tokens);
  double us = cost.step_us;
  if (load.num_logits > 0) us += cost.head_us;
  us += double{cost.hidden_token_us} * hidden;
  us += double{cost.token_us} * (tokens - hidden);
  us += double{cost.decode_key_us} * static_cast<double>(load.decode_keys);
  us += double{cost.fresh_pair_us} * static_cast<double>(load.fresh_pairs);
  us += double{cost.cached_pair_us} * static_cast<double>(load.cached_pairs);
  us += double{cost.logits_us} * load.num_logits;
  return us;
}

}  // namespace weir
