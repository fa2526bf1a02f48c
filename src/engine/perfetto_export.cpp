// SPDX-License-Identifier: Apache-2.0
#include "engine/perfetto_export.h"

#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "engine/log_index.h"

namespace weir {
namespace {

constexpr int64_t kEngineProcess = 1;
constexpr int64_t kRequestProcess = 2;

// One text for each event: a trace is too long to be held as JSON values.
class TraceText {
 public:
  void Add(const Json& event) {
    text_ += first_ ? "\n" : ",\n";
    text_ += DumpJson(event);
    first_ = false;
  }

  void Name(std::string_view what, int64_t process, int64_t thread, std::string_view name) {
    Add({{"ph", "M"},
         {"name", what},
         {"pid", process},
         {"tid", thread},
         {"args", {{"name", name}}}});
  }

  // A stretch of time on a track.
  void Slice(std::string_view name, int64_t process, int64_t thread, double begin_us, double us,
             Json args) {
    Add({{"ph", "X"},
         {"name", name},
         {"pid", process},
         {"tid", thread},
         {"ts", begin_us},
         {"dur", us},
         {"args", std::move(args)}});
  }

  void Counter(std::string_view name, double at_us, Json values) {
    Add({{"ph", "C"},
         {"name", name},
         {"pid", kEngineProcess},
         {"ts", at_us},
         {"args", std::move(values)}});
  }

  std::string Take() {
    return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[" + std::move(text_) + "\n]}\n";
  }

 private:
  std::string text_;
  bool first_ = true;
};

void AddStep(const StepRecord& step, TraceText& trace) {
  const auto begin = static_cast<double>(step.begin_us);
  trace.Slice(fmt::format("step {}", step.step), kEngineProcess, 1, begin, step.total_us,
              {{"predicted_us", step.predicted_us},
               {"limit", StepLimitName(step.limit)},
               {"captured", step.captured},
               {"splits", step.num_splits},
               {"preempted", step.num_preempted}});
  const std::array<std::pair<const char*, float>, 4> phases = {{{"schedule", step.schedule_us},
                                                                {"plan", step.plan_us},
                                                                {"forward", step.forward_us},
                                                                {"sample", step.sample_us}}};
  double at = begin;
  for (const auto& [name, us] : phases) {
    trace.Slice(name, kEngineProcess, 1, at, us, Json::object());
    at += us;
  }
  Json tokens = Json::object();
  for (int i = 0; i < kNumRowClasses; ++i) {
    tokens[RowClassName(static_cast<RowClass>(i))] = step.num_tokens[static_cast<size_t>(i)];
  }
  trace.Counter("tokens", begin, std::move(tokens));
  trace.Counter("waiting", begin, {{"sequences", step.num_waiting}});
  trace.Counter("free pages", begin, {{"pages", step.num_free_pages}});
}

// A track for each output, in order of its first step; the queue stands on the request's first.
class RequestTracks {
 public:
  RequestTracks(const LogIndex& index, TraceText& trace) : index_(index), trace_(trace) {}

  void Add(const RowRecord& row) {
    const StepRecord* step = index_.Step(row.step);
    if (step == nullptr) return;
    const auto next = static_cast<int64_t>(tracks_.size()) + 1;
    const auto [at, is_new] = tracks_.try_emplace({row.request, row.index}, next);
    const int64_t track = at->second;
    if (is_new) NameTrack(row, *step, track);
    const bool decode = row.row_class == RowClass::kDecode;
    trace_.Slice(decode ? "decode" : "prefill", kRequestProcess, track,
                 static_cast<double>(step->begin_us), step->total_us,
                 {{"step", row.step},
                  {"tokens", row.q_len},
                  {"cached", row.kv_len - row.q_len},
                  {"class", RowClassName(row.row_class)}});
  }

 private:
  void NameTrack(const RowRecord& row, const StepRecord& first, int64_t track) {
    const RequestRecord* request = index_.Request(row.request);
    std::string name = fmt::format("request {}", row.request);
    if (request != nullptr && !request->label.empty()) name += " " + request->label;
    if (row.index > 0) name += fmt::format(" output {}", row.index);
    trace_.Name("thread_name", kRequestProcess, track, name);
    const bool waited = request != nullptr && request->arrived_us < first.begin_us;
    if (!waited || row.index > 0) return;
    trace_.Slice("queue", kRequestProcess, track, static_cast<double>(request->arrived_us),
                 static_cast<double>(first.begin_us - request->arrived_us), Json::object());
  }

  const LogIndex& index_;
  TraceText& trace_;
  std::map<std::pair<RequestId, int32_t>, int64_t> tracks_;
};

}  // namespace

std::string PerfettoTrace(const StepLog& log) {
  const LogIndex index(log);
  TraceText trace;
  trace.Name("process_name", kEngineProcess, 1, "weir engine");
  trace.Name("thread_name", kEngineProcess, 1, "steps");
  trace.Name("process_name", kRequestProcess, 1, "requests");
  for (const StepRecord& step : log.steps) AddStep(step, trace);
  RequestTracks tracks(index, trace);
  for (const RowRecord& row : log.rows) tracks.Add(row);
  return trace.Take();
}

}  // namespace weir
