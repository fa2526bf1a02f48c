// SPDX-License-Identifier: Apache-2.0
//
// The description of the API against the API. Random requests are made from it elsewhere
// (make_requests.py); here it is held to what it refers to and to the routes there are.
#include <gtest/gtest.h>

#include "server/api/api_testbed.h"

namespace weir {
namespace {

void CheckRefs(const Json& value, const Json& schemas) {
  if (value.is_object()) {
    if (value.contains("$ref")) {
      const std::string ref = value["$ref"].get<std::string>();
      const std::string prefix = "#/components/schemas/";
      ASSERT_EQ(ref.substr(0, prefix.size()), prefix);
      EXPECT_TRUE(schemas.contains(ref.substr(prefix.size()))) << ref;
    }
    for (const auto& [name, inner] : value.items()) CheckRefs(inner, schemas);
  } else if (value.is_array()) {
    for (const Json& inner : value) CheckRefs(inner, schemas);
  }
}

TEST(OpenApiRoute, RefersOnlyToWhatItHolds) {
  ApiTestbed bed;
  const Json description = bed.Get("/openapi.json")->json();
  EXPECT_EQ(description["openapi"], "3.1.0");
  CheckRefs(description, description["components"]["schemas"]);
}

// Every path answers something else than 404, and every other method is refused with 405.
TEST(OpenApiRoute, DescribesTheRoutesThatThereAre) {
  ApiTestbed bed;
  const Json description = bed.Get("/openapi.json")->json();
  for (const auto& [path, methods] : description["paths"].items()) {
    std::string real = path;
    if (const size_t at = real.find("{model}"); at != std::string::npos)
      real.replace(at, 7, "fake");
    for (const auto& [method, operation] : methods.items()) {
      const auto seen = bed.Begin({.method = method == "get" ? "GET" : "POST", .path = real});
      seen->WaitUntilDone();
      EXPECT_NE(seen->status(), 404) << path;
      EXPECT_NE(seen->status(), 405) << path;
    }
    const auto wrong = bed.Begin({.method = "DELETE", .path = real});
    wrong->WaitUntilDone();
    EXPECT_EQ(wrong->status(), 405) << path;
    EXPECT_EQ(wrong->response().headers[0].first, "Allow");
  }
}

TEST(OpenApiRoute, TellsTheLimitsOfThisServer) {
  ApiTestbed bed({.served_model_names = {"a", "b"}, .max_n = 3, .max_logprobs = 2});
  const Json schemas = bed.Get("/openapi.json")->json()["components"]["schemas"];
  const Json& chat = schemas["ChatRequest"]["properties"];
  EXPECT_EQ(chat["n"]["maximum"], 3);
  EXPECT_EQ(chat["top_logprobs"]["maximum"], 2);
  EXPECT_EQ(chat["model"]["anyOf"][0]["enum"], (Json{"a", "b"}));
  EXPECT_EQ(schemas["Token"]["maximum"], FakeEngine::kVocabSize - 1);
  EXPECT_EQ(schemas["ChatRequest"]["required"], Json::array({"messages"}));
  EXPECT_FALSE(chat.contains("echo"));
}

}  // namespace
}  // namespace weir
