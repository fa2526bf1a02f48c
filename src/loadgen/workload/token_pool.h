// SPDX-License-Identifier: Apache-2.0
//
// The token ids that made-up prompts consist of, and how such prompts become text of a wanted
// number of tokens.
#ifndef WEIR_LOADGEN_WORKLOAD_TOKEN_POOL_H_
#define WEIR_LOADGEN_WORKLOAD_TOKEN_POOL_H_

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "text/tokenizer.h"

namespace weir::loadgen {

struct TokenPool {
  int64_t vocab_size = 0;        // ids of the vocabulary itself, without those added to it
  std::vector<TokenId> allowed;  // of these, those that are not special; ascending
};

// What Hugging Face calls vocab_size ends where the block of special tokens at the end begins.
TokenPool PoolOf(const Tokenizer& tokenizer);

// For servers whose vocabulary is not known: ids that every byte-level BPE has, and none of them
// special.
TokenPool CommonPool();

struct FittedText {
  std::string text;
  std::vector<TokenId> tokens;  // of the text
};

// Ids decoded to text seldom encode to the same ids. Decodes, encodes, cuts or adds ids drawn by
// `draw`, up to ten times, until the text has `wanted` tokens; the last attempt stands.
FittedText FitText(const Tokenizer& tokenizer, std::vector<TokenId> tokens, size_t wanted,
                   FunctionRef<TokenId()> draw);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_WORKLOAD_TOKEN_POOL_H_
