// SPDX-License-Identifier: Apache-2.0
//
// `weir explain`: why a request's tokens came when they did, from a running server's ledger or from
// a trace file.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "cli/commands.h"
#include "cli/http_get.h"
#include "cli/output_file.h"
#include "engine/explanation_text.h"
#include "engine/perfetto_export.h"
#include "engine/step_explainer.h"
#include "engine/step_log.h"

namespace weir {
namespace {

constexpr size_t kMaxTraceBytes = size_t{1} << 32;
constexpr size_t kMaxKeyFileBytes = size_t{1} << 16;
// Of a server's ledger: more pages than any ledger has, and a page that is surely the last one,
// while the server goes on working.
constexpr int kMaxPages = 64;
constexpr int kPageSteps = 1000;  // asked for; a server may answer fewer
constexpr size_t kSmallPage = 64;

struct ExplainOptions {
  std::string request;
  std::string url = "http://127.0.0.1:8000";
  std::string api_key_file;
  std::string trace;
  std::string perfetto;
  int32_t gaps = 5;
  bool json = false;
};

// The first line of the file.
Result<std::string> ReadKey(const std::string& path) {
  if (path.empty()) return std::string();
  WEIR_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxKeyFileBytes));
  std::string key = text.substr(0, text.find_first_of("\r\n"));
  if (key.empty()) return Err(Code::kInvalidArgument, path, ": found no key in its first line");
  return key;
}

void Append(StepLog page, StepLog& log) {
  log.steps.insert(log.steps.end(), page.steps.begin(), page.steps.end());
  log.rows.insert(log.rows.end(), page.rows.begin(), page.rows.end());
  log.requests = std::move(page.requests);
  log.cost = page.cost;
}

Result<StepLog> FetchLog(const ExplainOptions& o) {
  WEIR_ASSIGN_OR_RETURN(const HttpUrl url, ParseHttpUrl(o.url));
  HttpGetOptions options;
  WEIR_ASSIGN_OR_RETURN(options.bearer, ReadKey(o.api_key_file));
  StepLog log;
  for (int i = 0; i < kMaxPages; ++i) {
    const int64_t since = log.steps.empty() ? 1 : log.steps.back().step + 1;
    const std::string target = fmt::format("/weir/steps?since={}&limit={}", since, kPageSteps);
    WEIR_ASSIGN_OR_RETURN(const std::string body, HttpGet(url, target, options));
    WEIR_ASSIGN_OR_RETURN(StepLog page, ParseStepLog(body, o.url + target));
    const size_t num_steps = page.steps.size();
    if (num_steps > 0 && page.steps.front().step < since) {
      return Err(Code::kInvalidRequest, o.url, target, ": answered with step ",
                 page.steps.front().step);
    }
    Append(std::move(page), log);
    if (num_steps < kSmallPage) break;
  }
  return log;
}

Result<StepLog> ReadLog(const ExplainOptions& o) {
  if (o.trace.empty()) return FetchLog(o);
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(o.trace, kMaxTraceBytes));
  return ParseTrace(text, o.trace);
}

Status Explain(const ExplainOptions& o) {
  WEIR_ASSIGN_OR_RETURN(const StepLog log, ReadLog(o));
  if (!o.perfetto.empty()) {
    WEIR_RETURN_IF_ERROR(WriteOutputFile("--perfetto", o.perfetto, PerfettoTrace(log)));
  }
  if (o.request.empty()) return Ok();
  WEIR_ASSIGN_OR_RETURN(const RequestId request, FindRequest(log, o.request));
  const Explanation explanation = Explain(log, request, o.gaps);
  if (o.json) return PrintOut(DumpJson(ExplanationJson(explanation)) + "\n");
  return PrintOut(ExplanationText(explanation, log));
}

int RunExplain(const ExplainOptions& o) {
  if (o.request.empty() && o.perfetto.empty()) {
    fmt::print(stderr, "weir explain: found neither REQUEST_ID nor --perfetto, wanted one\n");
    return 2;
  }
  const Status status = Explain(o);
  if (status) return 0;
  fmt::print(stderr, "weir explain: {}\n", status.error().message);
  return status.error().code == Code::kInvalidArgument ? 2 : 1;
}

}  // namespace

void AddExplain(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("explain", "Why a request's tokens came when they did");
  // The parser keeps pointers to the options until it has run.
  const auto o = std::make_shared<ExplainOptions>();
  command
      ->add_option("request", o->request,
                   "The engine's id of the request, or its label (X-Request-Id)")
      ->type_name("REQUEST_ID");
  CLI::Option* url =
      command->add_option("--url", o->url, "A running server")->capture_default_str();
  command->add_option("--api-key-file", o->api_key_file,
                      "File whose first line is a key that the server lets see its steps");
  command->add_option("--trace", o->trace, "A file written by --trace, instead of a server")
      ->excludes(url);
  command->add_option("--perfetto", o->perfetto,
                      "Write all records as a Chrome trace, for ui.perfetto.dev");
  command->add_option("--gaps", o->gaps, "Longest gaps to explain, of each output")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_flag("--json", o->json, "Print a JSON object");
  command->callback([o, &exit_code] { exit_code = RunExplain(*o); });
}

}  // namespace weir
