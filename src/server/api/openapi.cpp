// SPDX-License-Identifier: Apache-2.0
#include "server/api/openapi.h"

#include <array>

#include <weir/version.h>

#include "base/check.h"
#include "server/api/openapi_schemas.h"

namespace weir {
namespace {

struct Operation {
  const char* path;
  const char* method;
  const char* summary;
  const char* request;   // schema of the body; empty: none
  const char* response;  // schema of the answer; empty: plain text
  bool streams = false;
};

constexpr std::array kOperations = {
    Operation{"/v1/completions", "post", "Continue prompts", "CompletionRequest", "Completion",
              true},
    Operation{"/v1/chat/completions", "post", "Answer a conversation", "ChatRequest",
              "ChatCompletion", true},
    Operation{"/v1/completions/render", "post", "The tokens of prompts, without generating",
              "CompletionRequest", "RenderedList"},
    Operation{"/v1/chat/completions/render", "post",
              "The prompt and tokens of a conversation, without generating", "ChatRequest",
              "Rendered"},
    Operation{"/v1/models", "get", "The names of the model", "", "ModelList"},
    Operation{"/v1/models/{model}", "get", "One name of the model", "", "Model"},
    Operation{"/tokenize", "post", "Text or a conversation as token ids", "TokenizeRequest",
              "Tokenized"},
    Operation{"/detokenize", "post", "Token ids as text", "DetokenizeRequest", "Detokenized"},
    Operation{"/abort_request", "post", "End one's own requests of that name", "AbortRequest",
              "Aborted"},
    Operation{"/health", "get", "200 while the engine is alive; deep=1 computes a token", "", ""},
    Operation{"/ping", "get", "As /health", "", ""},
    Operation{"/version", "get", "The version of the server", "", "Version"},
    Operation{"/load", "get", "How many requests are being answered", "", "ServerLoad"},
    Operation{"/metrics", "get", "Prometheus metrics", "", ""},
    Operation{"/is_sleeping", "get", "Always false", "", "Sleeping"},
    Operation{"/reset_prefix_cache", "post", "Forget cached prefixes", "", ""},
    Operation{"/weir/steps", "get", "Records of steps and of the sequences in them", "", "Object"},
    Operation{"/weir/stats", "get", "What the engine tells of itself", "", "Object"},
    Operation{"/openapi.json", "get", "This description", "", "Object"},
};

Json Ref(const char* schema) { return {{"$ref", std::string("#/components/schemas/") + schema}}; }

Json Content(const char* type, Json schema) { return {{type, {{"schema", std::move(schema)}}}}; }

Json QueryParameter(const char* name, Json schema) {
  return {{"name", name}, {"in", "query"}, {"required", false}, {"schema", std::move(schema)}};
}

Json ParametersOf(std::string_view path) {
  if (path == "/v1/models/{model}") {
    return Json::array({{{"name", "model"},
                         {"in", "path"},
                         {"required", true},
                         {"schema", {{"type", "string"}}}}});
  }
  if (path == "/health") {
    return Json::array(
        {QueryParameter("deep", {{"type", "integer"}, {"minimum", 0}, {"maximum", 1}})});
  }
  if (path == "/weir/steps") {
    return Json::array(
        {QueryParameter("since", {{"type", "integer"}, {"minimum", 0}}),
         QueryParameter("limit", {{"type", "integer"}, {"minimum", 0}, {"maximum", 1000}})});
  }
  return Json::array();
}

Json OperationJson(const Operation& operation) {
  Json json = {{"summary", operation.summary}};
  Json parameters = ParametersOf(operation.path);
  if (!parameters.empty()) json["parameters"] = std::move(parameters);
  if (operation.request[0] != '\0') {
    json["requestBody"] = {{"required", true},
                           {"content", Content("application/json", Ref(operation.request))}};
  }
  Json ok = {{"description", "The answer"}};
  ok["content"] = operation.response[0] != '\0'
                      ? Content("application/json", Ref(operation.response))
                      : Content("text/plain", {{"type", "string"}});
  if (operation.streams) {
    ok["content"]["text/event-stream"] = {
        {"schema",
         {{"type", "string"}, {"description", "data: {json} events, then data: [DONE]"}}}};
  }
  json["responses"] = {
      {"200", std::move(ok)},
      {"default",
       {{"description", "What is wrong"}, {"content", Content("application/json", Ref("Error"))}}}};
  return json;
}

}  // namespace

Json OpenApiJson(const RequestLimits& limits) {
  Json paths = Json::object();
  for (const Operation& operation : kOperations) {
    paths[operation.path][operation.method] = OperationJson(operation);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Weir"},
            {"version", Version()},
            {"description", "An OpenAI-compatible API; null means the same as an absent field"}}},
          {"paths", std::move(paths)},
          {"components",
           {{"schemas", OpenApiSchemas(limits)},
            {"securitySchemes", {{"key", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

}  // namespace weir
