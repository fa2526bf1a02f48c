// SPDX-License-Identifier: Apache-2.0
#include "cli/serve_run.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <sys/resource.h>
#include <thread>

#include <weir/engine.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/progress.h"
#include "server/api_service.h"
#include "server/metrics/http_metrics.h"
#include "server/page/built_in_page.h"
#include "server/transport/front.h"

namespace weir {
namespace {

using std::chrono::milliseconds;

constexpr int kFilesBesidesConnections = 128;
constexpr milliseconds kTimeToTell{1000};  // for replies that are cut short by the end

// SIGTERM and SIGINT as something to wait for. They are blocked from here on, in this thread and
// those that it starts, until Release gives them their usual effect back.
class EndSignals {
 public:
  EndSignals() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGTERM);
    ::sigaddset(&signals_, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);  // a reader that left shows as a failed write
  }
  // The signal, or 0 when none has come.
  int Wait(milliseconds timeout) {
    const timespec time = {.tv_sec = timeout.count() / 1000,
                           .tv_nsec = timeout.count() % 1000 * 1'000'000};
    const int signal = ::sigtimedwait(&signals_, nullptr, &time);
    return signal > 0 ? signal : 0;
  }
  void Release() { ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr); }

 private:
  sigset_t signals_;
};

// Every connection is a file, and the usual soft limit is 1024 of them.
void AllowFiles(int32_t& max_connections) {
  rlimit files = {};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const auto wanted = static_cast<rlim_t>(max_connections) + kFilesBesidesConnections;
  if (files.rlim_cur >= wanted) return;
  files.rlim_cur = files.rlim_max == RLIM_INFINITY ? wanted : std::min(wanted, files.rlim_max);
  (void)::setrlimit(RLIMIT_NOFILE, &files);
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted) return;
  const int64_t left = static_cast<int64_t>(files.rlim_cur) - kFilesBesidesConnections;
  max_connections = static_cast<int32_t>(std::max<int64_t>(left, 16));
  WEIR_LOG(WARN, "fewer connections than asked for", "max_connections", max_connections,
           "open_files", files.rlim_cur);
}

// Opens an engine on a thread of its own, so that the server answers meanwhile.
class Loading {
 public:
  explicit Loading(EngineOptions options) : thread_([this, options] { Run(options); }) {}
  ~Loading() { thread_.join(); }

  bool done() const { return done_.load(std::memory_order_acquire); }
  Result<std::unique_ptr<Engine>> Take() { return std::move(engine_); }

 private:
  void Run(EngineOptions options) {
    Progress progress("packing weights");
    options.on_load_progress = [&](int64_t now, int64_t all) { progress.Update(now, all); };
    engine_ = Engine::Open(options);
    done_.store(true, std::memory_order_release);
  }

  Result<std::unique_ptr<Engine>> engine_{nullptr};
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

// What counts and logs requests when their replies are over.
class Records {
 public:
  Records(bool log, AccessLogOptions options) {
    if (!log) return;
    log_.emplace(std::move(options), [](std::string_view lines) {
      std::fwrite(lines.data(), 1, lines.size(), stderr);
    });
  }
  // `metrics` must live until the server has stopped; null: none.
  void CountIn(HttpMetrics* metrics) { metrics_.store(metrics, std::memory_order_release); }

  void Add(const HttpRecord& record) {
    if (log_) log_->Add(record);
    HttpMetrics* metrics = metrics_.load(std::memory_order_acquire);
    if (metrics == nullptr || record.handled) return;  // the service counts its own
    metrics->Record(record.method, record.path, record.status,
                    static_cast<double>(record.duration_us) / 1e6, record.in_bytes,
                    record.out_bytes);
  }

 private:
  std::optional<AccessLog> log_;
  std::atomic<HttpMetrics*> metrics_ = nullptr;
};

void SayWhatWasChosen(const EngineInfo& info, const std::string& url, double seconds) {
  WEIR_LOG(INFO, "ready", "model", info.model_name, "url", url, "seconds",
           fmt::format("{:.2f}", seconds), "max_model_len", info.max_model_len, "kv_cache_tokens",
           info.kv_cache_tokens, "kv_cache_mib", info.kv_cache_bytes >> 20, "kv_cache_dtype",
           info.kv_cache_dtype, "prefix_caching", info.prefix_caching, "graph_mode",
           info.graph_mode, "itl_budget_ms", fmt::format("{:.1f}", info.itl_budget_ms), "threads",
           info.num_threads, "kernels", info.kernels, "attention", info.attn_policy);
}

void Drain(HttpServer& server, ApiService& service, double timeout_s) {
  WEIR_LOG(INFO, "draining", "requests", server.num_requests(), "timeout_s", timeout_s);
  service.BeginDrain();
  server.BeginDrain();
  if (server.WaitForReplies(milliseconds(static_cast<int64_t>(timeout_s * 1000)))) return;
  WEIR_LOG(WARN, "cutting what has not ended", "requests", server.num_requests());
  service.CancelAll();
  server.WaitForReplies(kTimeToTell);
}

// From a loaded engine to the end.
int ServeUntilSignal(Engine& engine, const ServeSetup& setup, EndSignals& signals,
                     HttpServer& server, Front& front, Records& records) {
  ApiService service(engine, setup.api);
  records.CountIn(&service.http_metrics());
  front.Open([&service](HttpRequest request, std::shared_ptr<HttpReply> reply) {
    service.Handle(std::move(request), std::move(reply));
  });
  std::optional<Watchdog> watchdog;
  if (setup.watchdog.timeout_ms > 0) watchdog.emplace(engine, setup.watchdog);
  while (signals.Wait(milliseconds(60'000)) == 0) {
  }
  signals.Release();  // the next one ends the process
  Drain(server, service, setup.shutdown_timeout_s);
  front.Close();
  server.Stop();
  records.CountIn(nullptr);
  return 0;
}

}  // namespace

Result<int> RunServer(ServeSetup setup) {
  EndSignals signals;
  AllowFiles(setup.http.max_connections);
  setup.api.static_pages = BuiltInPage();
  for (const StaticPage& page : setup.api.static_pages) {
    setup.auth.open_paths.push_back(page.path);
  }
  WEIR_ASSIGN_OR_RETURN(Auth auth, Auth::Make(setup.auth));
  Front front(std::move(auth), Cors(setup.cors));
  Records records(setup.access_log, setup.access_log_options);
  setup.http.gate = [&front](HttpRequest& head) { return front.Check(head); };
  setup.http.handler = [&front](HttpRequest request, std::shared_ptr<HttpReply> reply) {
    front.Handle(std::move(request), std::move(reply));
  };
  setup.http.on_complete = [&records](const HttpRecord& record) { records.Add(record); };
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<HttpServer> server, HttpServer::Start(setup.http));
  fmt::print("listening on {}\n", server->url());
  std::fflush(stdout);

  const auto begin = std::chrono::steady_clock::now();
  Result<std::unique_ptr<Engine>> engine{nullptr};
  {
    Loading loading(setup.engine);
    while (!loading.done()) {
      if (signals.Wait(milliseconds(10)) == 0) continue;
      server->Stop();
      std::_Exit(0);  // loading cannot be interrupted, and nothing has been promised to anybody
    }
    engine = loading.Take();
  }
  if (!engine) {
    server->Stop();
    return tl::unexpected(engine.error());
  }
  SayWhatWasChosen((*engine)->info(), server->url(),
                   std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  const int code = ServeUntilSignal(**engine, setup, signals, *server, front, records);
  WEIR_LOG(INFO, "ended");
  return code;
}

}  // namespace weir
