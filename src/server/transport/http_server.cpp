// SPDX-License-Identifier: Apache-2.0
#include "server/transport/http_server.h"

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "server/transport/asio_listener.h"
#include "server/transport/connection.h"
#include "server/transport/server_core.h"

namespace weir {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Connections beyond the limit that are told so at the same time; more are just closed.
constexpr int32_t kMaxRefused = 128;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

int64_t NowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Deadlines are met within a quarter of the shortest.
std::chrono::milliseconds SweepEvery(const HttpTimeouts& t) {
  const int32_t shortest = std::min({t.head_ms, t.body_ms, t.idle_ms, t.write_ms, t.linger_ms});
  return std::chrono::milliseconds(std::clamp(shortest / 4, 5, 500));
}

}  // namespace

struct HttpServer::Parts {
  Parts(std::shared_ptr<ServerCore> c, Listener l)
      : core(std::move(c)),
        listener(std::move(l)),
        control(asio::make_strand(core->io)),
        pause(control),
        sweep(control),
        work(core->io.get_executor()) {}

  void Accept();
  void OnAccept(const std::shared_ptr<Connection>& connection);
  bool EvictIdle();
  void Sweep();

  const std::shared_ptr<ServerCore> core;
  Listener listener;
  // Accepting, sweeping and stopping run on this strand.
  asio::strand<asio::io_context::executor_type> control;
  asio::steady_timer pause;
  asio::steady_timer sweep;
  bool stopped = false;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::vector<std::thread> threads;
};

void HttpServer::Parts::Accept() {
  auto connection = std::make_shared<Connection>(core);
  listener.acceptor.async_accept(
      connection->socket(), asio::bind_executor(control, [this, connection](error_code error) {
        if (stopped) return;
        if (!error) {
          OnAccept(connection);
          return Accept();
        }
        if (error == asio::error::connection_aborted) return Accept();
        // Out of file descriptors or memory: some will be freed, and asking again at once would
        // only burn a CPU.
        WEIR_LOG(WARN, "cannot accept connections", "why", error.message());
        pause.expires_after(kAcceptPause);
        pause.async_wait([this](error_code cancelled) {
          if (!cancelled && !stopped) Accept();
        });
      }));
}

void HttpServer::Parts::OnAccept(const std::shared_ptr<Connection>& connection) {
  std::string peer = PrepareSocket(connection->socket(), core->options);
  int32_t num_connections = 0;
  {
    MutexLock lock(core->mutex);
    num_connections = static_cast<int32_t>(core->connections.size());
  }
  const bool full = num_connections >= core->options.max_connections && !EvictIdle();
  if (num_connections >= core->options.max_connections + kMaxRefused) return;
  if (core->Add(connection)) connection->Start(std::move(peer), /*refuse=*/full);
}

// Makes room by ending the connection that has been idle for longest: whoever holds many open and
// asks nothing must not keep others out.
bool HttpServer::Parts::EvictIdle() {
  std::shared_ptr<Connection> longest;
  for (const auto& connection : core->AllConnections()) {
    if (connection->idle_since_us() == std::numeric_limits<int64_t>::max()) continue;
    if (!longest || connection->idle_since_us() < longest->idle_since_us()) longest = connection;
  }
  if (longest) longest->Shut();
  return longest != nullptr;
}

void HttpServer::Parts::Sweep() {
  sweep.expires_after(SweepEvery(core->options.timeouts));
  sweep.async_wait([this](error_code cancelled) {
    if (cancelled || stopped) return;
    const int64_t now = NowUs();
    for (const auto& connection : core->AllConnections()) {
      if (connection->is_due(now)) connection->OnDeadline();
    }
    Sweep();
  });
}

HttpServer::HttpServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

HttpServer::~HttpServer() { Stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options) {
  if (options.num_threads < 1 || options.max_connections < 1) {
    return Err(Code::kInvalidArgument, "server: found ", options.num_threads, " threads and ",
               options.max_connections, " connections, wanted at least one of each");
  }
  auto core = std::make_shared<ServerCore>(std::move(options));
  WEIR_ASSIGN_OR_RETURN(Listener listener, Listen(core->io, core->options));
  auto parts = std::make_unique<Parts>(core, std::move(listener));
  Parts* p = parts.get();
  asio::post(p->control, [p] {
    p->Accept();
    p->Sweep();
  });
  for (int32_t i = 0; i < core->options.num_threads; ++i) {
    p->threads.emplace_back([core] { core->io.run(); });
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(parts)));
}

int32_t HttpServer::port() const { return parts_->listener.port; }
std::string HttpServer::url() const { return parts_->listener.url; }
int32_t HttpServer::num_requests() const { return parts_->core->num_requests.load(); }
int32_t HttpServer::num_connections() const {
  MutexLock lock(parts_->core->mutex);
  return static_cast<int32_t>(parts_->core->connections.size());
}

void HttpServer::BeginDrain() { parts_->core->draining.store(true); }

bool HttpServer::WaitForReplies(std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  ServerCore& core = *parts_->core;
  MutexLock lock(core.mutex);
  while (core.num_requests.load() > 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    core.no_requests.WaitFor(core.mutex, static_cast<int>(std::min<int64_t>(left.count(), 100)));
  }
  return true;
}

void HttpServer::Stop() {
  Parts& p = *parts_;
  if (p.threads.empty()) return;
  {
    MutexLock lock(p.core->mutex);
    p.core->stopping = true;
  }
  asio::post(p.control, [&p] {
    p.stopped = true;
    error_code ignored;
    p.listener.acceptor.close(ignored);
    p.pause.cancel();
    p.sweep.cancel();
  });
  for (const auto& connection : p.core->AllConnections()) connection->Shut();
  p.work.reset();
  for (std::thread& thread : p.threads) thread.join();
  p.threads.clear();
  if (!p.listener.uds.empty()) ::unlink(p.listener.uds.c_str());
}

}  // namespace weir
