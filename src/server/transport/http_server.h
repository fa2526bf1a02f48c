// SPDX-License-Identifier: Apache-2.0
//
// Moves HTTP/1.1 between sockets and a handler: a few I/O threads, thousands of connections. It
// knows nothing of engines and models.
#ifndef WEIR_SERVER_TRANSPORT_HTTP_SERVER_H_
#define WEIR_SERVER_TRANSPORT_HTTP_SERVER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <weir/result.h>

#include "server/http.h"
#include "server/transport/http_limits.h"

namespace weir {

// What is known of a request when its reply is over, for logs and counters.
struct HttpRecord {
  std::string method;  // as sent, HEAD included; empty when the request could not be read so far
  std::string path;
  std::string peer;
  std::string id;
  std::string tenant;
  int status = 0;           // 0: the connection ended before there was one
  bool gone = false;        // the client left, or was cut off, before the reply was complete
  bool handled = false;     // by the handler, which may have counted it itself
  int64_t in_bytes = 0;     // of the request's body
  int64_t out_bytes = 0;    // of the reply, head included
  int64_t duration_us = 0;  // from the request's head to the reply's last byte
};

// Decides on a request by its head, before a byte of its body is read. May complete it, e.g. with
// the tenant.
struct HttpVerdict {
  std::optional<HttpResponse> refusal;
  HttpHeaders headers;  // of the reply, whoever gives it
};
using HttpGate = std::function<HttpVerdict(HttpRequest& head)>;

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // an address, or a name of one
  int32_t port = 8000;             // 0: any free one
  std::string uds;                 // path of a unix socket, instead of host and port
  int32_t num_threads = 2;
  int32_t max_connections = 4096;
  HttpLimits limits;
  HttpTimeouts timeouts;
  int64_t max_unsent_bytes = 1 << 20;               // of a stream, see ReplyQueue
  int64_t max_buffered_bytes = int64_t{512} << 20;  // of bodies of all requests not yet answered;
                                                    // what would pass it is answered 503
  int32_t send_buffer_bytes = 256 << 10;  // the system's, per connection; 0: as the system likes

  HttpGate gate;  // none: everything passes
  HttpHandler handler;
  std::function<void(const HttpRecord&)> on_complete;  // on an I/O thread; must not block
};

class HttpServer {
 public:
  // Listens from here on; the handler may be called before this returns.
  static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options);
  ~HttpServer();  // Stop

  int32_t port() const;     // the one in use; 0 for a unix socket
  std::string url() const;  // "http://127.0.0.1:8000", "unix:/run/weir.sock"

  int32_t num_connections() const;
  int32_t num_requests() const;  // whose reply is not complete

  // From here on every reply closes its connection. Connections are still accepted, so that whoever
  // asks is told 503 by the gate instead of being hung up on.
  void BeginDrain();
  // Returns true as soon as no request is being replied to, false after `timeout`.
  bool WaitForReplies(std::chrono::milliseconds timeout);

  // Cuts every connection, ends the I/O threads. What OnGone set is called; afterwards replies that
  // are still held take nothing any more.
  void Stop();

 private:
  struct Parts;
  explicit HttpServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_HTTP_SERVER_H_
