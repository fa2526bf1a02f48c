// SPDX-License-Identifier: Apache-2.0
//
// Any text as a trace file and as the answer of a server, through all that `weir explain` does with
// it. What is accepted must be in order, and a Chrome trace of it valid JSON.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "engine/explanation_text.h"
#include "engine/perfetto_export.h"
#include "engine/step_explainer.h"
#include "engine/step_log.h"

namespace {

constexpr size_t kMaxExplained = 4;  // requests of one log

void Expect(bool holds) {
  if (!holds) std::abort();
}

void Use(const weir::Result<weir::StepLog>& log) {
  if (!log) return Expect(log.error().code == weir::Code::kInvalidRequest);
  for (size_t i = 1; i < log->steps.size(); ++i) {
    Expect(log->steps[i - 1].step < log->steps[i].step);
  }
  size_t explained = 0;
  for (const weir::RowRecord& row : log->rows) {
    if (++explained > kMaxExplained) break;
    const weir::Explanation explanation = weir::Explain(*log, row.request, 2);
    Expect(!weir::ExplanationText(explanation, *log).empty());
    Expect(!weir::DumpJson(weir::ExplanationJson(explanation)).empty());
  }
  for (const weir::RequestRecord& request : log->requests) {
    if (!request.label.empty()) Expect(weir::FindRequest(*log, request.label).has_value());
  }
  Expect(weir::ParseJson(weir::PerfettoTrace(*log), "trace").has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Use(weir::ParseTrace(text, "trace"));
  Use(weir::ParseStepLog(text, "answer"));
  return 0;
}
