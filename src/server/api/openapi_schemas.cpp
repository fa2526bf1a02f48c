// SPDX-License-Identifier: Apache-2.0
#include "server/api/openapi_schemas.h"

#include <algorithm>

#include "base/check.h"

namespace weir {
namespace {

Json Parsed(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  WEIR_CHECK(!json.is_discarded());  // a text of this folder
  return json;
}

// What answers look like. Requests are described by the table of fields.
constexpr std::string_view kAnswers = R"({
  "Message": {"type": "object", "required": ["role", "content"], "properties": {
    "role": {"enum": ["system", "developer", "user", "assistant"]},
    "content": {"anyOf": [{"type": "string"}, {"type": "array", "items": {
      "type": "object", "required": ["type", "text"], "properties": {
        "type": {"enum": ["text"]}, "text": {"type": "string"}}}}]},
    "name": {"type": "string"},
    "reasoning_content": {"type": "string"}}},
  "AbortRequest": {"type": "object", "required": ["request_id"], "properties": {
    "request_id": {"type": "string", "minLength": 1}}},
  "Aborted": {"type": "object", "required": ["request_id", "aborted"], "properties": {
    "request_id": {"type": "string"}, "aborted": {"type": "integer"}}},
  "Usage": {"type": "object", "required": ["prompt_tokens", "completion_tokens", "total_tokens"],
    "properties": {
    "prompt_tokens": {"type": "integer"}, "completion_tokens": {"type": "integer"},
    "total_tokens": {"type": "integer"},
    "prompt_tokens_details": {"type": "object", "properties": {
      "cached_tokens": {"type": "integer"}}}}},
  "Completion": {"type": "object",
    "required": ["id", "object", "created", "model", "choices", "usage"], "properties": {
    "id": {"type": "string"}, "object": {"enum": ["text_completion"]},
    "created": {"type": "integer"}, "model": {"type": "string"},
    "choices": {"type": "array", "items": {"type": "object",
      "required": ["index", "text", "logprobs", "finish_reason"], "properties": {
      "index": {"type": "integer"}, "text": {"type": "string"},
      "logprobs": {"type": ["object", "null"]},
      "finish_reason": {"enum": ["stop", "length", "abort"]},
      "token_ids": {"type": "array", "items": {"type": "integer"}},
      "prompt_token_ids": {"type": "array", "items": {"type": "integer"}}}}},
    "usage": {"$ref": "#/components/schemas/Usage"}}},
  "ChatCompletion": {"type": "object",
    "required": ["id", "object", "created", "model", "choices", "usage"], "properties": {
    "id": {"type": "string"}, "object": {"enum": ["chat.completion"]},
    "created": {"type": "integer"}, "model": {"type": "string"},
    "choices": {"type": "array", "items": {"type": "object",
      "required": ["index", "message", "logprobs", "finish_reason"], "properties": {
      "index": {"type": "integer"},
      "message": {"type": "object", "required": ["role", "content"], "properties": {
        "role": {"enum": ["assistant"]}, "content": {"type": "string"},
        "reasoning_content": {"type": ["string", "null"]}}},
      "logprobs": {"type": ["object", "null"]},
      "finish_reason": {"enum": ["stop", "length", "abort"]},
      "token_ids": {"type": "array", "items": {"type": "integer"}}}}},
    "prompt_token_ids": {"type": "array", "items": {"type": "integer"}},
    "usage": {"$ref": "#/components/schemas/Usage"}}},
  "Rendered": {"type": "object", "required": ["token_ids", "prompt"], "properties": {
    "token_ids": {"type": "array", "items": {"type": "integer"}}, "prompt": {"type": "string"},
    "model": {"type": "string"}, "sampling_params": {"type": "object"}}},
  "RenderedList": {"type": "array", "items": {"$ref": "#/components/schemas/Rendered"}},
  "Tokenized": {"type": "object", "required": ["count", "max_model_len", "tokens"], "properties": {
    "count": {"type": "integer"}, "max_model_len": {"type": "integer"},
    "tokens": {"type": "array", "items": {"type": "integer"}},
    "token_strs": {"type": ["array", "null"], "items": {"type": "string"}}}},
  "Detokenized": {"type": "object", "required": ["prompt"], "properties": {
    "prompt": {"type": "string"}}},
  "Model": {"type": "object", "required": ["id", "object", "created", "owned_by", "root",
    "max_model_len"], "properties": {
    "id": {"type": "string"}, "object": {"enum": ["model"]}, "created": {"type": "integer"},
    "owned_by": {"type": "string"}, "root": {"type": "string"},
    "max_model_len": {"type": "integer"}}},
  "ModelList": {"type": "object", "required": ["object", "data"], "properties": {
    "object": {"enum": ["list"]},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}}},
  "Version": {"type": "object", "required": ["version"], "properties": {
    "version": {"type": "string"}}},
  "ServerLoad": {"type": "object", "required": ["server_load"], "properties": {
    "server_load": {"type": "integer"}}},
  "Sleeping": {"type": "object", "required": ["is_sleeping"], "properties": {
    "is_sleeping": {"type": "boolean"}}},
  "Object": {"type": "object"},
  "Error": {"type": "object", "required": ["error"], "properties": {
    "error": {"type": "object", "required": ["message", "type", "param", "code"], "properties": {
      "message": {"type": "string"}, "type": {"type": "string"},
      "param": {"type": ["string", "null"]}, "code": {"type": ["string", "null"]}}}}}
})";

