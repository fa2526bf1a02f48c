// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_rows.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/error.h"

namespace weir {
namespace {

constexpr size_t kMaxShownBytes = 24;
constexpr int64_t kMaxPages = int64_t{1} << 26;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class RowReader {
 public:
  explicit RowReader(std::string_view text) : text_(text) { SkipSpace(); }

  bool AtEnd() const { return at_ == text_.size(); }

  bool Take(char wanted) {
    if (AtEnd() || text_[at_] != wanted) return false;
    ++at_;
    SkipSpace();
    return true;
  }

  Status Expect(char wanted, std::string_view words) {
    if (!Take(wanted)) return Wrong(at_, words);
    return Ok();
  }

  // Digits and an optional k.
  Result<int32_t> Number(int32_t min, int32_t max, std::string_view unit) {
    const size_t begin = at_;
    const auto wanted = [&] { return fmt::format("{} to {} {}", min, max, unit); };
    if (AtEnd() || !IsDigit(text_[at_])) return Wrong(begin, wanted());
    int64_t value = 0;
    for (; !AtEnd() && IsDigit(text_[at_]); ++at_) {
      value = std::min<int64_t>(value * 10 + (text_[at_] - '0'), int64_t{max} + 1);
    }
    if (!AtEnd() && (text_[at_] == 'k' || text_[at_] == 'K')) {
      value *= 1024;
      ++at_;
    }
    if (value < min || value > max) return Wrong(begin, wanted());
    SkipSpace();
    return static_cast<int32_t>(value);
  }

  // Of what stands at `begin`.
  tl::unexpected<Error> Wrong(size_t begin, std::string_view wanted) const {
    return Err(Code::kInvalidArgument, "--rows: character ", begin + 1, ": found ", Found(begin),
               ", wanted ", wanted);
  }

  size_t at() const { return at_; }

 private:
  // A whole number with its suffix, or one character; no byte that a terminal would act on.
  std::string Found(size_t begin) const {
    if (begin >= text_.size()) return "the end";
    size_t end = begin;
    while (end < text_.size() && IsDigit(text_[end])) ++end;
    if (end < text_.size() && (end == begin || text_[end] == 'k' || text_[end] == 'K')) ++end;
    const std::string_view found = text_.substr(begin, end - begin);
    const auto code = static_cast<unsigned char>(found[0]);
    if (code < ' ' || code > '~') return fmt::format("byte 0x{:02x}", code);
    const bool cut = found.size() > kMaxShownBytes;
    return fmt::format("\"{}{}\"", found.substr(0, kMaxShownBytes), cut ? "..." : "");
  }

  void SkipSpace() {
    while (!AtEnd() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
};

Result<RowGroup> ReadGroup(RowReader& reader) {
  RowGroup group{};
  WEIR_ASSIGN_OR_RETURN(group.count, reader.Number(1, kMaxPlanTokens, "sequences"));
  WEIR_RETURN_IF_ERROR(reader.Expect('x', "x"));
  const size_t tokens_at = reader.at();
  WEIR_ASSIGN_OR_RETURN(const int32_t tokens, reader.Number(1, kMaxPlanKvLen, "tokens"));
  group.decode = !reader.Take('+');
  if (group.decode) {
    group.q_len = 1;
    group.cached = tokens - 1;
    return group;
  }
  if (tokens > kMaxPlanTokens) {
    return reader.Wrong(tokens_at, fmt::format("1 to {} new tokens", kMaxPlanTokens));
  }
  group.q_len = tokens;
  WEIR_ASSIGN_OR_RETURN(group.cached, reader.Number(0, kMaxPlanKvLen - tokens, "cached tokens"));
  return group;
}

// One page table per sequence: `num_shared` pages that all decodes hold, then pages of its own.
void AppendPages(const RowGroup& group, int32_t num_shared, int32_t& next_page, PlanStep& step) {
  const int32_t num_pages = (group.kv_len() + kPlanPageLen - 1) / kPlanPageLen;
  const int32_t shared = group.decode ? num_shared : 0;
  for (int32_t page = 0; page < num_pages; ++page) {
    step.pages.push_back(page < shared ? page : next_page++);
  }
  step.page_begin.push_back(static_cast<int32_t>(step.pages.size()));
}

Status CheckPrefix(std::span<const RowGroup> groups, int32_t shared_prefix) {
  int64_t num_pages = 0;
  for (const RowGroup& group : groups) {
    num_pages += int64_t{group.count} * (group.kv_len() / kPlanPageLen + 1);
    if (group.decode && group.kv_len() <= shared_prefix) {
      return Err(Code::kInvalidArgument, "--shared-prefix: found ", shared_prefix,
                 ", wanted less than the ", group.kv_len(), " tokens of the shortest decode");
    }
  }
  if (num_pages > kMaxPages) {
    return Err(Code::kInvalidArgument, "--shared-prefix: the step has ", num_pages,
               " pages, wanted at most ", kMaxPages);
  }
  return Ok();
}

}  // namespace

Result<std::vector<RowGroup>> ParseRows(std::string_view text) {
  RowReader reader(text);
  std::vector<RowGroup> groups;
  int64_t num_tokens = 0;
  do {
    const size_t begin = reader.at();
    WEIR_ASSIGN_OR_RETURN(groups.emplace_back(), ReadGroup(reader));
    num_tokens += int64_t{groups.back().count} * groups.back().q_len;
    if (num_tokens > kMaxPlanTokens) {
      return Err(Code::kInvalidArgument, "--rows: character ", begin + 1, ": found ", num_tokens,
                 " new tokens up to this group, wanted at most ", kMaxPlanTokens);
    }
  } while (reader.Take(','));
  if (!reader.AtEnd()) {
    return reader.Wrong(reader.at(),
                        groups.back().decode ? "+, a comma or the end" : "a comma or the end");
  }
  return groups;
}

std::string Describe(const RowGroup& group) {
  const char* plural = group.count == 1 ? "" : "s";
  if (group.decode) return fmt::format("{} decode{} at {}", group.count, plural, group.kv_len());
  std::string text = fmt::format("{} prefill{} of {}", group.count, plural, group.q_len);
  if (group.cached > 0) text += fmt::format(" after {}", group.cached);
  return text;
}

AttnBatch PlanStep::batch() const {
  return {.row_begin = row_begin,
          .kv_len = kv_len,
          .pages = pages,
          .page_begin = page_begin,
          .page_len = kPlanPageLen};
}

Result<PlanStep> MakeStep(std::span<const RowGroup> groups, int32_t shared_prefix) {
  PlanStep step;
  step.row_begin.push_back(0);
  for (const RowGroup& group : groups) {
    for (int32_t i = 0; i < group.count; ++i) {
      step.row_begin.push_back(step.row_begin.back() + group.q_len);
      step.kv_len.push_back(group.kv_len());
    }
  }
  if (shared_prefix == 0) return step;
  WEIR_RETURN_IF_ERROR(CheckPrefix(groups, shared_prefix));
  const int32_t num_shared = shared_prefix / kPlanPageLen;
  int32_t next_page = num_shared;
  step.page_begin.push_back(0);
  for (const RowGroup& group : groups) {
    for (int32_t i = 0; i < group.count; ++i) AppendPages(group, num_shared, next_page, step);
  }
  return step;
}

}  // namespace weir
