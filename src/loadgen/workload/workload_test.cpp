// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/workload.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "base/mapped_file.h"
#include "loadgen/recorded_data.h"
#include "loadgen/workload/token_pool.h"

namespace weir::loadgen {
namespace {

using ::testing::HasSubstr;

const Tokenizer& Qwen() {
  static const Result<Tokenizer> kTokenizer = [] {
    const std::string path = WEIR_SOURCE_DIR "/tests/fixtures/tokenizer/qwen2.json";
    return Tokenizer::FromJson(*ReadFile(path, size_t{64} << 20), path);
  }();
  return *kTokenizer;
}

std::string FileWith(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

std::string ErrorOf(const WorkloadOptions& options) {
  const auto workload = MakeWorkload(options);
  return workload ? "ok" : workload.error().message;
}

WorkloadOptions Random(int64_t n, double ratio = 0) {
  WorkloadOptions options{.num_requests = n, .id_prefix = "r-"};
  options.random = {.input = 100, .output = 20, .range_ratio = ratio};
  return options;
}

TEST(Random, LengthsAreExactAndReproducible) {
  const auto a = MakeWorkload(Random(50));
  const auto b = MakeWorkload(Random(50));
  ASSERT_TRUE(a.has_value());
  for (size_t i = 0; i < a->requests.size(); ++i) {
    const WorkloadRequest& request = a->requests[i];
    EXPECT_EQ(request.tokens.size(), 100u);
    EXPECT_EQ(request.prompt_tokens, 100);
    EXPECT_EQ(request.output_tokens, 20);
    EXPECT_EQ(request.tokens, b->requests[i].tokens);
    EXPECT_EQ(request.id, "r-" + std::to_string(i));
    EXPECT_TRUE(request.text.empty());
  }
  WorkloadOptions other = Random(50);
  other.seed = 1;
  EXPECT_NE(MakeWorkload(other)->requests[0].tokens, a->requests[0].tokens);
}

TEST(Random, LengthsAreThoseOfNumPysDefaultGenerator) {
  // default_rng(seed).integers(921, 1128): what 1024 tokens with a ratio of 0.1 draw from.
  const Json data = RecordedData("numpy_random.json");
  for (const Json& recorded : data["default_rng_integers"]) {
    if (recorded["seed"].get<uint64_t>() >> 32 != 0) continue;
    WorkloadOptions options{.seed = recorded["seed"].get<uint64_t>(), .num_requests = 8};
    options.random = {.input = 1024, .output = 1, .range_ratio = 0.1};
    const auto workload = MakeWorkload(options);
    for (size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(workload->requests[i].prompt_tokens, recorded["a"][i].get<int64_t>());
    }
  }
}

TEST(Random, RangesAreSymmetricAndOutputsAtLeastOne) {
  WorkloadOptions options = Random(2000, 0.5);
  options.random.output = 1;
  const auto workload = MakeWorkload(options);
  std::set<int64_t> inputs;
  for (const WorkloadRequest& request : workload->requests) {
    inputs.insert(request.prompt_tokens);
    EXPECT_GE(request.output_tokens, 1);
    EXPECT_LE(request.output_tokens, 2);
  }
  EXPECT_EQ(*inputs.begin(), 50);
  EXPECT_EQ(*inputs.rbegin(), 150);
}

TEST(Random, ThePrefixIsSharedAndComesOnTop) {
  WorkloadOptions options = Random(5);
  options.random.prefix = 30;
  const auto workload = MakeWorkload(options);
  const std::vector<TokenId>& first = workload->requests[0].tokens;
  EXPECT_EQ(first.size(), 130u);
  for (const WorkloadRequest& request : workload->requests) {
    EXPECT_TRUE(std::equal(first.begin(), first.begin() + 30, request.tokens.begin()));
  }
  EXPECT_NE(workload->requests[1].tokens, first);
}

TEST(Random, WithoutATokenizerNoTwoPromptsBeginAlike) {
  const auto workload = MakeWorkload(Random(2000));
  std::set<std::vector<TokenId>> beginnings;
  for (const WorkloadRequest& request : workload->requests) {
    beginnings.emplace(request.tokens.begin(), request.tokens.begin() + 16);  // a page of a cache
  }
  EXPECT_EQ(beginnings.size(), 2000u);
}

TEST(Random, WithATokenizerIdsWalkTheVocabularyWithoutSpecialOnes) {
  WorkloadOptions options = Random(20);
  options.tokenizer = &Qwen();
  const TokenPool pool = PoolOf(Qwen());
  for (const TokenId id : pool.allowed) EXPECT_FALSE(Qwen().IsSpecial(id));
  const auto workload = MakeWorkload(options);
  for (const WorkloadRequest& request : workload->requests) {
    for (size_t i = 1; i < request.tokens.size(); ++i) {
      const auto at =
          std::lower_bound(pool.allowed.begin(), pool.allowed.end(), request.tokens[i - 1]);
      const size_t next = static_cast<size_t>(at - pool.allowed.begin() + 1) % pool.allowed.size();
      EXPECT_EQ(request.tokens[i], pool.allowed[next]);
    }
  }
}

TEST(Random, TextHasTheLengthThatItSays) {
  WorkloadOptions options = Random(10);
  options.as_tokens = false;
  EXPECT_THAT(ErrorOf(options), HasSubstr("--tokenizer: not given"));
  options.tokenizer = &Qwen();
  const auto workload = MakeWorkload(options);
  for (const WorkloadRequest& request : workload->requests) {
    EXPECT_TRUE(request.tokens.empty());
    EXPECT_EQ(static_cast<int64_t>(Qwen().Encode(request.text).size()), request.prompt_tokens);
  }
}

TEST(PrefixRepetition, EveryPrefixServesEquallyOften) {
  WorkloadOptions options{.dataset = "prefix_repetition", .num_requests = 43};
  options.prefix_repetition = {.prefix = 16, .suffix = 8, .num_prefixes = 4, .output = 5};
  const auto workload = MakeWorkload(options);
  ASSERT_EQ(workload->requests.size(), 40u);
  std::map<std::vector<TokenId>, int> prefixes;
  for (const WorkloadRequest& request : workload->requests) {
    EXPECT_EQ(request.tokens.size(), 24u);
    ++prefixes[{request.tokens.begin(), request.tokens.begin() + 16}];
  }
  EXPECT_EQ(prefixes.size(), 4u);
  for (const auto& [prefix, count] : prefixes) EXPECT_EQ(count, 10);
  options.prefix_repetition.num_prefixes = 44;
  EXPECT_THAT(ErrorOf(options), HasSubstr("--prefix-repetition-num-prefixes"));
}

TEST(ShareGpt, TakesFirstTurnsByVllmsRules) {
  const std::string good = "tell me something about rivers and dams";
  WorkloadOptions options{.dataset = "sharegpt", .num_requests = 3, .tokenizer = &Qwen()};
  options.path = FileWith(
      "sharegpt.json",
      R"([{"conversations":[{"value":"hi"},{"value":"an answer that is long enough to be used"}]},
          {"conversations":[{"value":")" +
          good + R"("},{"value":"ok"}]},
          {"conversations":[{"value":")" +
          good + R"("}]}, {"id": 3}, 7,
          {"conversations":[{"value":")" +
          good + R"("},{"value":"some longer answer to it all"}]}])");
  const auto workload = MakeWorkload(options);
  ASSERT_TRUE(workload.has_value()) << ErrorOf(options);
  ASSERT_EQ(workload->requests.size(), 3u) << "repeated";
  EXPECT_EQ(workload->requests[0].text, good);
  EXPECT_EQ(workload->requests[0].prompt_tokens, static_cast<int64_t>(Qwen().Encode(good).size()));
  EXPECT_EQ(workload->requests[2].id, "2");
  options.oversample = false;
  EXPECT_EQ(MakeWorkload(options)->requests.size(), 1u);
  options.sharegpt_output = 2;  // the answer's own length is then not asked
  EXPECT_EQ(MakeWorkload(options)->requests.size(), 2u);
  options.tokenizer = nullptr;
  EXPECT_THAT(ErrorOf(options), HasSubstr("--tokenizer"));
}

TEST(Custom, OnePromptPerLine) {
  WorkloadOptions options{.dataset = "custom", .num_requests = 2, .shuffle = false};
  options.path = FileWith("custom.jsonl",
                          "{\"prompt\": \"a\", \"output_tokens\": 7}\n\n"
                          "{\"prompt\": \"b\", \"output_tokens\": 9}\n");
  const auto workload = MakeWorkload(options);
  ASSERT_EQ(workload->requests.size(), 2u);
  EXPECT_EQ(workload->requests[1].text, "b");
  EXPECT_EQ(workload->requests[1].output_tokens, 256);
  options.custom_output = -1;
  EXPECT_EQ(MakeWorkload(options)->requests[1].output_tokens, 9);
  options.render = [](std::string_view text) -> Result<std::string> {
    return "<" + std::string(text) + ">";
  };
  EXPECT_EQ(MakeWorkload(options)->requests[0].text, "<a>");
  options.path = FileWith("bad.jsonl", "{\"prompt\": \"a\"}\n[1]\n");
  EXPECT_THAT(ErrorOf(options), HasSubstr("bad.jsonl: line 2: found array"));
  options.path = FileWith("bad.jsonl", "{\"text\": \"a\"}\n");
  EXPECT_THAT(ErrorOf(options), HasSubstr("without a string \"prompt\""));
  options.path = FileWith("empty.jsonl", "\n");
  EXPECT_THAT(ErrorOf(options), HasSubstr("found no prompt"));
  options.path = "";
  EXPECT_THAT(ErrorOf(options), HasSubstr("--dataset-path: not given"));
}

TEST(Sonnet, PromptsShareTheirBeginningAndFit) {
  std::string poem;
  for (int i = 0; i < 60; ++i) poem += "line number " + std::to_string(i) + " of a poem\n";
  WorkloadOptions options{.dataset = "sonnet", .num_requests = 5, .tokenizer = &Qwen()};
  options.path = FileWith("sonnet.txt", poem);
  options.sonnet = {.input = 300, .output = 9, .prefix = 100};
  const auto workload = MakeWorkload(options);
  ASSERT_TRUE(workload.has_value()) << ErrorOf(options);
  const std::string shared = "Pick as many lines as you can from these poem lines:\nline number 0";
  for (const WorkloadRequest& request : workload->requests) {
    EXPECT_TRUE(request.text.starts_with(shared));
    EXPECT_LE(request.prompt_tokens, 300);
    EXPECT_EQ(request.output_tokens, 9);
  }
  options.sonnet.input = 5;
  EXPECT_THAT(ErrorOf(options), HasSubstr("--sonnet-input-len"));
}

TEST(BurstGpt, RowsOfGpt4InTheirOrderOrDrawn) {
  WorkloadOptions options{.dataset = "burstgpt", .num_requests = 3, .self_timed = true};
  options.path = FileWith("burst.csv",
                          "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
                          "5,GPT-4,10,3,13,x\n6,ChatGPT,99,9,108,x\n7.5,GPT-4,20,0,20,x\n"
                          "9,GPT-4,30,4,34,x\n");
  const auto timed = MakeWorkload(options);
  ASSERT_TRUE(timed.has_value()) << ErrorOf(options);
  ASSERT_EQ(timed->requests.size(), 2u);
  EXPECT_EQ(timed->requests[1].at_s, 4);
  EXPECT_EQ(timed->requests[1].prompt_tokens, 30);
  options.self_timed = false;
  EXPECT_EQ(MakeWorkload(options)->requests.size(), 3u) << "drawn with repetition";
  options.path = FileWith("burst.csv", "Timestamp,Model,Request tokens\n1,GPT-4,5\n");
  EXPECT_THAT(ErrorOf(options), HasSubstr("no column \"Response tokens\""));
  options.path =
      FileWith("burst.csv", "Timestamp,Model,Request tokens,Response tokens\n1,GPT-4,x,5\n");
  EXPECT_THAT(ErrorOf(options), HasSubstr("row 2"));
}

TEST(TimedTrace, EqualIdsMakeEqualTokens) {
  WorkloadOptions options{.dataset = "timed_trace", .num_requests = 9, .self_timed = true};
  options.timed_trace.chunk_tokens = 2;
  options.timed_trace.seconds_per_unit = 0.5;
  options.path =
      FileWith("trace.jsonl",
               R"({"hash_ids": [7, 8, 9], "input_length": 5, "output_length": 2, "timestamp": 10.0}
{"hash_ids": [7, 8, 10], "input_length": 5, "output_length": 3, "timestamp": 12.5}
{"hash_ids": [7], "input_length": 6, "output_length": 3, "timestamp": 12.5})");
  const auto workload = MakeWorkload(options);
  ASSERT_TRUE(workload.has_value()) << ErrorOf(options);
  const auto& a = workload->requests[0].tokens;
  const auto& b = workload->requests[1].tokens;
  const auto& c = workload->requests[2].tokens;
  EXPECT_EQ(a.size(), 5u);
  EXPECT_TRUE(std::equal(a.begin(), a.begin() + 4, b.begin()));
  EXPECT_NE(a[4], b[4]);
  EXPECT_EQ(c.size(), 6u) << "filled up";
  EXPECT_TRUE(std::equal(a.begin(), a.begin() + 2, c.begin()));
  EXPECT_EQ(workload->notes.size(), 1u);
  EXPECT_EQ(workload->requests[0].at_s, 0);
  EXPECT_EQ(workload->requests[1].at_s, 1.25);
  options.path = FileWith(
      "trace.jsonl", R"({"hash_ids": [1], "input_length": 1, "output_length": 1, "timestamp": 2}
{"hash_ids": [1], "input_length": 1, "output_length": 1, "timestamp": 1})");
  EXPECT_THAT(ErrorOf(options), HasSubstr("request 2: found timestamp 1 after 2"));
  options.path = FileWith("trace.jsonl", R"({"hash_ids": [1], "input_length": -1})");
  EXPECT_THAT(ErrorOf(options), HasSubstr("request 1: wanted timestamp"));
}

TEST(MakeWorkload, RefusesWhatItCannotDo) {
  EXPECT_THAT(ErrorOf({.dataset = "hf"}),
              HasSubstr("--dataset-name: found \"hf\", wanted random,"));
  EXPECT_THAT(ErrorOf({.path = "x"}), HasSubstr("--dataset-path: found x"));
  EXPECT_THAT(ErrorOf({.num_requests = 0}), HasSubstr("--num-prompts: found 0"));
  EXPECT_THAT(ErrorOf({.seed = uint64_t{1} << 32}), HasSubstr("--seed"));
  EXPECT_THAT(ErrorOf({.dataset = "custom", .path = "/no/such/file"}), HasSubstr("/no/such/file"));
  WorkloadOptions options = Random(1, 1.0);
  EXPECT_THAT(ErrorOf(options), HasSubstr("--random-range-ratio: found 1"));
  options = Random(1, std::nan(""));
  EXPECT_THAT(ErrorOf(options), HasSubstr("--random-range-ratio"));
  options = Random(1);
  options.random.input = 0;
  EXPECT_THAT(ErrorOf(options), HasSubstr("--random-input-len: found 0"));
  options.random.input = int64_t{1} << 60;
  EXPECT_THAT(ErrorOf(options), HasSubstr("--random-input-len"));
}

}  // namespace
}  // namespace weir::loadgen
