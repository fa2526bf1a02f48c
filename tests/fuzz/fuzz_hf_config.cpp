// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as config.json and as generation_config.json. What is accepted must hold the sizes that
// model code relies on without checking again.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "loader/hf_config.h"

namespace {

void Expect(bool holds) {
  if (!holds) std::abort();
}

void CheckConfig(const weir::HfConfig& c) {
  Expect(c.vocab_size > 0 && c.hidden_size > 0 && c.intermediate_size > 0);
  Expect(c.num_hidden_layers > 0 && c.num_hidden_layers <= 4096);
  Expect(c.num_key_value_heads > 0 && c.num_attention_heads % c.num_key_value_heads == 0);
  Expect(c.head_dim > 0 && int64_t{c.head_dim} * c.num_attention_heads <= 1 << 18);
  Expect(c.rope_theta >= 1 && std::isfinite(c.rope_theta) && std::isfinite(c.rms_norm_eps));
  Expect(c.rope_scaling.factor >= 1 && std::isfinite(c.rope_scaling.factor));
  Expect(c.partial_rotary_factor > 0 && c.partial_rotary_factor <= 1);
  for (const int32_t id : c.eos_token_ids) Expect(id >= 0 && id < c.vocab_size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = weir::ParseJson(text, "fuzz");
  if (!json) return 0;
  const auto config = weir::ParseHfConfig(*json, "fuzz");
  if (config) CheckConfig(*config);
  const auto generation = weir::ParseGenerationConfig(*json, "fuzz");
  if (generation && generation->top_p) Expect(*generation->top_p > 0 && *generation->top_p <= 1);
  return 0;
}
