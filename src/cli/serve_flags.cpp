// SPDX-License-Identifier: Apache-2.0
#include "cli/serve_flags.h"

#include <CLI/CLI.hpp>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "cli/byte_size.h"

namespace weir {
namespace {

constexpr double kMaxSeconds = 1e6;  // in milliseconds it fits 32 bits

// Adds options of one group of the help.
class Group {
 public:
  Group(CLI::App& command, std::string name) : command_(command), name_(std::move(name)) {}

  template <class Value>
  CLI::Option* Add(const char* flag, Value& value, const char* help) {
    return command_.add_option(flag, value, help)->group(name_);
  }
  void AddFlag(const char* flag, bool& value, const char* help) {
    command_.add_flag(flag, value, help)->group(name_);
  }
  void AddSeconds(const char* flag, double& value, const char* help) {
    Add(flag, value, help)->check(CLI::Range(0.0, kMaxSeconds))->capture_default_str();
  }

 private:
  CLI::App& command_;
  const std::string name_;
};

void AddAddressFlags(Group group, ServeFlags& f) {
  group.Add("--host", f.setup.http.host, "Address to listen on; 0.0.0.0 or :: for all")
      ->capture_default_str();
  group.Add("--port", f.setup.http.port, "Port; 0: any free one, which is printed")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  group.Add("--uds", f.setup.http.uds, "Path of a unix socket, instead of host and port");
}

void AddApiFlags(Group group, ServeFlags& f) {
  ApiOptions& api = f.setup.api;
  group.Add("--served-model-name", api.served_model_names,
            "Names that requests may use for the model; the first is what replies say");
  group
      .Add("--max-num-queued-reqs", api.max_queued_requests,
           "Prompts without a first token at once, more are answered 429; 0: no limit")
      ->capture_default_str();
  group.Add("--max-num-queued-tokens", api.max_queued_tokens, "Tokens of these; 0: no limit")
      ->capture_default_str();
  group.Add("--max-n", api.max_n, "Outputs per prompt at most")->capture_default_str();
  group.Add("--max-logprobs", api.max_logprobs, "Alternatives per token at most")
      ->capture_default_str();
  group.AddFlag("--allow-special-tokens-in-content", api.allow_special_tokens_in_content,
                "Let text of messages become control tokens");
  group.AddFlag("--no-split-reasoning", f.no_split_reasoning,
                "Leave <think>...</think> of chats in the content");
  group.AddSeconds("--sse-keep-alive-interval", f.sse_keep_alive_s,
                   "Comment on streams silent for so many seconds; 0: none");
  group.AddFlag("--metrics-legacy-names", api.metrics_legacy_names,
                "Also the metric names that vLLM has deprecated");
}

void AddAccessFlags(Group group, ServeFlags& f) {
  group.Add("--api-key", f.setup.auth.api_keys, "Key that requests must carry; repeatable");
  group.Add("--api-key-file", f.api_key_files, "File of such keys, one per line");
  group.Add("--admin-key", f.setup.auth.admin_keys,
            "Key that also opens /weir/* and /reset_prefix_cache; repeatable");
  group.Add("--admin-key-file", f.admin_key_files, "File of such keys, one per line");
  group.Add("--allowed-origins", f.setup.cors.allowed_origins,
            "Web pages that may ask, as https://host, or *; default: none but the server's own");
  group.Add("--allowed-methods", f.setup.cors.allowed_methods, "Methods that these may use");
  group.Add("--allowed-headers", f.setup.cors.allowed_headers, "Headers that these may send");
  group.AddFlag("--allow-credentials", f.setup.cors.allow_credentials,
                "These may send cookies and HTTP authentication");
}

void AddLimitFlags(Group group, ServeFlags& f) {
  HttpServerOptions& http = f.setup.http;
  group.Add("--max-connections", http.max_connections, "Open at once; more are answered 503")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  group.Add("--io-threads", http.num_threads, "Threads that move bytes")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  group.Add("--max-body-size", f.max_body, "Of one request; more is answered 413")
      ->capture_default_str();
  group
      .Add("--max-buffered-bodies", f.max_buffered,
           "Of all requests not yet answered; more is answered 503")
      ->capture_default_str();
  group
      .Add("--max-unread-stream", f.max_unsent, "What a slow reader may leave before it is cut off")
      ->capture_default_str();
  group
      .Add("--h11-max-incomplete-event-size", http.limits.max_head_bytes,
           "Bytes of a request's head at most")
      ->check(CLI::Range(256, 1 << 24))
      ->capture_default_str();
  group.Add("--h11-max-header-count", http.limits.max_headers, "Header lines at most")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
}

void AddTimeFlags(Group group, ServeFlags& f) {
  group.AddSeconds("--timeout-keep-alive", f.idle_timeout_s, "An idle connection is closed after");
  group.AddSeconds("--head-timeout", f.head_timeout_s, "A request's head must come within");
  group.AddSeconds("--body-timeout", f.body_timeout_s,
                   "Its body as well, a second more for each 16 KiB");
  group.AddSeconds("--write-timeout", f.write_timeout_s,
                   "A client that reads nothing of its reply is cut off after");
  group.AddSeconds("--shutdown-timeout", f.setup.shutdown_timeout_s,
                   "After SIGTERM, streams may go on for");
  group.AddSeconds("--health-timeout", f.health_timeout_s,
                   "/health fails when a step has taken longer than");
  group.AddSeconds("--watchdog-timeout", f.watchdog_timeout_s,
                   "The recent steps are logged when one has taken longer than; 0: never");
  group.Add("--watchdog-file", f.setup.watchdog.dump_file, "File that they are then written to");
}

void AddLogFlags(Group group, ServeFlags& f) {
  group.Add("--access-log", f.access_log, "pairs, json or none: a line per request")
      ->check(CLI::IsMember({"pairs", "json", "none"}))
      ->capture_default_str();
  group.AddFlag("--disable-uvicorn-access-log", f.no_access_log, "The same as --access-log none");
  group
      .Add("--disable-access-log-for-endpoints", f.setup.access_log_options.excluded_paths,
           "Paths without a line, e.g. /health,/metrics")
      ->delimiter(',');
}

// vLLM takes some lists as JSON: '["https://a", "https://b"]'.
Result<std::vector<std::string>> Unfold(const std::vector<std::string>& given, const char* flag) {
  std::vector<std::string> words;
  for (const std::string& text : given) {
    if (text.empty() || text[0] != '[') {
      words.push_back(text);
      continue;
    }
    WEIR_ASSIGN_OR_RETURN(const Json list, ParseJson(text, flag, Code::kInvalidArgument));
    for (const Json& word : list) {
      if (!word.is_string()) {
        return Err(Code::kInvalidArgument, flag, ": found ", text, ", wanted a list of strings");
      }
      words.push_back(word.get<std::string>());
    }
  }
  return words;
}

int32_t Milliseconds(double seconds) { return static_cast<int32_t>(std::lround(seconds * 1000)); }

Status ReadKeys(const std::vector<std::string>& files, std::vector<std::string>& keys) {
  for (const std::string& file : files) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> found, ReadKeyFile(file));
    keys.insert(keys.end(), found.begin(), found.end());
  }
  return Ok();
}

