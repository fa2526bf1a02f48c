// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/token_pool.h"

#include "base/check.h"

namespace weir::loadgen {
namespace {

constexpr int kMaxRetries = 10;
constexpr TokenId kCommonBegin = 256;  // the bytes come first
constexpr TokenId kCommonEnd = 1024;

}  // namespace

TokenPool PoolOf(const Tokenizer& tokenizer) {
  TokenPool pool{.vocab_size = tokenizer.vocab_size()};
  for (TokenId id = tokenizer.vocab_size() / 2; id < tokenizer.vocab_size(); ++id) {
    if (!tokenizer.IsSpecial(id)) continue;
    pool.vocab_size = id;
    break;
  }
  for (TokenId id = 0; id < pool.vocab_size; ++id) {
    if (!tokenizer.IsSpecial(id)) pool.allowed.push_back(id);
  }
  WEIR_CHECK(!pool.allowed.empty());
  return pool;
}

TokenPool CommonPool() {
  TokenPool pool{.vocab_size = kCommonEnd};
  for (TokenId id = kCommonBegin; id < kCommonEnd; ++id) pool.allowed.push_back(id);
  return pool;
}

FittedText FitText(const Tokenizer& tokenizer, std::vector<TokenId> tokens, size_t wanted,
                   FunctionRef<TokenId()> draw) {
  FittedText fitted;
  for (int retries = 0;; ++retries) {
    fitted.text = tokenizer.Decode(tokens, false);
    fitted.tokens = tokenizer.Encode(fitted.text);
    if (retries == kMaxRetries || fitted.tokens.size() == wanted) return fitted;
    tokens = fitted.tokens;
    if (tokens.size() > wanted) tokens.resize(wanted);
    while (tokens.size() < wanted) tokens.push_back(draw());
  }
}

}  // namespace weir::loadgen
