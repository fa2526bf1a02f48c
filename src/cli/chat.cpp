// SPDX-License-Identifier: Apache-2.0
//
// `weir chat`: a conversation in the terminal, or one message per line of a pipe.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

#include <weir/engine.h>

#include "base/error.h"
#include "cli/chat_session.h"
#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/interrupt.h"
#include "cli/line_reader.h"
#include "cli/progress.h"
#include "cli/sampling_flags.h"

namespace weir {
namespace {

// Room for an answer; a conversation is not a completion of 256 tokens.
constexpr int32_t kMaxAnswerTokens = 2048;

struct ChatOptions {
  EngineFlags engine;
  SamplingFlags sampling;
  ChatSettings settings;
  bool quiet = false;
};

class Chat {
 public:
  Chat(Engine& engine, const ChatSettings& settings, bool quiet)
      : session_(engine, settings),
        engine_(engine),
        terminal_(::isatty(STDIN_FILENO) == 1),
        quiet_(quiet) {}

  // The exit code.
  int Run() {
    CatchInterrupt();
    if (terminal_ && !quiet_) {
      fmt::print(stderr, "{}: /reset forgets, /exit or Ctrl-D ends, Ctrl-C stops an answer\n",
                 engine_.info().model_name);
    }
    LineReader lines(STDIN_FILENO, Interrupted);
    for (std::string line; !done_;) {
      if (terminal_) Write(">>> ");
      switch (lines.Next(line)) {
        case LineReader::Event::kLine:
          Handle(line);
          break;
        case LineReader::Event::kTooLong:
          Complain(fmt::format("message of more than {} bytes", LineReader::kMaxLineBytes));
          break;
        case LineReader::Event::kEnd:
          if (terminal_) Write("\n");
          done_ = true;
          break;
        case LineReader::Event::kSignal:
          return Leave();
      }
    }
    return Terminated() ? Leave() : failed_ ? 1 : 0;
  }

 private:
  // A pipe is interrupted as a whole; in a terminal the prompt is a place to leave from.
  int Leave() {
    if (terminal_) Write("\n");
    return 130;
  }

  void Handle(const std::string& line) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) return;
    if (line == "/exit" || line == "/quit") {
      done_ = true;
    } else if (line == "/reset") {
      session_.Reset();
    } else if (line.starts_with("//")) {
      Ask(line.substr(1));
    } else if (line.starts_with("/")) {
      Complain("no command " + line.substr(0, 40) +
               ", wanted /reset, /exit, or // before a message that begins with /");
    } else {
      Ask(line);
    }
  }

  void Ask(const std::string& message) {
    std::string last;
    const auto show = [&](const std::string& text) {
      last = text;
      return Write(text);
    };
    const auto answer = session_.Ask(message, show, [] { return Interrupted(); });
    if (!answer) return Complain(answer.error().message);
    if (!last.ends_with('\n')) Write("\n");
    if (answer->finish == FinishReason::kError) Complain(answer->error);
    if (terminal_ && !quiet_) PrintFigures(*answer);
    if (Terminated() || (Interrupted() && !terminal_)) {
      failed_ = done_ = true;
    } else if (Interrupted()) {
      CatchInterrupt();
    }
  }

  void PrintFigures(const ChatAnswer& answer) {
    const double rest = answer.seconds - answer.seconds_to_first;
    const double rate = rest > 0 ? static_cast<double>(answer.num_tokens - 1) / rest : 0;
    fmt::print(stderr, "[{} tokens in, {} of them cached | {} out, {}{} | {:.2f} s to the first]\n",
               answer.num_prompt_tokens, answer.num_cached_tokens, answer.num_tokens,
               FinishReasonName(answer.finish),
               answer.num_tokens > 1 ? fmt::format(", {:.1f} tok/s", rate) : "",
               answer.seconds_to_first);
  }

  void Complain(const std::string& problem) {
    fmt::print(stderr, "weir: error: {}\n", problem);
    failed_ = failed_ || !terminal_;
  }

  bool Write(const std::string& text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (written && std::fflush(stdout) == 0) return true;
    failed_ = done_ = true;
    return false;
  }

  ChatSession session_;
  Engine& engine_;
  const bool terminal_;
  const bool quiet_;
  bool done_ = false;
  bool failed_ = false;
};

Result<int> RunChat(ChatOptions& o) {
  WEIR_ASSIGN_OR_RETURN(EngineOptions options, FinishEngineFlags(o.engine));
  auto engine = [&] {
    Progress progress("packing weights");
    options.on_load_progress = [&](int64_t done, int64_t total) { progress.Update(done, total); };
    return Engine::Open(options);
  }();
  if (!engine) return tl::unexpected(engine.error());
  const EngineInfo& info = (*engine)->info();
  if (!info.has_chat_template) {
    return Err(Code::kUnsupported, "model ", info.model_name,
               " has no chat template, wanted one in chat_template.jinja or tokenizer_config.json");
  }
  SamplingParams base = info.default_sampling;
  base.max_tokens = kMaxAnswerTokens;
  WEIR_ASSIGN_OR_RETURN(o.settings.sampling, FinishSamplingFlags(o.sampling, base));
  return Chat(**engine, o.settings, o.quiet).Run();
}

}  // namespace

void AddChat(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ChatOptions>();
  CLI::App* command =
      app.add_subcommand("chat", "Talk with a model in the terminal, or line by line in a pipe");
  command->add_option("-s,--system", options->settings.system, "System message");
  command->add_flag("--thinking,!--no-thinking", options->settings.thinking,
                    "Ask for an answer with or without thoughts, where the model knows both");
  command->add_flag("--allow-special-tokens-in-content",
                    options->settings.allow_special_tokens_in_content,
                    "Let what you type become control tokens");
  command->add_flag("-q,--quiet", options->quiet, "No figures on standard error");
  AddSamplingFlags(*command, options->sampling);
  AddEngineFlags(*command, options->engine);
  command->callback([options, &exit_code] {
    const Result<int> code = RunChat(*options);
    if (!code) fmt::print(stderr, "weir: error: {}\n", code.error().message);
    exit_code = code.value_or(1);
  });
}

}  // namespace weir
