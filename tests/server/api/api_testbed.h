// SPDX-License-Identifier: Apache-2.0
//
// The API on an engine without a model, asked without sockets.
#ifndef WEIR_TESTS_SERVER_API_API_TESTBED_H_
#define WEIR_TESTS_SERVER_API_API_TESTBED_H_

#include <memory>
#include <string>

#include "base/json.h"
#include "server/api/fake_engine.h"
#include "server/api/fake_reply.h"
#include "server/api/steady_clock.h"
#include "server/api_service.h"

namespace weir {

class ApiTestbed {
 public:
  explicit ApiTestbed(ApiOptions options = {}) : options_(std::move(options)) {}

  FakeEngine engine;

  // The service is made by the first request, so that tests can set the engine up before.
  ApiService& service() {
    if (!service_) {
      options_.created_unix = 1700000000;
      service_ = std::make_unique<ApiService>(engine, options_);
    }
    return *service_;
  }
  void Close() { service_.reset(); }

  std::shared_ptr<Seen> Begin(HttpRequest request) {
    auto seen = std::make_shared<Seen>();
    request.arrived_us = SteadyUs();
    if (request.id.empty()) request.id = "test";
    service().Handle(std::move(request), std::make_shared<FakeReply>(seen));
    return seen;
  }
  std::shared_ptr<Seen> BeginPost(const std::string& path, const std::string& body) {
    return Begin({.method = "POST",
                  .path = path,
                  .headers = {{"content-type", "application/json"}},
                  .body = body});
  }
  std::shared_ptr<Seen> BeginPost(const std::string& path, const Json& body) {
    return BeginPost(path, DumpJson(body));
  }

  // The same, to the end.
  template <class Body>
  std::shared_ptr<Seen> Post(const std::string& path, const Body& body) {
    auto seen = BeginPost(path, body);
    seen->WaitUntilDone();
    return seen;
  }
  std::shared_ptr<Seen> Get(const std::string& path, const std::string& query = "") {
    auto seen = Begin({.method = "GET", .path = path, .query = query});
    seen->WaitUntilDone();
    return seen;
  }

 private:
  ApiOptions options_;
  std::unique_ptr<ApiService> service_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SERVER_API_API_TESTBED_H_
