// SPDX-License-Identifier: Apache-2.0
//
// For tests: the smallest tokenizer, with the tokens "a" and "b".
#ifndef WEIR_ENGINE_TEST_TOKENIZER_H_
#define WEIR_ENGINE_TEST_TOKENIZER_H_

#include "base/check.h"
#include "text/tokenizer.h"

namespace weir {

inline Tokenizer MakeTestTokenizer() {
  auto tokenizer = Tokenizer::FromJson(R"({
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "decoder": {"type": "ByteLevel"},
    "added_tokens": [],
    "model": {"type": "BPE", "unk_token": "a", "vocab": {"a": 0, "b": 1}, "merges": []}})",
                                       "test tokenizer");
  WEIR_CHECK(tokenizer.has_value());
  return std::move(*tokenizer);
}

}  // namespace weir

#endif  // WEIR_ENGINE_TEST_TOKENIZER_H_
