// SPDX-License-Identifier: Apache-2.0
#include "loadgen/mixed/mixed.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/error.h"
#include "loadgen/client/fetch.h"
#include "loadgen/serve/serve.h"
#include "loadgen/workload/pcg64.h"
#include "loadgen/workload/token_pool.h"

namespace weir::loadgen {
namespace {

constexpr int kAloneRepeats = 3;
constexpr size_t kNumLongest = 10;
constexpr double kAskSeconds = 30;
constexpr int64_t kMaxTokens = int64_t{1} << 24;

class Profile {
 public:
  Profile(const MixedOptions& options, Network& network, const ServeHooks& hooks)
      : options_(options),
        network_(network),
        hooks_(hooks),
        form_(options.form),
        pool_(options.tokenizer != nullptr ? PoolOf(*options.tokenizer) : CommonPool()),
        random_(options.seed) {
    form_.ignore_eos = true;
  }

  Result<MixedResult> Go();

 private:
  void Say(const std::string& line) const {
    if (hooks_.say) hooks_.say(line);
  }
  bool Interrupted() const { return hooks_.interrupted && hooks_.interrupted(); }

  std::vector<TokenId> Draw(int64_t count);
  LoadRequest Request(std::vector<TokenId> prompt, int64_t output, const std::string& id);
  LoadRequest Injected(bool cached, const std::string& id);
  Result<double> Alone(const LoadRequest& request);
  Status MeasureAlone();
  void MeasureLoaded();
  void Evaluate(const LoadResult& load);
  void Explain(const LoadResult& load);
  std::optional<ServerSteps> AskSteps(int64_t since);