Json OrNull(Json schema) {
  if (schema.contains("anyOf")) {
    schema["anyOf"].push_back({{"type", "null"}});
    return schema;
  }
  if (schema.contains("type") && schema["type"].is_string()) {
    schema["type"] = Json::array({schema["type"], "null"});
    return schema;
  }
  return {{"anyOf", Json::array({std::move(schema), {{"type", "null"}}})}};
}

// Upper limits that options lower.
double HighOf(const FieldSpec& spec, const RequestLimits& limits) {
  if (spec.name == "n") return std::min(limits.options.max_n, limits.options.max_choices);
  if (spec.name == "logprobs" || spec.name == "top_logprobs") return limits.options.max_logprobs;
  if (spec.name == "max_tokens" || spec.name == "max_completion_tokens" ||
      spec.name == "min_tokens") {
    return limits.engine.max_model_len;
  }
  return spec.high;
}

// Limits beyond what doubles hold exactly are left out: 64-bit integers are meant.
void SetBounds(Json& schema, const FieldSpec& spec, double high) {
  constexpr double kExact = 9007199254740992.0;
  const auto number = [&](double value) {
    return spec.kind == FieldKind::kInt ? Json(static_cast<int64_t>(value)) : Json(value);
  };
  if (spec.low >= -kExact)
    schema[spec.above_low ? "exclusiveMinimum" : "minimum"] = number(spec.low);
  if (high <= kExact) schema["maximum"] = number(high);
}

Json SchemaOf(const FieldSpec& spec, const RequestLimits& limits) {
  Json schema = Json::object();
  switch (spec.kind) {
    case FieldKind::kBool:
      schema["type"] = "boolean";
      break;
    case FieldKind::kInt:
    case FieldKind::kNumber:
      schema["type"] = spec.kind == FieldKind::kInt ? "integer" : "number";
      SetBounds(schema, spec, HighOf(spec, limits));
      break;
    case FieldKind::kString:
      schema = {{"type", "string"},
                {"minLength", static_cast<int64_t>(spec.low)},
                {"maxLength", static_cast<int64_t>(spec.high)}};
      if (spec.name == "model") schema = {{"enum", limits.model_names}};
      break;
    case FieldKind::kShaped:
      schema = Parsed(spec.shape);
      break;
    case FieldKind::kRefused:
      schema["enum"] = Parsed(spec.shape);
      schema["enum"].push_back(nullptr);
      schema["description"] = spec.about;
      return schema;
  }
  const bool required = spec.name == "prompt" || spec.name == "messages" || spec.name == "tokens";
  if (!required) schema = OrNull(std::move(schema));
  schema["description"] = spec.about;
  return schema;
}

Json RequestSchema(Body body, const RequestLimits& limits, Json required) {
  Json properties = Json::object();
  for (const FieldSpec& spec : FieldSpecs()) {
    if ((spec.bodies & body) != 0) properties[std::string(spec.name)] = SchemaOf(spec, limits);
  }
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace

Json OpenApiSchemas(const RequestLimits& limits) {
  Json schemas = Parsed(kAnswers);
  schemas["Token"] = {
      {"type", "integer"}, {"minimum", 0}, {"maximum", limits.engine.vocab_size - 1}};
  schemas["CompletionRequest"] = RequestSchema(kCompletionBody, limits, Json::array({"prompt"}));
  schemas["ChatRequest"] = RequestSchema(kChatBody, limits, Json::array({"messages"}));
  schemas["TokenizeRequest"] = RequestSchema(kTokenizeBody, limits, Json::array());
  schemas["DetokenizeRequest"] = RequestSchema(kDetokenizeBody, limits, Json::array({"tokens"}));
  return schemas;
}

}  // namespace weir
