// SPDX-License-Identifier: Apache-2.0
//
// The routes that ask about the server and the engine, or steer them, and can be answered at once.
#ifndef WEIR_SERVER_API_INFO_ROUTES_H_
#define WEIR_SERVER_API_INFO_ROUTES_H_

#include "server/api/generation_routes.h"

namespace weir {

void Models(ApiCore& core, HttpRequest request, ReplyPtr reply);
void Model(ApiCore& core, const std::string& name, ReplyPtr reply);  // /v1/models/NAME
void Health(ApiCore& core, HttpRequest request, ReplyPtr reply);
void Ping(ApiCore& core, HttpRequest request, ReplyPtr reply);
void VersionRoute(ApiCore& core, HttpRequest request, ReplyPtr reply);
void LoadRoute(ApiCore& core, HttpRequest request, ReplyPtr reply);
void MetricsRoute(ApiCore& core, HttpRequest request, ReplyPtr reply);
void IsSleeping(ApiCore& core, HttpRequest request, ReplyPtr reply);
void ResetPrefixCache(ApiCore& core, HttpRequest request, ReplyPtr reply);
void AbortRequest(ApiCore& core, HttpRequest request, ReplyPtr reply);
void Steps(ApiCore& core, HttpRequest request, ReplyPtr reply);
void StatsRoute(ApiCore& core, HttpRequest request, ReplyPtr reply);
void OpenApi(ApiCore& core, HttpRequest request, ReplyPtr reply);

// The value of `name` in a query, undecoded; nothing when absent.
std::optional<std::string_view> QueryValue(std::string_view query, std::string_view name);

}  // namespace weir

#endif  // WEIR_SERVER_API_INFO_ROUTES_H_