  const MixedOptions& options_;
  Network& network_;
  const ServeHooks& hooks_;
  RequestForm form_;
  TokenPool pool_;
  Pcg64 random_;
  std::vector<TokenId> prefix_;  // of the injected prompts that have one in the cache
  MixedResult result_;
  std::vector<bool> is_cached_;
  std::optional<ServerSteps> steps_;
};

std::vector<TokenId> Profile::Draw(int64_t count) {
  std::vector<TokenId> tokens;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = random_.Integer(0, static_cast<int64_t>(pool_.allowed.size()));
    tokens.push_back(pool_.allowed[static_cast<size_t>(at)]);
  }
  return tokens;
}

LoadRequest Profile::Request(std::vector<TokenId> prompt, int64_t output, const std::string& id) {
  WorkloadRequest request{
      .prompt_tokens = static_cast<int64_t>(prompt.size()), .output_tokens = output, .id = id};
  if (options_.as_text || form_.chat) {
    request.text = options_.tokenizer->Decode(prompt, false);
  } else {
    request.tokens = std::move(prompt);
  }
  return {.wire = WireOf(form_, request), .prompt_tokens = request.prompt_tokens};
}

LoadRequest Profile::Injected(bool cached, const std::string& id) {
  std::vector<TokenId> prompt = cached ? prefix_ : std::vector<TokenId>();
  const std::vector<TokenId> rest = Draw(options_.inject_len - static_cast<int64_t>(prompt.size()));
  prompt.insert(prompt.end(), rest.begin(), rest.end());
  return Request(std::move(prompt), 1, id);
}

// Seconds to the first token with nothing else going on.
Result<double> Profile::Alone(const LoadRequest& request) {
  const LoadOptions load{.timeout_s = options_.request_timeout_s,
                         .interrupted = hooks_.interrupted};
  const LoadResult run = RunLoad({&request, 1}, load, network_);
  if (run.interrupted) return Err(Code::kUnavailable, "interrupted");
  if (!run.outcomes[0].completed()) {
    return Err(Code::kUnavailable, "a prompt of ", request.prompt_tokens,
               " tokens alone: ", run.outcomes[0].error);
  }
  return run.outcomes[0].ttft_s;
}

double Rate(double tokens, std::vector<double> seconds) {
  const double median_s = Distribution(std::move(seconds)).median();
  return median_s > 0 ? tokens / median_s : 0;
}

Status Profile::MeasureAlone() {
  Say(fmt::format("Prefills of {} tokens alone, fresh and with {} cached...", options_.inject_len,
                  options_.inject_cached));
  prefix_ = Draw(options_.inject_cached);
  std::vector<double> fresh;
  std::vector<double> cached;
  for (int i = 0; i < kAloneRepeats; ++i) {
    WEIR_ASSIGN_OR_RETURN(fresh.emplace_back(),
                          Alone(Injected(false, fmt::format("mixed-alone-{}", i))));
  }
  // The first of these brings the prefix into the cache and does not count.
  for (int i = 0; i <= kAloneRepeats; ++i) {
    WEIR_ASSIGN_OR_RETURN(cached.emplace_back(),
                          Alone(Injected(true, fmt::format("mixed-alone-cached-{}", i))));
  }
  cached.erase(cached.begin());
  result_.fresh.alone = Rate(static_cast<double>(options_.inject_len), fresh);
  result_.cached.alone =
      Rate(static_cast<double>(options_.inject_len - options_.inject_cached), cached);
  return Ok();
}

void Profile::MeasureLoaded() {
  const double prefill_s = static_cast<double>(options_.background * options_.background_context) /
                           std::max(result_.fresh.alone, 1.0);
  std::vector<LoadRequest> requests;
  for (int64_t i = 0; i < options_.background; ++i) {
    requests.push_back(Request(Draw(options_.background_context), options_.background_output,
                               fmt::format("mixed-background-{}", i)));
  }
  double at_s = 1.2 * prefill_s + options_.settle_s;
  for (int64_t i = 0; i < 2 * options_.inject_count; ++i) {
    is_cached_.push_back(i % 2 == 1);
    requests.push_back(Injected(is_cached_.back(), fmt::format("mixed-injected-{}", i)));
    requests.back().at_s = at_s;
    at_s += options_.inject_interval_s;
  }
  Say(fmt::format("{} decodes at {} tokens; {} prompts injected among them, one per {:g} s...",
                  options_.background, options_.background_context, is_cached_.size(),
                  options_.inject_interval_s));
  double over_s = 0;  // of the run: when everything that was injected has ended
  bool over = false;
  LoadOptions load{.timeout_s = options_.request_timeout_s};
  load.progress = [&](const LoadProgress& now) {
    if (hooks_.progress) hooks_.progress(now);
    if (now.num_ended < 2 * options_.inject_count) over_s = now.elapsed_s;
    over = now.elapsed_s > over_s + options_.settle_s;
    over &= now.num_ended >= 2 * options_.inject_count;
  };
  load.interrupted = [&] { return over || Interrupted(); };
  const LoadResult run = RunLoad(requests, load, network_);
  result_.interrupted = Interrupted();
  result_.begin_s = run.begin_s;
  Evaluate(run);
  Explain(run);
}

void Profile::Evaluate(const LoadResult& load) {
  const std::span<const RequestOutcome> all = load.outcomes;
  const auto background = all.first(static_cast<size_t>(options_.background));
  const auto injected = all.subspan(static_cast<size_t>(options_.background));
  for (const RequestOutcome& outcome : all) {
    if (outcome.failed() && result_.failed++ == 0) result_.first_error = outcome.error;
  }
  result_.gaps = TagGaps(background, injected, is_cached_, load.begin_s + load.duration_s);
  std::vector<double> fresh;
  std::vector<double> cached;
  for (size_t i = 0; i < injected.size(); ++i) {
    if (!injected[i].completed()) continue;
    (is_cached_[i] ? cached : fresh).push_back(injected[i].ttft_s);
    if (injected[i].start_s < result_.gaps.window.begin_s ||
        injected[i].start_s + injected[i].ttft_s > result_.gaps.window.end_s) {
      result_.notes.push_back(fmt::format(
          "injected prompt {} met a background that was not decoding as a whole: wanted a larger "
          "--background-output-len or --settle",
          i));
    }
  }
  result_.fresh.loaded = Rate(static_cast<double>(options_.inject_len), fresh);
  result_.cached.loaded =
      Rate(static_cast<double>(options_.inject_len - options_.inject_cached), cached);
  for (const TaggedGap& gap : result_.gaps.gaps) {
    if (gap.tag != GapTag::kSteady) result_.longest.push_back({gap, ""});
  }
  std::sort(result_.longest.begin(), result_.longest.end(), [](const auto& a, const auto& b) {
    return a.gap.gap.span.length_s() > b.gap.gap.span.length_s();
  });
  if (result_.longest.size() > kNumLongest) result_.longest.resize(kNumLongest);
}

std::optional<ServerSteps> Profile::AskSteps(int64_t since) {
  ServerSteps all;
  all.next = since;
  Headers headers = form_.headers;
  if (!form_.api_key.empty()) headers.emplace_back("Authorization", "Bearer " + form_.api_key);
  while (true) {
    const std::string path = fmt::format("/weir/steps?since={}", all.next);
    const Result<HttpAnswer> answer =
        Fetch(network_, RequestText(form_.server, "GET", path, headers, ""), kAskSeconds);
    if (!answer || answer->status != 200) return std::nullopt;
    const Result<Json> json = ParseJson(answer->body, path, Code::kIo);
    if (!json) return std::nullopt;
    Result<ServerSteps> more = ReadServerSteps(*json);
    if (!more) return std::nullopt;
    const int64_t before = all.next;
    const bool any = !more->steps.empty();
    Append(std::move(*more), all);
    if (!any || all.next <= before) return all;
  }
}

void Profile::Explain(const LoadResult& load) {
  if (!steps_) return;
  const std::optional<ServerSteps> steps = AskSteps(steps_->next);
  if (!steps || steps->steps.empty()) return;
  std::map<std::string, double> sent_s;
  for (size_t i = 0; i < is_cached_.size(); ++i) {
    const size_t at = static_cast<size_t>(options_.background) + i;
    sent_s[fmt::format("mixed-injected-{}", i)] = load.outcomes[at].start_s;
  }
  // Without labels both clocks are taken for one, which they are on one machine.
  const double offset_s = ClockOffset(*steps, sent_s).value_or(0);
  for (StretchedGap& stretched : result_.longest) {
    const ServerStep* step = LongestStepIn(*steps, offset_s, stretched.gap.gap.span);
    if (step == nullptr) continue;
    stretched.step = DescribeStep(*step);
    result_.has_steps = true;
  }
}

Result<MixedResult> Profile::Go() {
  WEIR_RETURN_IF_ERROR(ValidateMixed(options_));
  if (form_.model.empty()) {
    WEIR_ASSIGN_OR_RETURN(form_.model, FirstModel(form_, network_));
  }
  result_.model_id = form_.model;
  WEIR_RETURN_IF_ERROR(MeasureAlone());
  steps_ = AskSteps(0);
  MeasureLoaded();
  if (result_.gaps.gaps.empty()) {
    result_.notes.push_back("the background never decoded as a whole: nothing could be measured");
  }
  return std::move(result_);
}

}  // namespace

