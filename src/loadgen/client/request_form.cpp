// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/request_form.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

#include <weir/version.h>

#include "base/error.h"

namespace weir::loadgen {
namespace {

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// Replaces the header of that name, or adds it.
void SetHeader(Headers& headers, std::string_view name, std::string_view value) {
  for (auto& [known, old] : headers) {
    if (!SameName(known, name)) continue;
    old = value;
    return;
  }
  headers.emplace_back(name, value);
}

Json PromptOf(const WorkloadRequest& request) {
  if (!request.tokens.empty()) return request.tokens;
  return request.text;
}

// What a header or a path must not hold, or one request becomes two.
bool IsSafe(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; });
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Json BodyOf(const RequestForm& form, const WorkloadRequest& request) {
  Json body = {{"model", form.model}};
  if (form.chat) {
    const Json part = {{"type", "text"}, {"text", request.text}};
    const Json message = {{"role", "user"}, {"content", Json::array({part})}};
    body["messages"] = Json::array({message});
    body["max_completion_tokens"] = request.output_tokens;
  } else {
    body["prompt"] = PromptOf(request);
    body["repetition_penalty"] = 1.0;
    body["max_tokens"] = request.output_tokens;
    body["logprobs"] = form.logprobs ? Json(*form.logprobs) : Json(nullptr);
  }
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  if (form.ignore_eos) body["ignore_eos"] = true;
  body.update(form.extra);
  return body;
}

std::string WireOf(const RequestForm& form, const WorkloadRequest& request) {
  Headers headers = {{"Content-Type", "application/json"}};
  if (!form.api_key.empty()) headers.emplace_back("Authorization", "Bearer " + form.api_key);
  for (const auto& [name, value] : form.headers) SetHeader(headers, name, value);
  if (!request.id.empty()) SetHeader(headers, "x-request-id", request.id);
  return RequestText(form.server, "POST", form.endpoint, headers, DumpJson(BodyOf(form, request)));
}

std::string RequestText(const Url& server, std::string_view method, std::string_view path,
                        const Headers& headers, std::string_view body) {
  Headers all = {{"Host", server.Authority()},
                 {"User-Agent", fmt::format("weir/{}", Version())},
                 {"Accept", "*/*"}};
  for (const auto& [name, value] : headers) SetHeader(all, name, value);
  if (!body.empty() || method == "POST") {
    SetHeader(all, "Content-Length", fmt::format("{}", body.size()));
  }
  std::string text = fmt::format("{} {}{} HTTP/1.1\r\n", method, server.path, path);
  for (const auto& [name, value] : all) {
    fmt::format_to(std::back_inserter(text), "{}: {}\r\n", name, value);
  }
  text += "\r\n";
  text += body;
  return text;
}

Result<Headers> ParseHeaders(const std::vector<std::string>& texts) {
  Headers headers;
  for (const std::string_view text : texts) {
    const size_t equals = text.find('=');
    const std::string_view name = Trim(text.substr(0, equals));
    const bool token = name.find_first_of(" \t:()<>@,;\\\"/[]?={}") == std::string_view::npos;
    if (equals == std::string_view::npos || name.empty() || !token || !IsSafe(text)) {
      return Err(Code::kInvalidArgument, "--header: found \"", text, "\", wanted NAME=VALUE");
    }
    headers.emplace_back(name, Trim(text.substr(equals + 1)));
  }
  return headers;
}

}  // namespace weir::loadgen
