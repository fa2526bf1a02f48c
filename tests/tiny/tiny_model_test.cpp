// SPDX-License-Identifier: Apache-2.0
//
// The bundled model does through Weir what its model card says that it learnt: recall from long
// contexts, arithmetic, sorting, copying, reversing, and answers about Weir. A wrong attention path
// or a wrong page shows here first.
#include <algorithm>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <map>
#include <memory>

#include <weir/engine.h>

#include "base/json.h"

namespace weir {
namespace {

const std::string kRoot = WEIR_SOURCE_DIR;

struct Task {
  std::string kind;
  std::string prompt;
  std::string answer;
  int32_t max_tokens;
};

std::vector<Task> ReadTasks() {
  std::vector<Task> tasks;
  std::ifstream file(kRoot + "/tests/fixtures/tiny_tasks.jsonl");
  std::string line;
  while (std::getline(file, line)) {
    const auto json = ParseJson(line, "tiny_tasks.jsonl");
    EXPECT_TRUE(json.has_value()) << json.error().message;
    if (!json) break;
    tasks.push_back({(*json)["kind"], (*json)["prompt"], (*json)["answer"], (*json)["max_tokens"]});
  }
  return tasks;
}

// Greedy answers to all prompts, which run as one continuous batch.
std::vector<std::string> Answer(Engine& engine, const std::vector<Task>& tasks) {
  struct Open {
    std::string text;
    std::promise<void> ended;
  };
  std::vector<Open> open(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    Request request;
    request.prompt = engine.Encode(tasks[i].prompt);
    request.sampling.temperature = 0;
    request.sampling.max_tokens = tasks[i].max_tokens;
    request.on_delta = [&o = open[i]](const Delta& delta) {
      o.text += delta.text;
      if (delta.finish != FinishReason::kNone) o.ended.set_value();
    };
    const auto id = engine.Submit(std::move(request));
    EXPECT_TRUE(id.has_value()) << id.error().message;
    if (!id) open[i].ended.set_value();
  }
  std::vector<std::string> answers;
  for (Open& o : open) {
    o.ended.get_future().wait();
    answers.push_back(o.text);
  }
  return answers;
}

// The model card's accuracies on these very tasks, less what a handful of near-ties decided the
// other way by another rounding may cost.
const std::map<std::string, double> kLeast = {
    {"recall_256", 0.95}, {"recall_1024", 0.95}, {"recall_2500", 0.95}, {"arithmetic", 0.90},
    {"sort", 0.90},       {"copy", 0.90},        {"reverse", 0.90},     {"chat", 0.95},
};

TEST(TinyModel, ReachesItsCard) {
  const std::vector<Task> tasks = ReadTasks();
  ASSERT_GE(tasks.size(), 300u);
  auto engine = Engine::Open({.model = kRoot + "/models/weir-tiny", .max_num_seqs = 16});
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  EXPECT_GE((*engine)->info().max_model_len, 4096);
  const std::vector<std::string> answers = Answer(**engine, tasks);

  struct Score {
    int right = 0;
    int all = 0;
    std::string first_wrong;
  };
  std::map<std::string, Score> scores;
  for (size_t i = 0; i < tasks.size(); ++i) {
    Score& score = scores[tasks[i].kind];
    ++score.all;
    if (answers[i] == tasks[i].answer) {
      ++score.right;
    } else if (score.first_wrong.empty()) {
      score.first_wrong = "wanted \"" + tasks[i].answer + "\", found \"" + answers[i] + "\"";
    }
  }
  for (const auto& [kind, least] : kLeast) {
    const Score& score = scores[kind];
    ASSERT_GE(score.all, 20) << kind;
    const double accuracy = static_cast<double>(score.right) / score.all;
    RecordProperty(kind, std::to_string(accuracy));
    std::printf("%-12s %3d of %3d\n", kind.c_str(), score.right, score.all);
    EXPECT_GE(accuracy, least) << kind << ": " << score.first_wrong;
  }
}

}  // namespace
}  // namespace weir
