// SPDX-License-Identifier: Apache-2.0
//
// Runs the text files of tests/traces against the scheduler and the page pool. A new case needs no
// C++. Lines, in order of execution (# starts a comment):
//   pool pages=4 page_len=16        limits tokens=32 seqs=2
//   add A prompt=40 max_new=3       cancel A
//   step A[0,32) B[5,6)+            the parts of the next step; + where the next token is chosen
//   idle                            the next step has nothing to do
//   free 3                          free pages of the pool now
//   ended A length                  the last step (or the cancel) ended A for this reason
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

#include "engine/scheduler.h"
#include "engine/sequence.h"
#include "engine/test_tokenizer.h"

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
      if (::testing::Test::HasFatalFailure()) return;
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
      pool_.emplace(Number(rest, "pages"));
      page_len_ = Number(rest, "page_len");
    } else if (verb == "limits") {
      scheduler_.emplace(SchedulerOptions{.max_step_tokens = Number(rest, "tokens"),
                                          .max_seqs = Number(rest, "seqs"),
                                          .page_len = page_len_});
    } else if (verb == "add") {
      Add(rest);
    } else if (verb == "cancel") {
      EXPECT_TRUE(scheduler_->Cancel(rest[0], *pool_));
    } else if (verb == "step" || verb == "idle") {
      Step(rest);
    } else if (verb == "free") {
      EXPECT_EQ(pool_->num_free(), std::stoi(rest));
    } else if (verb == "ended") {
      EXPECT_EQ(std::string(1, rest[0]) + " " + FinishReasonName(ended_[rest[0]]), rest);
    } else {
      FAIL() << "unknown verb " << verb;
    }
  }

  static int32_t Number(const std::string& text, const std::string& name) {
    const size_t at = text.find(name + "=");
    EXPECT_NE(at, std::string::npos) << name;
    return std::stoi(text.substr(at + name.size() + 1));
  }

  void Add(const std::string& text) {
    Request request;
    request.prompt.assign(static_cast<size_t>(Number(text, "prompt")), 0);
    request.sampling.max_tokens = Number(text, "max_new");
    request.sampling.temperature = 0;
    const char name = text[0];
    request.on_delta = [this, name](const Delta& delta) { ended_[name] = delta.finish; };
    scheduler_->Add(std::make_unique<Sequence>(name, std::move(request), 0, context_));
  }

  void Step(const std::string& expected) {
    const StepPlan step = scheduler_->Next(*pool_);
    std::string found;
    for (const StepPart& part : step.parts) {
      if (!found.empty()) found += ' ';
      found += static_cast<char>(part.sequence->id());
      found += '[' + std::to_string(part.begin) + ',' + std::to_string(part.end) + ')';
      if (part.wants_logits) found += '+';
      EXPECT_EQ(part.begin, part.sequence->num_computed());
      EXPECT_GE(static_cast<int32_t>(part.sequence->pages().size()) * page_len_, part.end);
    }
    EXPECT_EQ(found, expected);
    for (const StepPart& part : step.parts) {
      std::vector<float> logits = {1.0f, 0.0f};  // token 0, which is no stop token
      if (part.wants_logits) part.sequence->Advance(logits, scratch_);
    }
    scheduler_->Commit(step, *pool_);
  }

  Tokenizer tokenizer_ = MakeTestTokenizer();
  SequenceContext context_ = {
      .tokenizer = tokenizer_, .eos_ids = {}, .vocab_size = 2, .max_model_len = 1000};
  std::optional<PagePool> pool_;
  std::optional<Scheduler> scheduler_;
  int32_t page_len_ = 0;
  std::map<char, FinishReason> ended_;
  SamplerScratch scratch_{2};
};

TEST(SchedulerTraces, AllHold) {
  int num_files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(WEIR_SOURCE_DIR) + "/tests/traces")) {
    if (entry.path().extension() != ".trace") continue;
    Trace().RunFile(entry.path());
    ++num_files;
  }
  EXPECT_GE(num_files, 4);
}

}  // namespace
}  // namespace weir
