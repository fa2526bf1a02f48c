// SPDX-License-Identifier: Apache-2.0
//
// Runs the text files of tests/traces against the scheduler and its pages. A new case needs no C++.
// Lines, in order of execution (# starts a comment):
//   pool pages=4 page_len=16 [cache=1]     with a prefix cache or, by default, without
//   pace budget_ms=2 step_us=500 token_us=100 [key_us=0] [pair_us=0]
//                                          what steps may take, and do: per step, token, key that
//                                          a decode reads, query and key of a prefill
//   limits tokens=32 seqs=2 [threshold=N]  after pool and pace
//   add A prompt=40 max_new=3 [n=2] [priority=1] [salt=1] [like=B:32]
//                                          B's first 32 tokens, outputs included, begin A's prompt
//   cancel A B                             at once, also what has ended already
//   reset                                  the prefix cache
//   step A[0,32) B1[5,6)+ [: pages]        the parts of the next step; + where the next token is
//                                          chosen; B1 is output 1 of a request with n > 1; after
//                                          the colon why there is no more, where not all is in
//   idle                                   the next step has nothing to do
//   steps 10                               ten steps, whatever they hold
//   until_idle 100                         so many steps at most until nothing is left to do
//   free 3   waiting A B1   preempted 2    free pages now; who waits, in order; preemptions so far
//   ended A length                         A has ended, for this reason
//   tokens A 3   cached A 32               A's output so far; prompt tokens that A was said to find
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <sstream>

#include "engine/scheduler_world.h"

namespace weir {
namespace {

class Trace {
 public:
  void RunFile(const std::filesystem::path& path) {
    std::ifstream file(path);
    ASSERT_TRUE(file.is_open());
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
      SCOPED_TRACE(path.filename().string() + ":" + std::to_string(number) + ": " + line);
      RunLine(line.substr(0, line.find('#')));
      if (::testing::Test::HasFailure()) return;
    }
  }

 private:
  void RunLine(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    if (!(words >> verb)) return;
    std::string rest;
    std::getline(words >> std::ws, rest);
    while (!rest.empty() && rest.back() == ' ') rest.pop_back();
    if (verb == "pool") {
      options_.pages = {.num_pages = Number(rest, "pages"),
                        .page_len = Number(rest, "page_len"),
                        .prefix_caching = Number(rest, "cache", 0) == 1};
    } else if (verb == "pace") {
      Pace(rest);
    } else if (verb == "limits") {
      options_.scheduler = {.max_step_tokens = Number(rest, "tokens"),
                            .max_seqs = Number(rest, "seqs"),
                            .long_prefill_token_threshold = Number(rest, "threshold", 0)};
      world_.emplace(options_);
    } else if (verb == "add") {
      Add(rest);
    } else if (verb == "cancel") {
      std::vector<RequestId> ids;
      for (const char c : rest) {
        if (c != ' ') ids.push_back(c);
      }
      world_->Cancel(ids);
    } else if (verb == "reset") {
      world_->pages().ResetPrefixCache();
    } else {
      RunStepOrCheck(verb, rest);
    }
  }

  void RunStepOrCheck(const std::string& verb, const std::string& rest) {
    if (verb == "step" || verb == "idle") {
      world_->Step([&](const StepPlan& step) { EXPECT_EQ(Shown(step), rest); });
    } else if (verb == "steps") {
      for (int left = std::stoi(rest); left > 0; --left) {
        EXPECT_TRUE(world_->Step([](const StepPlan&) {}));
      }
    } else if (verb == "until_idle") {
      int left = std::stoi(rest);
      while (world_->Step([](const StepPlan&) {}) && left > 0) --left;
      EXPECT_GT(left, 0);
    } else if (verb == "free") {
      EXPECT_EQ(world_->pages().pool().num_free(), std::stoi(rest));
    } else if (verb == "preempted") {
      EXPECT_EQ(world_->scheduler().counts().num_preemptions, std::stoi(rest));
    } else if (verb == "waiting") {
      std::string found;
      for (const auto& s : world_->scheduler().waiting()) found += " " + NameOf(*s);
      EXPECT_EQ(found.empty() ? found : found.substr(1), rest);
    } else if (verb == "ended") {
      const SeenOutput& output = OutputOf(rest);
      EXPECT_EQ(FinishReasonName(output.finish), rest.substr(rest.find(' ') + 1));
    } else if (verb == "tokens") {
      EXPECT_EQ(std::to_string(OutputOf(rest).tokens.size()), rest.substr(rest.find(' ') + 1));
    } else if (verb == "cached") {
      EXPECT_EQ(std::to_string(OutputOf(rest).num_cached_tokens), rest.substr(rest.find(' ') + 1));
    } else {
      FAIL() << "unknown verb " << verb;
    }
  }

