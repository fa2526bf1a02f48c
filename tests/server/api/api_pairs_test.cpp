// SPDX-License-Identifier: Apache-2.0
//
// Requests and what they are answered, as files: pairs/*.json. A file is an array of
//   {"about": "...", "engine": {...}, "options": {...},
//    "send": {"method": "POST", "path": "...", "query": "", "body": {...} or "text": "..."},
//    "expect": {"status": 200, "body": {...} or "events": [...], "sampling": {...}}}
// Bodies are compared field by field and none may be left over; "*" stands for any value, and an
// object with the one field "~" for a string that holds its value. "sampling" names fields of the
// SamplingParams that the engine got.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "server/api/api_testbed.h"

namespace weir {
namespace {

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Empty when `found` is as `wanted`; else where it is not.
std::string Difference(const Json& wanted, const Json& found, const std::string& where) {
  const auto differ = [&] {
    return where + ": found " + DumpJson(found) + ", wanted " + DumpJson(wanted);
  };
  if (wanted == "*") return "";
  if (wanted.is_object() && wanted.size() == 1 && wanted.contains("~")) {
    const bool holds =
        found.is_string() &&
        found.get<std::string>().find(wanted["~"].get<std::string>()) != std::string::npos;
    return holds ? "" : differ();
  }
  if (wanted.type() != found.type() && !(wanted.is_number() && found.is_number())) return differ();
  if (wanted.is_object()) {
    for (const auto& [name, value] : wanted.items()) {
      if (!found.contains(name)) return where + "." + name + ": absent";
      const std::string problem = Difference(value, found[name], where + "." + name);
      if (!problem.empty()) return problem;
    }
    for (const auto& [name, value] : found.items()) {
      if (!wanted.contains(name)) return where + "." + name + ": not wanted: " + DumpJson(value);
    }
    return "";
  }
  if (wanted.is_array()) {
    if (wanted.size() != found.size()) return differ();
    for (size_t i = 0; i < wanted.size(); ++i) {
      const std::string problem =
          Difference(wanted[i], found[i], where + "[" + std::to_string(i) + "]");
      if (!problem.empty()) return problem;
    }
    return "";
  }
  return wanted == found ? "" : differ();
}

void SetUpEngine(const Json& setup, FakeEngine& engine) {
  engine.answer = setup.value("answer", engine.answer);
  engine.chat_opening = setup.value("chat_opening", "");
  engine.fail_with = setup.value("fail_with", "");
  engine.fail_after_tokens = setup.value("fail_after_tokens", 0);
  engine.num_cached_tokens = setup.value("num_cached_tokens", 0);
  engine.has_chat_template = setup.value("has_chat_template", true);
  if (setup.contains("temperature")) {
    engine.mutable_info().default_sampling.temperature = setup["temperature"].get<float>();
  }
}

ApiOptions MakeOptions(const Json& setup) {
  ApiOptions options;
  options.max_n = setup.value("max_n", options.max_n);
  options.max_prompts = setup.value("max_prompts", options.max_prompts);
  options.max_choices = setup.value("max_choices", options.max_choices);
  options.split_reasoning = setup.value("split_reasoning", true);
  if (setup.contains("names")) {
    options.served_model_names = setup["names"].get<std::vector<std::string>>();
  }
  return options;
}

Json SamplingJson(const Request& request) {
  const SamplingParams& s = request.sampling;
  Json bias = Json::object();
  for (const auto& [token, value] : s.logit_bias) bias[std::to_string(token)] = value;
  return {{"temperature", s.temperature},
          {"top_k", s.top_k},
          {"top_p", s.top_p},
          {"min_p", s.min_p},
          {"repetition_penalty", s.repetition_penalty},
          {"presence_penalty", s.presence_penalty},
          {"frequency_penalty", s.frequency_penalty},
          {"logit_bias", bias},
          {"seed", s.seed ? Json(*s.seed) : Json()},
          {"max_tokens", s.max_tokens},
          {"min_tokens", s.min_tokens},
          {"ignore_eos", s.ignore_eos},
          {"stop_token_ids", s.stop_token_ids},
          {"stop", s.stop},
          {"include_stop", s.include_stop},
          {"num_logprobs", s.num_logprobs},
          {"n", request.n},
          {"priority", request.priority},
          {"label", request.label},
          {"cache_salt", request.cache_salt},
          {"prompt", request.prompt}};
}

void Check(const Json& pair) {
  SCOPED_TRACE(pair.value("about", "?"));
  ApiTestbed bed(MakeOptions(pair.value("options", Json::object())));
  SetUpEngine(pair.value("engine", Json::object()), bed.engine);
  const Json& send = pair["send"];
  HttpRequest request = {.method = send.value("method", "POST"),
                         .path = send["path"].get<std::string>(),
                         .query = send.value("query", "")};
  request.id = send.value("id", "label");
  request.tenant = send.value("tenant", "");
  request.headers = {{"content-type", send.value("type", "application/json")}};
  if (send.contains("body")) request.body = DumpJson(send["body"]);
  if (send.contains("text")) request.body = send["text"].get<std::string>();
  const auto seen = bed.Begin(std::move(request));
  seen->WaitUntilDone();

  const Json& expect = pair["expect"];
  EXPECT_EQ(seen->status(), expect.value("status", 200)) << seen->body();
  if (expect.contains("body")) {
    EXPECT_EQ(seen->response().content_type, "application/json");
    EXPECT_EQ(Difference(expect["body"], seen->json(), "body"), "");
  }
  if (expect.contains("text")) {
    EXPECT_EQ(seen->body(), expect["text"].get<std::string>());
  }
  if (expect.contains("events")) {
    EXPECT_EQ(seen->response().content_type, "text/event-stream; charset=utf-8");
    EXPECT_EQ(Difference(expect["events"], Json(seen->events()), "events"), "");
  }
  if (expect.contains("sampling")) {
    const Json found = SamplingJson(bed.engine.WaitForRequests(1)[0]);
    for (const auto& [name, value] : expect["sampling"].items()) {
      EXPECT_EQ(Difference(value, found[name], name), "");
    }
  }
  bed.Close();
  EXPECT_EQ(bed.engine.num_active(), 0);
}

class ApiPairs : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ApiPairs, AreAnsweredAsWritten) {
  const Json pairs = Json::parse(ReadText(GetParam()), nullptr, false);
  ASSERT_TRUE(pairs.is_array()) << GetParam();
  for (const Json& pair : pairs) Check(pair);
}

std::vector<std::filesystem::path> PairFiles() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(WEIR_SOURCE_DIR "/tests/server/api/pairs")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, ApiPairs, testing::ValuesIn(PairFiles()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace weir
