// SPDX-License-Identifier: Apache-2.0
#include "server/api/info_routes.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <weir/version.h>

#include "engine/step_json.h"
#include "server/api/openapi.h"
#include "server/api/stats_json.h"
#include "server/api/steady_clock.h"
#include "server/metrics/engine_metrics.h"

namespace weir {
namespace {

constexpr int64_t kDefaultSteps = 100;
constexpr int64_t kMaxSteps = 1000;

Json ModelJson(const ApiCore& core, const std::string& name) {
  return {{"id", name},
          {"object", "model"},
          {"created", core.options.created_unix},
          {"owned_by", "weir"},
          {"root", core.options.model_root},
          {"parent", nullptr},
          {"max_model_len", core.engine.info().max_model_len}};
}

// A count from a query; `absent` where it is not given.
ApiResult<int64_t> QueryInt(std::string_view query, std::string_view name, int64_t most,
                            int64_t absent) {
  const std::optional<std::string_view> text = QueryValue(query, name);
  if (!text) return absent;
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (problem == std::errc() && end == text->data() + text->size() && value >= 0 && value <= most) {
    return value;
  }
  return tl::unexpected(
      BadField(std::string(name), fmt::format("{}: {}, wanted an integer from 0 to {}", name,
                                              ShortJson(Json(std::string(*text))), most)));
}

HttpResponse EmptyResponse() {
  return {.status = 200, .content_type = "text/plain; charset=utf-8"};
}

// 200 with nothing in it, or 503 with what is wrong.
HttpResponse HealthResponse(const ApiCore& core) {
  if (core.draining()) {
    return ErrorResponse({.status = 503, .message = "server: shutting down"});
  }
  const std::string problem =
      HeartbeatProblem(core.engine.Stats(), SteadyUs(), core.options.health_stall_ms);
  if (problem.empty()) return EmptyResponse();
  return ErrorResponse({.status = 503, .message = problem});
}

}  // namespace

std::optional<std::string_view> QueryValue(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    return equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  }
  return std::nullopt;
}

void Models(ApiCore& core, HttpRequest, ReplyPtr reply) {
  Json data = Json::array();
  for (const std::string& name : core.model_names) data.push_back(ModelJson(core, name));
  reply->Send(JsonResponse({{"object", "list"}, {"data", std::move(data)}}));
}

void Model(ApiCore& core, const std::string& name, ReplyPtr reply) {
  const auto& names = core.model_names;
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return reply->Send(JsonResponse(ModelJson(core, name)));
  }
  reply->Send(ErrorResponse(
      {.status = 404,
       .message = fmt::format("model: {}, wanted {}", ShortJson(Json(name)), names[0]),
       .param = "model",
       .code = "model_not_found"}));
}

void Health(ApiCore& core, HttpRequest request, ReplyPtr reply) {
  const ApiResult<int64_t> deep = QueryInt(request.query, "deep", 1, 0);
  if (!deep) return reply->Send(ErrorResponse(deep.error()));
  if (*deep == 0 || core.draining()) return reply->Send(HealthResponse(core));
  core.canary->Ask(std::move(reply));
}

void Ping(ApiCore& core, HttpRequest, ReplyPtr reply) { reply->Send(HealthResponse(core)); }

void VersionRoute(ApiCore&, HttpRequest, ReplyPtr reply) {
  reply->Send(JsonResponse({{"version", Version()}}));
}

void LoadRoute(ApiCore& core, HttpRequest, ReplyPtr reply) {
  reply->Send(JsonResponse({{"server_load", core.registry.size()}}));
}

void MetricsRoute(ApiCore& core, HttpRequest, ReplyPtr reply) {
  MetricsText out(LabelText("model_name", core.model_names[0]) + "," + LabelText("engine", "0"));
  const bool legacy = core.options.metrics_legacy_names;
  WriteEngineMetrics(out, core.engine.info(), core.engine.Stats(), legacy);
  core.metrics.Write(out, legacy);
  const Load queued = core.admission.queued();
  out.Gauge("weir:queued_requests", "Prompts taken that have no token yet",
            static_cast<double>(queued.requests));
  out.Gauge("weir:queued_prompt_tokens", "Tokens of these", static_cast<double>(queued.tokens));
  out.Gauge("weir:active_requests", "Requests for text without a complete answer",
            static_cast<double>(core.registry.size()));
  out.DropCommonLabels();
  core.http.Write(out);
  reply->Send({.status = 200,
               .content_type = "text/plain; version=0.0.4; charset=utf-8",
               .body = out.Take()});
}

void IsSleeping(ApiCore&, HttpRequest, ReplyPtr reply) {
  reply->Send(JsonResponse({{"is_sleeping", false}}));
}

void ResetPrefixCache(ApiCore& core, HttpRequest, ReplyPtr reply) {
  core.engine.ResetPrefixCache();
  reply->Send(EmptyResponse());
}

void AbortRequest(ApiCore& core, HttpRequest request, ReplyPtr reply) {
  const ApiResult<Json> body = ParseBody(request.body);
  if (!body) return reply->Send(ErrorResponse(body.error()));
  const auto id = body->find("request_id");
  if (id == body->end() || !id->is_string() || id->get_ref<const std::string&>().empty()) {
    return reply->Send(ErrorResponse(
        BadField("request_id", "request_id: wanted the id of a reply, or an X-Request-Id")));
  }
  const int count = core.registry.Abort(request.tenant, id->get<std::string>());
  reply->Send(JsonResponse({{"request_id", *id}, {"aborted", count}}));
}

void Steps(ApiCore& core, HttpRequest request, ReplyPtr reply) {
  const ApiResult<int64_t> limit = QueryInt(request.query, "limit", kMaxSteps, kDefaultSteps);
  if (!limit) return reply->Send(ErrorResponse(limit.error()));
  const int64_t latest = std::max<int64_t>(core.engine.Stats().num_steps - *limit + 1, 1);
  const ApiResult<int64_t> since =
      QueryInt(request.query, "since", std::numeric_limits<int64_t>::max(), latest);
  if (!since) return reply->Send(ErrorResponse(since.error()));
  reply->Send(JsonResponse(StepsAnswer(core.engine, *since, static_cast<int32_t>(*limit))));
}

void StatsRoute(ApiCore& core, HttpRequest, ReplyPtr reply) {
  reply->Send(JsonResponse({{"now_us", SteadyUs()},
                            {"info", ToJson(core.engine.info())},
                            {"stats", ToJson(core.engine.Stats())}}));
}

void OpenApi(ApiCore& core, HttpRequest, ReplyPtr reply) {
  reply->Send(JsonResponse(OpenApiJson(core.limits)));
}

}  // namespace weir
