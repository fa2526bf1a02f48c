// SPDX-License-Identifier: Apache-2.0
//
// The binary as its users meet it: what it prints where, and its exit codes. Runs the real `weir`
// on synth:tiny.
#include <array>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "base/json.h"

namespace weir {
namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    read_end = ends[0];
    write_end = ends[1];
  }
};

struct Outcome {
  int exit_code;  // 128 + signal when it was killed
  std::string out;
  std::string err;
};

// A running `weir`; its standard error goes to a file so that neither pipe can fill up unread.
class Process {
 public:
  Process(std::vector<std::string> args, const std::string& input) {
    args.insert(args.begin(), WEIR_BINARY);
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    err_ = std::tmpfile();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in_.read_end, STDIN_FILENO);
      ::dup2(out_.write_end, STDOUT_FILENO);
      ::dup2(::fileno(err_), STDERR_FILENO);
      ::execv(WEIR_BINARY, argv.data());
      ::_exit(127);
    }
    ::close(in_.read_end);
    ::close(out_.write_end);
    EXPECT_EQ(::write(in_.write_end, input.data(), input.size()),
              static_cast<ssize_t>(input.size()));
    ::close(in_.write_end);
  }

  // Up to `size` bytes of its output; less at its end.
  std::string Read(size_t size) {
    std::string text(size, '\0');
    size_t filled = 0;
    while (filled < size) {
      const ssize_t n = ::read(out_.read_end, text.data() + filled, size - filled);
      if (n <= 0) break;
      filled += static_cast<size_t>(n);
    }
    text.resize(filled);
    return text;
  }
  void CloseOutput() { ::close(out_.read_end); }
  void Signal(int number) const { ::kill(pid_, number); }

  Outcome Finish() {
    Outcome outcome{0, Read(1 << 20), ""};
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    std::rewind(err_);
    std::array<char, 65536> text{};
    outcome.err.assign(text.data(), std::fread(text.data(), 1, text.size(), err_));
    std::fclose(err_);
    return outcome;
  }

 private:
  Pipe in_;
  Pipe out_;
  std::FILE* err_;
  pid_t pid_;
};

Outcome Weir(const std::vector<std::string>& args, const std::string& input = "") {
  return Process(args, input).Finish();
}

