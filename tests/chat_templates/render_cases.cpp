// SPDX-License-Identifier: Apache-2.0
//
// Renders cases for tools/chat_templates/compare.py: one JSON object per line on standard input,
// with "template", "variables" and perhaps "constants"; one per line on standard output, with
// "text" and the spans "user", or with "error".
#include <cstdio>
#include <iostream>
#include <string>

#include "base/json.h"
#include "text/chat_template.h"
#include "text/unicode/utf8.h"

namespace weir {
namespace {

// The date that the comparison uses in Python too: Friday, 14 March 2025, 15:09:26.
std::tm FixedDate() {
  std::tm date = {};
  date.tm_year = 125;
  date.tm_mon = 2;
  date.tm_mday = 14;
  date.tm_hour = 15;
  date.tm_min = 9;
  date.tm_sec = 26;
  date.tm_wday = 5;
  date.tm_yday = 72;
  return date;
}

Result<TypedText> RenderLine(const std::string& line) {
  auto json = ParseJson(line, "case");
  if (!json) return tl::unexpected(json.error());
  const Json constants = json->value("constants", Json::object());
  auto parsed = ChatTemplate::Parse(json->at("template").get<std::string>(), "template", constants);
  if (!parsed) return tl::unexpected(parsed.error());
  RenderOptions options;
  options.now = FixedDate();
  return parsed->RenderJson(json->at("variables"), options);
}

Json Answer(const Result<TypedText>& rendered) {
  if (!rendered) return {{"error", rendered.error().message}};
  if (!IsUtf8(rendered->text)) return {{"error", "not UTF-8"}, {"bug", true}};
  Json spans = Json::array();
  for (const TextSpan& span : rendered->user) spans.push_back({span.begin, span.end});
  return {{"text", rendered->text}, {"user", spans}};
}

}  // namespace
}  // namespace weir

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << weir::DumpJson(weir::Answer(weir::RenderLine(line))) << "\n" << std::flush;
  }
  return 0;
}
