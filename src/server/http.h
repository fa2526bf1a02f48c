// SPDX-License-Identifier: Apache-2.0
//
// HTTP as the rest of the server sees it: a request that has arrived whole, and the reply to it,
// which may be one answer or a stream of events. How bytes travel is HttpServer's business.
#ifndef WEIR_SERVER_HTTP_H_
#define WEIR_SERVER_HTTP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;   // "GET"
  std::string path;     // percent-decoded, without the query: "/v1/models"
  std::string query;    // as sent, without "?"
  HttpHeaders headers;  // names in lower case, in order of arrival
  std::string body;
  std::string peer;    // "127.0.0.1:40112", or "unix"
  std::string id;      // the client's X-Request-Id where that is usable, else one made here
  std::string tenant;  // whose key came with it, as an opaque word, never the key; empty: no keys
  int64_t arrived_us = 0;  // the head had arrived; std::chrono::steady_clock

  // The first header of that lower-case name; empty when there is none.
  std::string_view Header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  HttpHeaders headers;  // besides Content-Type, Content-Length, Date, Connection and X-Request-Id
  std::string body;
};

// The reply to one request. Any thread; calls do not wait for the socket. Exactly one of Send, or
// StartStream, Write... and End. Dropping the last reference without either answers 500, or cuts
// a stream off.
class HttpReply {
 public:
  virtual ~HttpReply() = default;

  virtual void Send(HttpResponse response) = 0;

  // The head of a chunked reply; its body field is ignored.
  virtual void StartStream(HttpResponse head) = 0;

  // Queues bytes of the body as one chunk. False once the client is gone or has left more than the
  // server's bound unread, which cuts the connection: nothing is sent any more.
  [[nodiscard]] virtual bool Write(std::string bytes) = 0;
  virtual void End() = 0;

  // `gone` is called once, on an I/O thread, if the connection ends before the reply is complete;
  // at once if it has ended already. At most one call per reply. `gone` must not block.
  virtual void OnGone(std::function<void()> gone) = 0;
};

// Called on an I/O thread when a request has arrived. It may keep the reply and answer later, and
// must not block for longer than it takes to read the request.
using HttpHandler = std::function<void(HttpRequest request, std::shared_ptr<HttpReply> reply)>;

}  // namespace weir

#endif  // WEIR_SERVER_HTTP_H_
