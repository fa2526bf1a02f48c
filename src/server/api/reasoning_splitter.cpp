// SPDX-License-Identifier: Apache-2.0
#include "server/api/reasoning_splitter.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kSpace = " \t\r\n";

// The longest end of `text` that `tag` begins with.
size_t PartialTag(std::string_view text, std::string_view tag) {
  for (size_t size = std::min(text.size(), tag.size() - 1); size > 0; --size) {
    if (text.substr(text.size() - size) == tag.substr(0, size)) return size;
  }
  return 0;
}

}  // namespace

ReasoningSplitter::ReasoningSplitter(bool opened)
    : state_(opened ? State::kReasoning : State::kStart) {}

void ReasoningSplitter::PushStart(SplitText& out) {
  const size_t begin = held_.find_first_not_of(kSpace);
  if (begin == std::string::npos) return;
  const std::string_view rest = std::string_view(held_).substr(begin);
  if (rest.substr(0, kOpen.size()) == kOpen) {
    held_.erase(0, begin + kOpen.size());
    state_ = State::kReasoning;
  } else if (kOpen.substr(0, rest.size()) != rest) {
    out.content += std::exchange(held_, "");
    state_ = State::kContent;
  }
}

void ReasoningSplitter::PushReasoning(SplitText& out) {
  const size_t close = held_.find(kClose);
  if (close == std::string::npos) {
    const size_t sure = held_.size() - PartialTag(held_, kClose);
    out.reasoning += held_.substr(0, sure);
    held_.erase(0, sure);
    return;
  }
  out.reasoning += held_.substr(0, close);
  out.content += held_.substr(close + kClose.size());
  held_.clear();
  state_ = State::kContent;
}

SplitText ReasoningSplitter::Push(std::string_view text) {
  SplitText out;
  if (state_ == State::kContent) {
    out.content = text;
    return out;
  }
  held_ += text;
  if (state_ == State::kStart) PushStart(out);
  if (state_ == State::kReasoning) PushReasoning(out);
  return out;
}

SplitText ReasoningSplitter::Flush() {
  SplitText out;
  (state_ == State::kReasoning ? out.reasoning : out.content) = std::exchange(held_, "");
  return out;
}

bool EndsInsideThink(std::string_view prompt) {
  const size_t end = prompt.find_last_not_of(kSpace);
  if (end == std::string_view::npos) return false;
  prompt = prompt.substr(0, end + 1);
  return prompt.size() >= kOpen.size() && prompt.substr(prompt.size() - kOpen.size()) == kOpen;
}

}  // namespace weir
