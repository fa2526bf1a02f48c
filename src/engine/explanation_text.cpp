// SPDX-License-Identifier: Apache-2.0
#include "engine/explanation_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <string_view>

#include "engine/log_index.h"

namespace weir {
namespace {

constexpr size_t kMaxCauses = 3;       // of a gap, in text
constexpr double kWorthNaming = 0.05;  // of a gap
constexpr double kLongGap = 1.5;       // times the typical one

template <class... Args>
void Add(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

std::string Duration(double us) {
  if (us >= 10e6) return fmt::format("{:.1f} s", us / 1e6);
  if (us >= 1e6) return fmt::format("{:.2f} s", us / 1e6);
  if (us >= 10e3) return fmt::format("{:.0f} ms", us / 1e3);
  return fmt::format("{:.1f} ms", us / 1e3);
}

std::string Count(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string Name(RequestId request, const std::string& label) {
  return label.empty() ? fmt::format("request {}", request)
                       : fmt::format("request {} \"{}\"", request, label);
}

std::string Name(RequestId request, const LogIndex& index) {
  const RequestRecord* record = index.Request(request);
  return Name(request, record == nullptr ? std::string() : record->label);
}

const char* LimitText(StepLimit limit) {
  switch (limit) {
    case StepLimit::kAllIn:
      return "held all that could run";
    case StepLimit::kItlBudget:
      return "had no time left in the budget";
    case StepLimit::kTokens:
      return "had as many tokens as a step may have";
    case StepLimit::kSequences:
      return "had as many sequences as may run";
    case StepLimit::kPages:
      return "had no free page left";
  }
  return "";
}

void AddQueue(const Explanation& e, std::string& out) {
  if (e.queue_us < 0) return;
  Add(out, "queued for {}", Duration(e.queue_us));
  if (e.queue_steps > 0) Add(out, "; {} ran meanwhile", Count(e.queue_steps, "step"));
  std::string_view separator = ": ";
  for (size_t i = 0; i < e.queue_limits.size(); ++i) {
    if (e.queue_limits[i] == 0) continue;
    Add(out, "{}{} {}", separator, e.queue_limits[i], LimitText(static_cast<StepLimit>(i)));
    separator = ", ";
  }
  out += '\n';
}

void AddCause(const GapCause& cause, const LogIndex& index, std::string& out) {
  if (cause.row_class == RowClass::kDecode) {
    Add(out, "decoded {} of {} over {} keys", Count(cause.q_len, "token"),
        Name(cause.request, index), cause.cached + 1);
  } else {
    Add(out, "computed {} of {} (cached {})", Count(cause.q_len, "prompt token"),
        Name(cause.request, index), cause.cached);
  }
  if (cause.share_us > 0) Add(out, ", predicted share {}", Duration(cause.share_us));
}

// Those that made a difference; without a cost model the prefills.
void AddCauses(const TokenGap& gap, const LogIndex& index, std::string& out) {
  size_t named = 0;
  for (const GapCause& cause : gap.causes) {
    const bool counts = cause.share_us > 0 ? cause.share_us >= kWorthNaming * gap.gap_us
                                           : cause.row_class != RowClass::kDecode;
    if (!counts) continue;
    if (named == kMaxCauses) break;
    Add(out, "{}", named == 0 ? "the step also " : "; it also ");
    AddCause(cause, index, out);
    ++named;
  }
  if (named < gap.causes.size()) {
    Add(out, "{}{} made little difference", named == 0 ? "" : "; ",
        Count(static_cast<int64_t>(gap.causes.size() - named), "other row"));
  }
}

void AddGap(const TokenGap& gap, double typical_us, const LogIndex& index, std::string& out) {
  Add(out, "  token {} came after {}, typical {} (step {}): ", gap.token, Duration(gap.gap_us),
      Duration(typical_us), gap.step);
  const size_t begin = out.size();
  const auto next = [&] { out += out.size() == begin ? "" : "; "; };
  if (gap.num_steps_away > 0) {
    Add(out, "{} ran without this sequence, as it was preempted or others came first",
        Count(gap.num_steps_away, "step"));
  }
  if (!gap.causes.empty()) {
    next();
    AddCauses(gap, index, out);
  }
  if (gap.slower_us >= kWorthNaming * gap.gap_us) {
    next();
    Add(out, "it took {} more than predicted", Duration(gap.slower_us));
  }
  if (gap.idle_us >= kWorthNaming * gap.gap_us) {
    next();
    Add(out, "{} passed between steps", Duration(gap.idle_us));
  }
  if (out.size() == begin) out += "nothing shared the step";
  out += '\n';
}

void AddOutput(const OutputExplanation& output, const LogIndex& index, std::string& out) {
  Add(out, "output {}: {}", output.index, Count(output.num_tokens, "token"));
  if (output.typical_us > 0) Add(out, ", one every {} typically", Duration(output.typical_us));
  out += '\n';
  if (output.num_preempted > 0) {
    Add(out, "  preempted {}: {} computed again\n", Count(output.num_preempted, "time"),
        Count(output.num_recomputed, "token"));
  }
  const auto is_long = [&](const TokenGap& g) { return g.gap_us > kLongGap * output.typical_us; };
  if (output.worst.empty()) return;
  if (std::none_of(output.worst.begin(), output.worst.end(), is_long)) {
    Add(out, "  even: the longest gap is {}, before token {}\n",
        Duration(output.worst.front().gap_us), output.worst.front().token);
  }
  for (const TokenGap& gap : output.worst) {
    if (is_long(gap)) AddGap(gap, output.typical_us, index, out);
  }
}

Json KnownOrNull(double us) { return us < 0 ? Json() : Json(us); }

Json ToJson(const TokenGap& gap) {
  Json causes = Json::array();
  for (const GapCause& cause : gap.causes) {
    causes.push_back({{"request", cause.request},
                      {"class", RowClassName(cause.row_class)},
                      {"q_len", cause.q_len},
                      {"cached", cause.cached},
                      {"share_us", cause.share_us}});
  }
  return {{"token", gap.token},
          {"step", gap.step},
          {"gap_us", gap.gap_us},
          {"num_steps", gap.num_steps},
          {"num_steps_away", gap.num_steps_away},
          {"slower_us", gap.slower_us},
          {"idle_us", gap.idle_us},
          {"causes", std::move(causes)}};
}

}  // namespace

std::string ExplanationText(const Explanation& e, const StepLog& log) {
  const LogIndex index(log);
  std::string out = Name(e.request, e.label);
  if (e.num_prompt > 0) Add(out, ": {}", Count(e.num_prompt, "prompt token"));
  out += '\n';
  if (e.outputs.empty()) return out + "has not been part of a step that the records hold\n";
  if (e.truncated) out += "the records do not go back to its beginning\n";
  if (log.num_dropped > 0)
    Add(out, "{} are missing in the trace\n", Count(log.num_dropped, "record"));
  AddQueue(e, out);
  if (e.prefill_us >= 0) {
    Add(out, "prefill took {} in {}\n", Duration(e.prefill_us), Count(e.prefill_steps, "step"));
  }
  for (const OutputExplanation& output : e.outputs) AddOutput(output, index, out);
  return out;
}

Json ExplanationJson(const Explanation& e) {
  Json limits = Json::object();
  for (size_t i = 0; i < e.queue_limits.size(); ++i) {
    limits[StepLimitName(static_cast<StepLimit>(i))] = e.queue_limits[i];
  }
  Json outputs = Json::array();
  for (const OutputExplanation& output : e.outputs) {
    Json worst = Json::array();
    for (const TokenGap& gap : output.worst) worst.push_back(ToJson(gap));
    outputs.push_back({{"index", output.index},
                       {"num_tokens", output.num_tokens},
                       {"typical_us", output.typical_us},
                       {"num_preempted", output.num_preempted},
                       {"num_recomputed", output.num_recomputed},
                       {"worst", std::move(worst)}});
  }
  return {{"request", e.request},
          {"label", e.label},
          {"num_prompt", e.num_prompt > 0 ? Json(e.num_prompt) : Json()},
          {"truncated", e.truncated},
          {"queue_us", KnownOrNull(e.queue_us)},
          {"queue_steps", e.queue_steps},
          {"queue_limits", std::move(limits)},
          {"prefill_us", KnownOrNull(e.prefill_us)},
          {"prefill_steps", e.prefill_steps},
          {"outputs", std::move(outputs)}};
}

}  // namespace weir
