// SPDX-License-Identifier: Apache-2.0
//
// Parts a streamed answer of a thinking model into what it thought and what it says. The result
// does not depend on how the text is cut into pieces.
#ifndef WEIR_SERVER_API_REASONING_SPLITTER_H_
#define WEIR_SERVER_API_REASONING_SPLITTER_H_

#include <string>
#include <string_view>

namespace weir {

struct SplitText {
  std::string reasoning;
  std::string content;
};

// Thinking stands between <think> and </think> at the very beginning of an answer, or, where the
// prompt has opened it already, from the beginning to </think>. Any later tag is text. The tags
// themselves, and white space before the first, go nowhere.
class ReasoningSplitter {
 public:
  // `opened`: the prompt ends inside <think>.
  explicit ReasoningSplitter(bool opened);

  // What is certain; a piece that may still become a tag is held back.
  SplitText Push(std::string_view text);

  // The end of the answer: what was held back.
  SplitText Flush();

  bool in_reasoning() const { return state_ == State::kReasoning; }

 private:
  enum class State { kStart, kReasoning, kContent };

  void PushStart(SplitText& out);
  void PushReasoning(SplitText& out);

  State state_;
  std::string held_;
};

// Whether a prompt leaves <think> open at its end, as some templates do when they begin an answer.
bool EndsInsideThink(std::string_view prompt);

}  // namespace weir

#endif  // WEIR_SERVER_API_REASONING_SPLITTER_H_
