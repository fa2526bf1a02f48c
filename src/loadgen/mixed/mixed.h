// SPDX-License-Identifier: Apache-2.0
//
// The mixed-load profile: decodes run in the background, long prompts are injected among them, and
// what that does to the gaps between tokens, and to the prefills themselves, is measured. Works on
// any OpenAI server; a Weir server also tells which steps stretched which gaps.
#ifndef WEIR_LOADGEN_MIXED_MIXED_H_
#define WEIR_LOADGEN_MIXED_MIXED_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weir/result.h>

#include "base/json.h"
#include "loadgen/mixed/gap_tags.h"
#include "loadgen/mixed/server_steps.h"
#include "loadgen/serve/serve_options.h"

namespace weir::loadgen {

struct MixedOptions {
  RequestForm form;
  const Tokenizer* tokenizer = nullptr;
  bool as_text = false;  // prompts as text, which needs the tokenizer
  uint64_t seed = 0;
  int64_t background = 8;             // decodes at the same time
  int64_t background_context = 2048;  // tokens of their prompts
  int64_t background_output = 1024;   // tokens at most; they are cut off when the profile is over
  int64_t inject_len = 8192;          // tokens of an injected prompt
  int64_t inject_cached = 6144;       // of those that have a prefix in the cache
  int64_t inject_count = 3;           // of each kind
  double inject_interval_s = 2;       // from one injection to the next
  double settle_s = 1;                // of decoding alone, before the first and after the last
  double request_timeout_s = 6 * 3600;
};

Status ValidateMixed(const MixedOptions& options);

// Prompt tokens that had to be computed, per second up to the first token; medians.
struct PrefillRates {
  double alone = 0;
  double loaded = 0;
};

struct StretchedGap {
  TaggedGap gap;
  std::string step;  // empty when the server does not tell
};

struct MixedResult {
  std::string model_id;
  bool interrupted = false;
  int64_t failed = 0;
  std::string first_error;
  double begin_s = 0;
  MixedGaps gaps;
  PrefillRates fresh;
  PrefillRates cached;
  std::vector<StretchedGap> longest;  // under a prefill, longest first
  bool has_steps = false;
  std::vector<std::string> notes;
};

Result<MixedResult> RunMixed(const MixedOptions& options, Network& network,
                             const ServeHooks& hooks);

std::string MixedText(const MixedOptions& options, const MixedResult& result);
Json MixedJson(const MixedOptions& options, const MixedResult& result);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_MIXED_MIXED_H_
