// SPDX-License-Identifier: Apache-2.0
#include "sampling/stop_matcher.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

std::vector<int32_t> Borders(std::string_view text) {
  std::vector<int32_t> border(text.size(), 0);
  int32_t len = 0;
  for (size_t i = 1; i < text.size(); ++i) {
    while (len > 0 && text[i] != text[static_cast<size_t>(len)]) {
      len = border[static_cast<size_t>(len) - 1];
    }
    if (text[i] == text[static_cast<size_t>(len)]) ++len;
    border[i] = len;
  }
  return border;
}

}  // namespace

StopMatcher::StopMatcher(std::vector<std::string> stops, bool include_stop)
    : include_stop_(include_stop) {
  for (std::string& text : stops) {
    WEIR_CHECK(!text.empty());
    std::vector<int32_t> border = Borders(text);
    stops_.push_back({std::move(text), std::move(border), 0});
  }
}

bool StopMatcher::Stop::Advance(char next) {
  // prefix_len < text.size() here: a match ends the matcher.
  while (prefix_len > 0 && text[static_cast<size_t>(prefix_len)] != next) {
    prefix_len = border[static_cast<size_t>(prefix_len) - 1];
  }
  if (text[static_cast<size_t>(prefix_len)] == next) ++prefix_len;
  return prefix_len == static_cast<int32_t>(text.size());
}

std::string StopMatcher::Push(std::string_view text) {
  if (matched_) return {};
  for (const char next : text) {
    held_ += next;
    size_t longest = 0;  // of the stop strings that end here
    for (Stop& stop : stops_) {
      if (stop.Advance(next)) longest = std::max(longest, stop.text.size());
    }
    if (longest == 0) continue;
    matched_ = true;
    if (!include_stop_) held_.resize(held_.size() - longest);
    return std::exchange(held_, {});
  }
  int32_t keep = 0;
  for (const Stop& stop : stops_) keep = std::max(keep, stop.prefix_len);
  std::string out = held_.substr(0, held_.size() - static_cast<size_t>(keep));
  held_.erase(0, out.size());
  return out;
}

std::string StopMatcher::Flush() {
  for (Stop& stop : stops_) stop.prefix_len = 0;
  return std::exchange(held_, {});
}

}  // namespace weir
