// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as the answer to a streamed request, fed whole and in pieces: both must come to the
// same end, and what is recorded must hold together. The first byte chooses the pieces.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "loadgen/client/stream_exchange.h"

namespace {

using weir::loadgen::RequestOutcome;
using weir::loadgen::StreamExchange;

void Expect(bool holds) {
  if (!holds) std::abort();
}

RequestOutcome Replay(std::string_view text, size_t piece) {
  StreamExchange exchange(1, 0, 5);
  double now_s = 1;
  for (size_t at = 0; at < text.size() && !exchange.ended(); at += piece) {
    exchange.OnBytes(now_s += 0.5, text.substr(at, piece));
  }
  exchange.OnEnd("");
  Expect(exchange.ended());
  return exchange.Take();
}

void Check(const RequestOutcome& outcome) {
  Expect(outcome.completed() || outcome.failed());
  Expect(outcome.completed() == outcome.error.empty());
  if (!outcome.completed()) return;
  Expect(outcome.http_status == 200 && outcome.ttft_s > 0);
  double sum_s = outcome.ttft_s;
  for (const double itl : outcome.itls_s) {
    Expect(itl >= 0);
    sum_s += itl;
  }
  Expect(std::abs(sum_s - outcome.latency_s) < 1e-6);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const RequestOutcome whole = Replay(text, std::max<size_t>(text.size(), 1));
  const RequestOutcome split = Replay(text, size_t{1} + data[0] % 32);
  Check(whole);
  Check(split);
  // An answer that is complete is the same however it comes. One that breaks the rules may be given
  // up earlier or later.
  if (whole.completed() && split.completed()) {
    Expect(whole.text == split.text && whole.itls_s.size() == split.itls_s.size());
    Expect(whole.output_tokens == split.output_tokens);
  }
  return 0;
}
