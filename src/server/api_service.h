// SPDX-License-Identifier: Apache-2.0
//
// The HTTP API of one engine: OpenAI's completions and chats, what vLLM's clients, routers and
// dashboards ask for besides, and Weir's own records of its steps (docs/server.md).
//
// Handle never waits for the engine: requests are read and tokenised on threads of the service, and
// what the engine thread hands over is written as JSON on another one.
#ifndef WEIR_SERVER_API_SERVICE_H_
#define WEIR_SERVER_API_SERVICE_H_

#include <memory>

#include <weir/engine.h>

#include "server/api_options.h"
#include "server/http.h"

namespace weir {

class HttpMetrics;

class ApiService {
 public:
  // `engine` must outlive the service.
  ApiService(Engine& engine, ApiOptions options);

  // Cancels what runs and waits until the engine has let go of it.
  ~ApiService();

  // Any thread; an HttpHandler. Who may call what has been decided before: the service takes
  // HttpRequest::tenant for whose request it is, and nothing else.
  void Handle(HttpRequest request, std::shared_ptr<HttpReply> reply);

  // Any thread. From here on /health fails and new generations are answered 503; what runs goes on.
  void BeginDrain();

  // Requests for generations that have not been answered to the end.
  int64_t num_active() const;

  // Ends all of them; their clients get an error.
  void CancelAll();

  // What the transport answers by itself counts there too.
  HttpMetrics& http_metrics();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weir

#endif  // WEIR_SERVER_API_SERVICE_H_