std::vector<std::string> Generate(const std::vector<std::string>& more) {
  std::vector<std::string> args = {"generate", "--model", "synth:tiny", "--max-model-len", "512"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Cli, HelpNamesEveryCommand) {
  const Outcome help = Weir({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"generate", "synth", "doctor", "--version"}) {
    EXPECT_TRUE(Contains(help.out, command)) << command;
  }
  EXPECT_EQ(Weir({"generate", "--help"}).exit_code, 0);
  EXPECT_TRUE(Contains(Weir({"--help-env"}).out, "WEIR_KERNELS"));
  EXPECT_TRUE(Contains(Weir({"--version"}).out, "weir "));
}

TEST(Cli, WrongUseEndsWithTwo) {
  EXPECT_EQ(Weir({}).exit_code, 2);
  EXPECT_EQ(Weir({"juggle"}).exit_code, 2);
  EXPECT_EQ(Weir({"generate"}).exit_code, 2);
  EXPECT_EQ(Weir(Generate({"--prompt", "a", "--no-such-option"})).exit_code, 2);
}

TEST(Cli, GenerateWritesTextToOutAndTheSummaryToErr) {
  const Outcome run = Weir(Generate({"--prompt", "hello", "--max-tokens", "8"}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_GT(run.out.size(), 1u);
  EXPECT_EQ(run.out.back(), '\n');
  for (const char* word : {"TTFT", "TPOT", "tok/s", "8 out"}) {
    EXPECT_TRUE(Contains(run.err, word)) << run.err;
  }
  const Outcome quiet = Weir(Generate({"--prompt", "hello", "--max-tokens", "8", "--quiet"}));
  EXPECT_EQ(quiet.out, run.out);
  EXPECT_FALSE(Contains(quiet.err, "TPOT"));
}

TEST(Cli, APromptMayComeFromStandardInput) {
  const Outcome given = Weir(Generate({"--prompt", "some text", "--max-tokens", "8"}));
  const Outcome read = Weir(Generate({"--prompt", "-", "--max-tokens", "8"}), "some text");
  EXPECT_EQ(read.out, given.out);
  EXPECT_EQ(Weir(Generate({"--prompt", "-", "--prompt", "-"}), "x").exit_code, 1);
}

TEST(Cli, JsonHasOneObjectPerPrompt) {
  const Outcome run = Weir(Generate({"--prompt", "one", "--prompt", "two words", "--max-tokens",
                                     "4", "--ignore-eos", "--json", "--logprobs", "2"}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const size_t newline = run.out.find('\n');
  const auto first = ParseJson(run.out.substr(0, newline), "first line");
  const auto second = ParseJson(run.out.substr(newline + 1), "second line");
  ASSERT_TRUE(first.has_value() && second.has_value()) << run.out;
  EXPECT_EQ((*first)["prompt"], "one");
  EXPECT_EQ((*second)["prompt"], "two words");
  for (const Json& object : {*first, *second}) {
    EXPECT_EQ(object["tokens"].size(), 4u);
    EXPECT_EQ(object["finish_reason"], "length");
    EXPECT_EQ(object["logprobs"][0]["top"].size(), 2u);
    EXPECT_GT(object["ttft_ms"].get<double>(), 0);
  }
}

TEST(Cli, ASeedFixesTheText) {
  const std::vector<std::string> drawn = {"--prompt",     "x", "--temperature", "1",
                                          "--max-tokens", "16"};
  const auto with_seed = [&](const char* seed) {
    auto args = drawn;
    args.insert(args.end(), {"--seed", seed});
    return Weir(Generate(args)).out;
  };
  EXPECT_EQ(with_seed("7"), with_seed("7"));
  EXPECT_NE(with_seed("7"), with_seed("8"));
}

TEST(Cli, ANegativeSeedIsRefused) {
  const auto run = Weir(Generate({"--prompt", "x", "--seed", "-1"}));
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_NE(run.err.find("found -1, wanted N >= 0"), std::string::npos) << run.err;
}

TEST(Cli, ErrorsNameWhatIsWrongAndEndWithOne) {
  const Outcome folder = Weir({"generate", "--model", "/no/such/folder", "--prompt", "x"});
  EXPECT_EQ(folder.exit_code, 1);
  EXPECT_TRUE(Contains(folder.err, "weir: error: ")) << folder.err;
  EXPECT_TRUE(Contains(folder.err, "/no/such/folder")) << folder.err;
  const Outcome range = Weir(Generate({"--prompt", "x", "--top-p", "1.5"}));
  EXPECT_EQ(range.exit_code, 1);
  EXPECT_TRUE(Contains(range.err, "top_p") && Contains(range.err, "1.5")) << range.err;
  const Outcome bias = Weir(Generate({"--prompt", "x", "--logit-bias", "seven=1"}));
  EXPECT_EQ(bias.exit_code, 1);
  EXPECT_TRUE(Contains(bias.err, "seven=1")) << bias.err;
  const Outcome too_long = Weir(Generate({"--prompt", std::string(5000, 'x')}));
  EXPECT_EQ(too_long.exit_code, 1);
  EXPECT_TRUE(Contains(too_long.err, "prompt 1: prompt: ")) << too_long.err;
}

TEST(Cli, CtrlCEndsCleanly) {
  Process process(Generate({"--prompt", "x", "--max-tokens", "400", "--ignore-eos"}), "");
  EXPECT_EQ(process.Read(1).size(), 1u);  // it has begun to write
  process.Signal(SIGINT);
  const Outcome outcome = process.Finish();
  // A fast machine may have finished before the signal came.
  EXPECT_TRUE(outcome.exit_code == 130 || outcome.exit_code == 0) << outcome.exit_code;
  EXPECT_EQ(outcome.out.back(), '\n');
  EXPECT_TRUE(Contains(outcome.err, "TTFT"));
}

TEST(Cli, AReaderThatLeavesEndsTheRun) {
  Process process(Generate({"--prompt", "x", "--max-tokens", "400", "--ignore-eos"}), "");
  EXPECT_EQ(process.Read(1).size(), 1u);
  process.CloseOutput();
  const int code = process.Finish().exit_code;
  EXPECT_TRUE(code == 1 || code == 0) << code;
}

}  // namespace
}  // namespace weir
