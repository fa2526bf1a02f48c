// SPDX-License-Identifier: Apache-2.0
//
// A server's life: listen, load, serve, drain, end.
#ifndef WEIR_CLI_SERVE_RUN_H_
#define WEIR_CLI_SERVE_RUN_H_

#include <string>

#include <weir/options.h>
#include <weir/result.h>

#include "server/api_options.h"
#include "server/transport/access_log.h"
#include "server/transport/auth.h"
#include "server/transport/cors.h"
#include "server/transport/http_server.h"
#include "server/watchdog.h"

namespace weir {

struct ServeSetup {
  EngineOptions engine;
  HttpServerOptions http;
  AuthOptions auth;
  CorsOptions cors;
  ApiOptions api;
  bool access_log = true;
  AccessLogOptions access_log_options;
  WatchdogOptions watchdog;        // timeout_ms 0: none
  double shutdown_timeout_s = 30;  // for streams to end by themselves after SIGTERM
};

// Returns when SIGTERM or SIGINT has ended the server: 0. A second signal ends the process at once.
// Blocks both signals in the calling thread and all that are started from it.
Result<int> RunServer(ServeSetup setup);

}  // namespace weir

#endif  // WEIR_CLI_SERVE_RUN_H_