Status FinishLimits(const ServeFlags& f, ServeSetup& setup) {
  HttpServerOptions& http = setup.http;
  WEIR_ASSIGN_OR_RETURN(http.limits.max_body_bytes,
                        ParseByteSize(f.max_body, "--max-body-size", 1));
  WEIR_ASSIGN_OR_RETURN(http.max_buffered_bytes,
                        ParseByteSize(f.max_buffered, "--max-buffered-bodies", 1));
  WEIR_ASSIGN_OR_RETURN(http.max_unsent_bytes,
                        ParseByteSize(f.max_unsent, "--max-unread-stream", 1));
  http.timeouts = {.head_ms = Milliseconds(f.head_timeout_s),
                   .body_ms = Milliseconds(f.body_timeout_s),
                   .idle_ms = Milliseconds(f.idle_timeout_s),
                   .write_ms = Milliseconds(f.write_timeout_s),
                   .linger_ms = http.timeouts.linger_ms};
  return Ok();
}

}  // namespace

void AddServeFlags(CLI::App& command, ServeFlags& f) {
  command.add_option("MODEL", f.model, "The same as --model");
  AddAddressFlags({command, "Address"}, f);
  AddApiFlags({command, "API"}, f);
  AddAccessFlags({command, "Access"}, f);
  AddLimitFlags({command, "Limits"}, f);
  AddTimeFlags({command, "Time, in seconds"}, f);
  AddLogFlags({command, "Access log"}, f);
  AddEngineFlags(command, f.engine);
}

Result<ServeSetup> FinishServeFlags(const ServeFlags& f) {
  ServeSetup setup = f.setup;
  EngineFlags engine = f.engine;
  if (!f.model.empty() && !engine.options.model.empty() && f.model != engine.options.model) {
    return Err(Code::kInvalidArgument, "model: found ", f.model, " and --model ",
               engine.options.model, ", wanted one");
  }
  if (!f.model.empty()) engine.options.model = f.model;
  WEIR_ASSIGN_OR_RETURN(setup.engine, FinishEngineFlags(engine));
  setup.api.model_root = setup.engine.model;
  WEIR_RETURN_IF_ERROR(ReadKeys(f.api_key_files, setup.auth.api_keys));
  WEIR_RETURN_IF_ERROR(ReadKeys(f.admin_key_files, setup.auth.admin_keys));
  CorsOptions& cors = setup.cors;
  WEIR_ASSIGN_OR_RETURN(cors.allowed_origins, Unfold(cors.allowed_origins, "--allowed-origins"));
  WEIR_ASSIGN_OR_RETURN(cors.allowed_methods, Unfold(cors.allowed_methods, "--allowed-methods"));
  WEIR_ASSIGN_OR_RETURN(cors.allowed_headers, Unfold(cors.allowed_headers, "--allowed-headers"));
  WEIR_RETURN_IF_ERROR(FinishLimits(f, setup));
  setup.api.split_reasoning = !f.no_split_reasoning;
  setup.api.sse_keep_alive_ms = Milliseconds(f.sse_keep_alive_s);
  setup.api.health_stall_ms = Milliseconds(f.health_timeout_s);
  setup.watchdog.timeout_ms = Milliseconds(f.watchdog_timeout_s);
  setup.access_log = f.access_log != "none" && !f.no_access_log;
  setup.access_log_options.json = f.access_log == "json";
  return setup;
}

}  // namespace weir
