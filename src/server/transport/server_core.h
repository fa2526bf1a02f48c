// SPDX-License-Identifier: Apache-2.0
//
// What a server and its connections share. Whoever comes last frees it: an engine may hold a reply
// longer than the server lives, and with it a connection and the io_context of its socket.
#ifndef WEIR_SERVER_TRANSPORT_SERVER_CORE_H_
#define WEIR_SERVER_TRANSPORT_SERVER_CORE_H_

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "server/transport/http_server.h"

namespace weir {

class Connection;

struct ServerCore {
  explicit ServerCore(HttpServerOptions o) : options(std::move(o)), io(options.num_threads) {}

  const HttpServerOptions options;
  boost::asio::io_context io;
  std::atomic<bool> draining = false;
  std::atomic<int32_t> num_requests = 0;
  std::atomic<int64_t> buffered_bytes = 0;

  Mutex mutex;
  CondVar no_requests;  // signalled while draining
  bool stopping WEIR_GUARDED_BY(mutex) = false;
  std::unordered_map<const Connection*, std::weak_ptr<Connection>> connections
      WEIR_GUARDED_BY(mutex);

  // False when the server has stopped.
  bool Add(const std::shared_ptr<Connection>& connection) {
    MutexLock lock(mutex);
    if (!stopping) connections.emplace(connection.get(), connection);
    return !stopping;
  }
  void Remove(const Connection* connection) {
    MutexLock lock(mutex);
    connections.erase(connection);
  }
  std::vector<std::shared_ptr<Connection>> AllConnections() {
    MutexLock lock(mutex);
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [key, weak] : connections) {
      if (auto connection = weak.lock()) all.push_back(std::move(connection));
    }
    return all;
  }
  void BeginRequest() { num_requests.fetch_add(1); }
  void EndRequest() {
    if (num_requests.fetch_sub(1) != 1 || !draining.load()) return;
    MutexLock lock(mutex);
    no_requests.NotifyAll();
  }
};

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_SERVER_CORE_H_
