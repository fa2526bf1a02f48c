// SPDX-License-Identifier: Apache-2.0
//
// Connections to one server, and time, as a run sees them. One implementation has sockets and the
// machine's clock; tests have one that replays a recording in time of its own.
#ifndef WEIR_LOADGEN_CLIENT_NETWORK_H_
#define WEIR_LOADGEN_CLIENT_NETWORK_H_

#include <cstdint>
#include <string_view>

namespace weir::loadgen {

using ConnectionId = int64_t;

class NetworkHandler {
 public:
  virtual ~NetworkHandler() = default;
  // `now_s` was read right after the bytes were.
  virtual void OnBytes(ConnectionId connection, double now_s, std::string_view bytes) = 0;
  // The connection is gone. `error` is empty when the server ended it in order.
  virtual void OnEnd(ConnectionId connection, double now_s, std::string_view error) = 0;
};

// One thread.
class Network {
 public:
  virtual ~Network() = default;

  virtual double Now() = 0;         // seconds since some fixed moment
  virtual double CpuSeconds() = 0;  // that this thread has used

  // Begins to connect; a failure shows as OnEnd.
  virtual ConnectionId Open() = 0;
  virtual void Send(ConnectionId connection, std::string_view bytes) = 0;
  // No call for it follows.
  virtual void Close(ConnectionId connection) = 0;

  // Waits until something has happened or until `until_s`, then hands over all that has. The
  // handler may open, send and close.
  virtual void Wait(double until_s, NetworkHandler& handler) = 0;
};

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_NETWORK_H_
