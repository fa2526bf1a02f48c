// SPDX-License-Identifier: Apache-2.0
//
// Requests that are wrong, or that have killed or opened other servers: refusals/*.json, arrays of
//   {"about": "...", "path": "...", "body": {...} or "text": "...", "status": 400, "param": "n"}
// Each is answered with that status, an error object that names the field, nothing for the engine,
// and a neighbour's stream that goes on as if nothing had been.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "server/api/api_testbed.h"

namespace weir {
namespace {

Json ReadCases(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return Json::parse(text.str(), nullptr, false);
}

void ExpectError(const Seen& seen, int status, const Json& param) {
  EXPECT_EQ(seen.status(), status) << seen.body();
  const Json body = seen.json();
  ASSERT_TRUE(body.is_object() && body.contains("error")) << seen.body();
  const Json& error = body["error"];
  EXPECT_TRUE(error["message"].is_string() && !error["message"].get<std::string>().empty());
  EXPECT_LT(error["message"].get<std::string>().size(), 400u) << "quotes too much of the request";
  EXPECT_TRUE(error["type"].is_string());
  EXPECT_EQ(error["param"], param) << seen.body();
  EXPECT_TRUE(error.contains("code"));
}

class Refusals : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Refusals, LeaveNeighboursAlone) {
  const Json cases = ReadCases(GetParam());
  ASSERT_TRUE(cases.is_array());
  ApiTestbed bed;
  bed.engine.Hold();
  const auto neighbour = bed.BeginPost("/v1/completions", Json{{"prompt", "n"}, {"stream", true}});
  bed.engine.WaitForRequests(1);
  for (const Json& c : cases) {
    SCOPED_TRACE(c["about"].get<std::string>());
    const std::string body =
        c.contains("text") ? c["text"].get<std::string>() : DumpJson(c["body"]);
    const auto seen = bed.Post(c["path"].get<std::string>(), body);
    ExpectError(*seen, c["status"].get<int>(), c["param"]);
  }
  EXPECT_EQ(bed.engine.WaitForRequests(1).size(), 1u) << "a wrong request reached the engine";
  bed.engine.Release();
  neighbour->WaitUntilDone();
  std::string text;
  for (const Json& event : neighbour->events()) {
    text += event["choices"][0]["text"].get<std::string>();
  }
  EXPECT_EQ(text, "Hello, world");
}

std::vector<std::filesystem::path> Files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(WEIR_SOURCE_DIR "/tests/server/api/refusals")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, Refusals, testing::ValuesIn(Files()),
                         [](const auto& info) { return info.param.stem().string(); });

// What JSON files cannot hold.
TEST(RefusedBytes, AreErrorsOfTheClient) {
  ApiTestbed bed;
  const std::string bodies[] = {
      std::string("{\"prompt\": \"a\0b\"}", 17),                       // a NUL byte
      "{\"prompt\": \"\xC0\xAF\"}",                                    // overlong
      "{\"prompt\": \"\xED\xA0\x80\"}",                                // a surrogate
      "{\"prompt\": \"\xFF\"}",                                        //
      "\xEF\xBB\xBF[]",                                                // a byte order mark
      "{\"prompt\": " + std::string(1 << 20, '[') + "}",               // a million brackets
      "{\"prompt\": \"x\", \"foo\": " + std::string(100, '{') + "}",   //
      "{\"prompt\": \"x\", \"n\": " + std::string(1 << 20, '9') + "}"  // a number of a megabyte
  };
  for (const std::string& body : bodies) {
    const auto seen = bed.Post("/v1/completions", body);
    EXPECT_GE(seen->status(), 400) << body.substr(0, 60);
    EXPECT_LT(seen->status(), 500) << body.substr(0, 60);
    EXPECT_LT(seen->body().size(), 1000u);
  }
}

// A value takes many times the bytes of "[],": the text is counted before it becomes any.
TEST(RefusedBytes, MoreValuesThanAnyRequestNeeds) {
  ApiTestbed bed({.max_json_values = 1000});
  std::string many = "{\"prompt\": [";
  for (int i = 0; i < 1000; ++i) many += "[],";
  const auto seen = bed.Post("/v1/completions", many + "[]]}");
  EXPECT_EQ(seen->status(), 413);
  EXPECT_EQ(bed.Post("/v1/completions", Json{{"prompt", "x"}})->status(), 200);
}

}  // namespace
}  // namespace weir
