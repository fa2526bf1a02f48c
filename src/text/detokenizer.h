// SPDX-License-Identifier: Apache-2.0
//
// Token ids to text as they come, in whole UTF-8 characters: a character whose bytes are spread
// over several tokens appears with the last of them. All pieces together are Tokenizer::Decode of
// all ids.
#ifndef WEIR_TEXT_DETOKENIZER_H_
#define WEIR_TEXT_DETOKENIZER_H_

#include <string>

#include <weir/request.h>

#include "text/tokenizer.h"

namespace weir {

// One per sequence; one thread at a time.
class Detokenizer {
 public:
  // `tokenizer` must outlive the detokenizer.
  Detokenizer(const Tokenizer& tokenizer, bool skip_special)
      : tokenizer_(&tokenizer), skip_special_(skip_special) {}

  // The text that has become certain with this token; often all of it, sometimes none.
  std::string Push(TokenId id);

  // What was held back, as U+FFFD: the beginning of a character that never ended. After it the
  // detokenizer is as new.
  std::string Flush();

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::string pending_;  // at most three bytes between calls
};

}  // namespace weir

#endif  // WEIR_TEXT_DETOKENIZER_H_