Status ValidateMixed(const MixedOptions& o) {
  const auto check = [](const char* option, int64_t value, int64_t least, int64_t most) -> Status {
    if (value >= least && value <= most) return Ok();
    return Err(Code::kInvalidArgument, option, ": found ", value, ", wanted ", least, " to ", most);
  };
  WEIR_RETURN_IF_ERROR(check("--background", o.background, 1, 100000));
  WEIR_RETURN_IF_ERROR(check("--background-context", o.background_context, 1, kMaxTokens));
  WEIR_RETURN_IF_ERROR(check("--background-output-len", o.background_output, 2, kMaxTokens));
  WEIR_RETURN_IF_ERROR(check("--inject-len", o.inject_len, 2, kMaxTokens));
  WEIR_RETURN_IF_ERROR(check("--inject-cached", o.inject_cached, 1, o.inject_len - 1));
  WEIR_RETURN_IF_ERROR(check("--inject-count", o.inject_count, 1, 100000));
  if (!(o.inject_interval_s > 0) || !(o.settle_s > 0)) {
    return Err(Code::kInvalidArgument, "--inject-interval, --settle: wanted more than 0 seconds");
  }
  if ((o.as_text || o.form.chat) && o.tokenizer == nullptr) {
    return Err(Code::kInvalidArgument,
               "--tokenizer: not given, wanted a folder with tokenizer.json to make text prompts");
  }
  return Ok();
}

Result<MixedResult> RunMixed(const MixedOptions& options, Network& network,
                             const ServeHooks& hooks) {
  return Profile(options, network, hooks).Go();
}

}  // namespace weir::loadgen
