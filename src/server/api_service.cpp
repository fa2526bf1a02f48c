// SPDX-License-Identifier: Apache-2.0
#include "server/api_service.h"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "base/log.h"
#include "server/api/api_core.h"
#include "server/api/generation_routes.h"
#include "server/api/info_routes.h"
#include "server/api/metered_reply.h"

namespace weir {
namespace {

struct Route {
  const char* method;
  const char* path;
  void (*answer)(ApiCore& core, HttpRequest request, ReplyPtr reply);
};

constexpr std::array kRoutes = {
    Route{"POST", "/v1/completions", Completions},
    Route{"POST", "/v1/chat/completions", ChatCompletions},
    Route{"POST", "/v1/completions/render", RenderCompletions},
    Route{"POST", "/v1/chat/completions/render", RenderChatCompletions},
    Route{"GET", "/v1/models", Models},
    Route{"POST", "/tokenize", Tokenize},
    Route{"POST", "/detokenize", Detokenize},
    Route{"POST", "/abort_request", AbortRequest},
    Route{"GET", "/health", Health},
    Route{"GET", "/ping", Ping},
    Route{"POST", "/ping", Ping},
    Route{"GET", "/version", VersionRoute},
    Route{"GET", "/load", LoadRoute},
    Route{"GET", "/metrics", MetricsRoute},
    Route{"GET", "/is_sleeping", IsSleeping},
    Route{"POST", "/reset_prefix_cache", ResetPrefixCache},
    Route{"GET", "/weir/steps", Steps},
    Route{"GET", "/weir/stats", StatsRoute},
    Route{"GET", "/openapi.json", OpenApi},
};

constexpr std::string_view kModelPrefix = "/v1/models/";

std::vector<std::string> RoutePaths(const ApiOptions& options) {
  std::vector<std::string> paths;
  for (const Route& route : kRoutes) paths.emplace_back(route.path);
  for (const StaticPage& page : options.static_pages) paths.push_back(page.path);
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

// HEAD is answered as GET is; the transport leaves the body out.
bool IsMethod(const HttpRequest& request, std::string_view method) {
  return request.method == method || (request.method == "HEAD" && method == "GET");
}

// A form of another site can post text, but not this type without asking the browser's leave.
bool HasJsonType(const HttpRequest& request) {
  std::string_view type = request.Header("content-type");
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  constexpr std::string_view kJson = "application/json";
  return std::equal(type.begin(), type.end(), kJson.begin(), kJson.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

HttpResponse NotFound(const HttpRequest& request) {
  return ErrorResponse({.status = 404,
                        .message = fmt::format("path: {}, wanted one of /openapi.json",
                                               ShortJson(Json(request.path))),
                        .code = "not_found"});
}

HttpResponse WrongMethod(const HttpRequest& request, const std::string& allowed) {
  HttpResponse response = ErrorResponse(
      {.status = 405,
       .message = fmt::format("method: {} {}, wanted {}", ShortJson(Json(request.method)),
                              ShortJson(Json(request.path)), allowed),
       .code = "method_not_allowed"});
  response.headers.emplace_back("Allow", allowed);
  return response;
}

HttpResponse WrongType(const HttpRequest& request) {
  return ErrorResponse(
      {.status = 415,
       .message = fmt::format("content-type: {}, wanted application/json",
                              ShortJson(Json(std::string(request.Header("content-type")))))});
}

const StaticPage* FindPage(const ApiOptions& options, const std::string& path) {
  for (const StaticPage& page : options.static_pages) {
    if (page.path == path) return &page;
  }
  return nullptr;
}

// Paths that the table does not hold. False when it is none of these either.
bool AnswerOther(ApiCore& core, const HttpRequest& request, const ReplyPtr& reply) {
  const StaticPage* page = FindPage(core.options, request.path);
  const bool is_model = request.path.compare(0, kModelPrefix.size(), kModelPrefix) == 0;
  if (page == nullptr && !is_model) return false;
  if (!IsMethod(request, "GET")) {
    reply->Send(WrongMethod(request, "GET"));
  } else if (page != nullptr) {
    reply->Send({.status = 200, .content_type = page->content_type, .body = page->body});
  } else {
    Model(core, request.path.substr(kModelPrefix.size()), reply);
  }
  return true;
}

void Dispatch(ApiCore& core, HttpRequest request, const ReplyPtr& reply) {
  std::string allowed;
  for (const Route& route : kRoutes) {
    if (request.path != route.path) continue;
    if (IsMethod(request, route.method)) {
      if (!request.body.empty() && route.method == std::string_view("POST") &&
          !HasJsonType(request)) {
        return reply->Send(WrongType(request));
      }
      return route.answer(core, std::move(request), reply);
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  if (!allowed.empty()) return reply->Send(WrongMethod(request, allowed));
  if (!AnswerOther(core, request, reply)) reply->Send(NotFound(request));
}

}  // namespace

struct ApiService::Parts {
  Parts(Engine& engine, ApiOptions options) : core(engine, options, RoutePaths(options)) {}

  ApiCore core;
};

ApiService::ApiService(Engine& engine, ApiOptions options)
    : parts_(std::make_unique<Parts>(engine, std::move(options))) {}

ApiService::~ApiService() = default;

void ApiService::Handle(HttpRequest request, std::shared_ptr<HttpReply> reply) {
  const auto metered = std::make_shared<MeteredReply>(std::move(reply), parts_->core.http, request);
  try {
    Dispatch(parts_->core, std::move(request), metered);
  } catch (const std::exception& error) {
    // The standard library's, e.g. for want of memory: this request ends and the server goes on.
    WEIR_LOG(ERROR, "request failed", "what", error.what());
    metered->Send(
        ErrorResponse({.status = 500, .message = "server: a request failed unexpectedly"}));
  }
}

void ApiService::BeginDrain() { parts_->core.is_draining = true; }

int64_t ApiService::num_active() const { return parts_->core.registry.size(); }

void ApiService::CancelAll() { parts_->core.registry.StopAll(StopCause::kClosing); }

HttpMetrics& ApiService::http_metrics() { return parts_->core.http; }

}  // namespace weir
