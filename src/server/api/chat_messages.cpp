// SPDX-License-Identifier: Apache-2.0
#include "server/api/chat_messages.h"

#include <array>
#include <functional>

#include "server/api/generation_request.h"

namespace weir {
namespace {

using Fail = std::function<void(std::string_view field, std::string_view problem)>;

const Json* FindIn(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string ReadRole(const Json& message, const Fail& fail) {
  const Json* role = FindIn(message, "role");
  const std::string name = role != nullptr && role->is_string() ? role->get<std::string>() : "";
  if (name == "developer") return "system";
  if (name == "system" || name == "user" || name == "assistant") return name;
  fail("role", (role == nullptr ? "absent" : ShortJson(*role)) +
                   ", wanted system, developer, user or assistant");
  return "";
}

std::string JoinParts(const Json& parts, const Fail& fail) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Json& part = parts[i];
    const std::string where = fmt::format("content[{}]", i);
    if (!part.is_object()) {
      fail(where, ShortJson(part) + ", wanted an object with type and text");
      return "";
    }
    const Json* type = FindIn(part, "type");
    if (type == nullptr || *type != "text") {
      fail(where + ".type", (type == nullptr ? "absent" : ShortJson(*type)) + ", wanted text");
      return "";
    }
    const Json* value = FindIn(part, "text");
    if (value == nullptr || !value->is_string()) {
      fail(where + ".text",
           (value == nullptr ? "absent" : ShortJson(*value)) + ", wanted a string");
      return "";
    }
    if (i > 0) text += '\n';
    text += value->get_ref<const std::string&>();
  }
  return text;
}

std::string ReadContent(const Json& message, const Fail& fail) {
  const Json* content = FindIn(message, "content");
  if (content == nullptr) {
    fail("content", "absent, wanted a string or an array of text parts");
    return "";
  }
  if (content->is_string()) return content->get<std::string>();
  if (content->is_array()) return JoinParts(*content, fail);
  fail("content", ShortJson(*content) + ", wanted a string or an array of text parts");
  return "";
}

void CopyString(const Json& message, const char* name, Json& result, const Fail& fail) {
  const Json* value = FindIn(message, name);
  if (value == nullptr) return;
  if (!value->is_string()) return fail(name, ShortJson(*value) + ", wanted a string");
  result[name] = *value;
}

Json ReadMessage(const Json& message, const Fail& fail) {
  if (!message.is_object()) {
    fail("", ShortJson(message) + ", wanted an object with role and content");
    return {};
  }
  for (const char* refused : {"tool_calls", "function_call", "tool_call_id"}) {
    const Json* value = FindIn(message, refused);
    if (value != nullptr && !(value->is_array() && value->empty())) {
      fail(refused, "given, and tools are not supported; leave the field out");
      return {};
    }
  }
  Json result = {{"role", ReadRole(message, fail)}, {"content", ReadContent(message, fail)}};
  CopyString(message, "name", result, fail);
  CopyString(message, "reasoning_content", result, fail);
  return result;
}

// What the conversation itself decides, or what would make the template another one.
constexpr std::array kReservedVariables = {
    "messages",      "tools",   "documents", "add_generation_prompt", "continue_final_message",
    "chat_template", "tokenize"};

void AddKwargs(FieldReader& fields, Json& variables) {
  const Json* kwargs = fields.Find("chat_template_kwargs");
  if (kwargs == nullptr) return;
  if (!kwargs->is_object()) {
    return fields.Fail("chat_template_kwargs", ShortJson(*kwargs) + ", wanted an object");
  }
  constexpr size_t kMaxVariables = 64;
  if (kwargs->size() > kMaxVariables) {
    return fields.Fail("chat_template_kwargs",
                       fmt::format("{} entries, wanted at most {}", kwargs->size(), kMaxVariables));
  }
  for (const char* name : kReservedVariables) {
    if (!kwargs->contains(name)) continue;
    return fields.Fail(fmt::format("chat_template_kwargs.{}", name),
                       "given, and the server decides it; leave it out");
  }
  for (const auto& [name, value] : kwargs->items()) variables[name] = value;
}

}  // namespace

Json ReadMessages(FieldReader& fields, int32_t max_messages) {
  Json result = Json::array();
  const Json* messages = fields.Find("messages");
  if (messages == nullptr || !messages->is_array() || messages->empty()) {
    fields.Fail("messages", (messages == nullptr    ? "absent"
                             : messages->is_array() ? "empty"
                                                    : ShortJson(*messages)) +
                                std::string(", wanted an array of messages"));
    return result;
  }
  if (messages->size() > static_cast<size_t>(max_messages)) {
    fields.Fail("messages",
                fmt::format("{} messages, wanted at most {}", messages->size(), max_messages));
    return result;
  }
  for (size_t i = 0; i < messages->size() && fields.ok(); ++i) {
    const Fail fail = [&](std::string_view field, std::string_view problem) {
      fields.Fail(fmt::format("messages[{}]{}{}", i, field.empty() ? "" : ".", field), problem);
    };
    result.push_back(ReadMessage((*messages)[i], fail));
  }
  return result;
}

ChatInput ReadChatInput(FieldReader& fields, const RequestLimits& limits) {
  Json variables = {{"messages", ReadMessages(fields, limits.options.max_messages)},
                    {"add_generation_prompt", fields.Bool("add_generation_prompt").value_or(true)}};
  AddKwargs(fields, variables);
  if (!fields.ok()) return {};
  return {.variables = DumpJson(variables),
          .allow_special_tokens_in_content = limits.options.allow_special_tokens_in_content};
}

}  // namespace weir
