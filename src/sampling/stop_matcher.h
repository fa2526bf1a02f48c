// SPDX-License-Identifier: Apache-2.0
//
// Ends a streamed text before the first stop string. Works on bytes: where text and stop strings
// are UTF-8, what comes out is cut between characters.
//
// Of several stop strings in the text the one that ends first counts; of those that end at the same
// byte, the longest. The result does not depend on how the text is cut into pieces. (vLLM looks
// after each token and takes the first in list order, so there it does.)
#ifndef WEIR_SAMPLING_STOP_MATCHER_H_
#define WEIR_SAMPLING_STOP_MATCHER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

class StopMatcher {
 public:
  // No stop string may be empty. Without any, all text passes at once.
  StopMatcher(std::vector<std::string> stops, bool include_stop);

  // Takes more text and returns what is certain not to belong to a stop string. The longest suffix
  // that may still become one is held back. At the match: the text before it, with the stop string
  // when include_stop is set. After it: nothing.
  // Time: bytes of text times number of stop strings, on average over the calls.
  std::string Push(std::string_view text);

  // The end of the text: returns what was held back. The next Push starts afresh.
  std::string Flush();

  bool matched() const { return matched_; }

 private:
  // Knuth, Morris and Pratt: `prefix_len` bytes of `text` are the longest beginning of it that the
  // pushed text ends with; border[i] is the longest proper one that text[0, i] ends with.
  struct Stop {
    std::string text;
    std::vector<int32_t> border;
    int32_t prefix_len = 0;

    bool Advance(char next);  // whether the stop string ends with this byte
  };

  std::vector<Stop> stops_;
  bool include_stop_;
  bool matched_ = false;
  std::string held_;  // pushed and not returned yet
};

}  // namespace weir

#endif  // WEIR_SAMPLING_STOP_MATCHER_H_