  static int32_t Number(const std::string& text, const std::string& name,
                        std::optional<int32_t> otherwise = {}) {
    const size_t at = (" " + text).find(" " + name + "=");
    if (at == std::string::npos) {
      EXPECT_TRUE(otherwise.has_value()) << name;
      return otherwise.value_or(0);
    }
    return std::stoi(text.substr(at + name.size() + 1));
  }

  void Pace(const std::string& text) {
    const auto key_us = static_cast<float>(Number(text, "key_us", 0));
    const auto pair_us = static_cast<float>(Number(text, "pair_us", 0));
    model_.emplace(StepCost{.step_us = static_cast<float>(Number(text, "step_us")),
                            .head_us = 0,
                            .hidden_token_us = 0,
                            .token_us = static_cast<float>(Number(text, "token_us")),
                            .hidden_tokens = 1,
                            .decode_key_us = key_us,
                            .fresh_pair_us = pair_us,
                            .cached_pair_us = pair_us,
                            .logits_us = 0});
    budget_.emplace(Number(text, "budget_ms"));
    options_.pacing = {.model = &*model_, .budget = &*budget_};
  }

  // "A", or "A1" where the request has several outputs.
  std::string NameOf(const Sequence& sequence) const {
    std::string name(1, static_cast<char>(sequence.id()));
    if (sequence.request().n > 1) name += std::to_string(sequence.index());
    return name;
  }
  SeenOutput& OutputOf(const std::string& text) {
    const bool has_index = text.size() > 1 && text[1] != ' ';
    return world_->output(text[0], has_index ? text[1] - '0' : 0);
  }

  // No two requests begin alike unless they are told to.
  void Add(const std::string& text) {
    Request request;
    const char name = text[0];
    if (const size_t at = text.find("like="); at != std::string::npos) {
      const auto count = static_cast<size_t>(std::stoi(text.substr(at + 7)));
      const char other = text[at + 5];
      request.prompt = prompts_[other];
      const auto& output = world_->output(other, 0).tokens;
      request.prompt.insert(request.prompt.end(), output.begin(), output.end());
      ASSERT_GE(request.prompt.size(), count);
      request.prompt.resize(count);
    }
    const auto length = static_cast<size_t>(Number(text, "prompt"));
    while (request.prompt.size() < length) {
      request.prompt.push_back(name * 1000 + static_cast<TokenId>(request.prompt.size()));
    }
    request.prompt.resize(length);
    prompts_[name] = request.prompt;
    request.sampling.max_tokens = Number(text, "max_new");
    request.n = Number(text, "n", 1);
    request.priority = Number(text, "priority", 0);
    request.cache_salt = std::to_string(Number(text, "salt", 0));
    world_->Add(name, std::move(request));
  }

  std::string Shown(const StepPlan& step) const {
    std::string text;
    for (const StepPart& part : step.parts) {
      if (!text.empty()) text += ' ';
      text += NameOf(*part.sequence);
      text += '[' + std::to_string(part.begin) + ',' + std::to_string(part.end) + ')';
      if (part.wants_logits) text += '+';
    }
    if (step.limit != StepLimit::kAllIn) text += std::string(" : ") + StepLimitName(step.limit);
    return text;
  }

  WorldOptions options_;
  std::optional<CostModel> model_;
  std::optional<StepBudget> budget_;
  std::optional<SchedulerWorld> world_;
  std::map<char, std::vector<TokenId>> prompts_;
};

std::vector<std::string> TraceFiles() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(WEIR_SOURCE_DIR) + "/tests/traces")) {
    if (entry.path().extension() == ".trace") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class SchedulerTraces : public ::testing::TestWithParam<std::string> {};

TEST_P(SchedulerTraces, Holds) {
  Trace().RunFile(std::string(WEIR_SOURCE_DIR) + "/tests/traces/" + GetParam() + ".trace");
}
INSTANTIATE_TEST_SUITE_P(All, SchedulerTraces, ::testing::ValuesIn(TraceFiles()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace weir
