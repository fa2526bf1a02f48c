// SPDX-License-Identifier: Apache-2.0
//
// Any text as the rows of `weir plan`. What is accepted must keep the limits that planners rely on,
// and mean the same when it is written out again.
#include <cstdint>
#include <cstdlib>
#include <fmt/format.h>
#include <string>
#include <string_view>

#include "cli/plan_rows.h"

namespace {

void Expect(bool holds) {
  if (!holds) std::abort();
}

std::string Rewritten(const std::vector<weir::RowGroup>& groups) {
  std::string text;
  for (const weir::RowGroup& group : groups) {
    text += fmt::format("{}{} x ", text.empty() ? "" : ", ", group.count);
    text += group.decode ? fmt::format("{}", group.kv_len())
                         : fmt::format("{}+{}", group.q_len, group.cached);
  }
  return text;
}

bool Same(const weir::RowGroup& a, const weir::RowGroup& b) {
  return a.count == b.count && a.q_len == b.q_len && a.cached == b.cached && a.decode == b.decode;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto groups = weir::ParseRows(text);
  if (!groups) {
    Expect(groups.error().message.size() < 200);
    return 0;
  }
  Expect(!groups->empty());
  int64_t num_tokens = 0;
  for (const weir::RowGroup& group : *groups) {
    Expect(group.count >= 1 && group.q_len >= 1 && group.cached >= 0);
    Expect(int64_t{group.q_len} + group.cached <= weir::kMaxPlanKvLen);
    Expect(!group.decode || group.q_len == 1);
    num_tokens += int64_t{group.count} * group.q_len;
  }
  Expect(num_tokens <= weir::kMaxPlanTokens);
  const auto again = weir::ParseRows(Rewritten(*groups));
  Expect(again.has_value() && again->size() == groups->size());
  for (size_t i = 0; i < groups->size(); ++i) Expect(Same((*groups)[i], (*again)[i]));
  if (num_tokens <= 4096) Expect(weir::MakeStep(*groups, 0).has_value());
  return 0;
}
