// SPDX-License-Identifier: Apache-2.0
//
// The API on sockets with an engine without a model: for clients' tests that need no weights.
// Prints its URL and runs until its standard input ends.
#include <cstdio>
#include <fmt/format.h>

#include "server/api/fake_engine.h"
#include "server/api_service.h"
#include "server/transport/http_server.h"

namespace weir {
namespace {

int Run() {
  FakeEngine engine;
  ApiService service(engine, {.served_model_names = {"fake"}});
  auto server = HttpServer::Start({.port = 0, .handler = [&](HttpRequest request, auto reply) {
                                     service.Handle(std::move(request), std::move(reply));
                                   }});
  if (!server) {
    fmt::print(stderr, "fake_server: {}\n", server.error().message);
    return 1;
  }
  fmt::print("{}\n", (*server)->url());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  (*server)->Stop();
  return 0;
}

}  // namespace
}  // namespace weir

int main() { return weir::Run(); }
