// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/conversations.h"

#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "base/error.h"
#include "loadgen/workload/dataset_file.h"
#include "loadgen/workload/mersenne_twister.h"

namespace weir::loadgen {
namespace {

// vLLM's bounds of what is sampled from ShareGPT.
constexpr int64_t kMinTokens = 4;
constexpr int64_t kMaxPrompt = 1024;
constexpr int64_t kMaxTotal = 2048;

constexpr std::string_view kSonnetTask = "Pick as many lines as you can from these poem lines:\n";

Result<const Tokenizer*> WantTokenizer(const WorkloadOptions& options) {
  if (options.tokenizer != nullptr) return options.tokenizer;
  return Err(Code::kInvalidArgument,
             "--tokenizer: not given, wanted a folder with tokenizer.json: ", options.dataset,
             " chooses prompts by their length in tokens");
}

int64_t Count(const Tokenizer& tokenizer, std::string_view text) {
  return static_cast<int64_t>(tokenizer.Encode(text).size());
}

// Repeats samples at random until there are enough, as Python's random draws them.
Status Oversample(const WorkloadOptions& options, Workload& workload) {
  std::vector<WorkloadRequest>& requests = workload.requests;
  if (requests.empty()) {
    return Err(Code::kInvalidArgument, options.path, ": found no prompt that can be used");
  }
  const auto wanted = static_cast<size_t>(options.num_requests);
  const auto found = static_cast<uint32_t>(requests.size());
  if (found < wanted && options.oversample) {
    MersenneTwister random = MersenneTwister::PythonSeed(options.seed);
    while (requests.size() < wanted) requests.push_back(requests[PythonBelow(random, found)]);
    workload.notes.push_back(
        fmt::format("{} prompts repeated at random to make {}", found, wanted));
  } else if (found < wanted) {
    workload.notes.push_back(fmt::format("found {} prompts, not the {} wanted", found, wanted));
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].id = fmt::format("{}{}", options.id_prefix, i);
  }
  return Ok();
}

const std::string* Turn(const Json& entry, size_t index) {
  const auto turns = entry.find("conversations");
  if (turns == entry.end() || !turns->is_array() || turns->size() < 2) return nullptr;
  const Json& turn = (*turns)[index];
  if (!turn.is_object() || !turn.contains("value")) return nullptr;
  return turn["value"].get_ptr<const std::string*>();
}

// The task with the poem's lines, as text of one user message.
std::string SonnetPrompt(const std::vector<std::string>& prefix,
                         const std::vector<std::string>& extra) {
  std::string prompt(kSonnetTask);
  for (const std::string& line : prefix) prompt += line;
  for (const std::string& line : extra) prompt += line;
  return prompt;
}

Result<std::string> Rendered(const WorkloadOptions& options, const std::string& text) {
  if (!options.render) return text;
  return options.render(text);
}

int64_t RoundHalfEven(double value) { return static_cast<int64_t>(std::nearbyint(value)); }

struct Poem {
  std::vector<std::string> lines;
  double mean_tokens = 0;  // of a line
};

Result<Poem> ReadPoem(const WorkloadOptions& options, const Tokenizer& tokenizer) {
  WEIR_ASSIGN_OR_RETURN(const MappedFile file, OpenDataset(options.dataset, options.path));
  Poem poem;
  int64_t tokens = 0;
  for (const std::string_view line : Lines(TextOf(file), true)) {
    poem.lines.push_back(std::string(line) + "\n");
    tokens += Count(tokenizer, poem.lines.back());
  }
  if (poem.lines.empty()) return Err(Code::kInvalidArgument, options.path, ": found no lines");
  poem.mean_tokens = static_cast<double>(tokens) / static_cast<double>(poem.lines.size());
  return poem;
}

}  // namespace

Result<Workload> MakeShareGpt(const WorkloadOptions& options) {
  WEIR_ASSIGN_OR_RETURN(const Tokenizer* tokenizer, WantTokenizer(options));
  WEIR_ASSIGN_OR_RETURN(const MappedFile file, OpenDataset(options.dataset, options.path));
  WEIR_ASSIGN_OR_RETURN(const Json data,
                        ParseJson(TextOf(file), options.path, Code::kInvalidArgument));
  if (!data.is_array()) {
    return Err(Code::kInvalidArgument, options.path, ": found ", data.type_name(),
               ", wanted an array of objects with \"conversations\"");
  }
  std::vector<std::pair<const std::string*, const std::string*>> turns;
  for (const Json& entry : data) {
    if (!entry.is_object() || Turn(entry, 0) == nullptr || Turn(entry, 1) == nullptr) continue;
    turns.emplace_back(Turn(entry, 0), Turn(entry, 1));
  }
  MersenneTwister random = MersenneTwister::PythonSeed(options.seed);
  if (options.shuffle) PythonShuffle(random, turns);
  Workload workload;
  for (const auto& [prompt, answer] : turns) {
    if (static_cast<int64_t>(workload.requests.size()) == options.num_requests) break;
    const int64_t input = Count(*tokenizer, *prompt);
    const int64_t output = options.sharegpt_output.value_or(Count(*tokenizer, *answer));
    const bool short_answer = !options.sharegpt_output && output < kMinTokens;
    if (input < kMinTokens || short_answer || input > kMaxPrompt || input + output > kMaxTotal) {
      continue;
    }
    workload.requests.push_back({.text = *prompt, .prompt_tokens = input, .output_tokens = output});
  }
  WEIR_RETURN_IF_ERROR(Oversample(options, workload));
  return workload;
}

Result<Workload> MakeCustom(const WorkloadOptions& options) {
  WEIR_ASSIGN_OR_RETURN(const MappedFile file, OpenDataset(options.dataset, options.path));
  WEIR_ASSIGN_OR_RETURN(std::vector<Json> lines, JsonLines(options.path, TextOf(file)));
  MersenneTwister random = MersenneTwister::PythonSeed(options.seed);
  if (options.shuffle) PythonShuffle(random, lines);
  Workload workload;
  for (const Json& line : lines) {
    if (static_cast<int64_t>(workload.requests.size()) == options.num_requests) break;
    const auto prompt = line.find("prompt");
    if (prompt == line.end() || !prompt->is_string()) {
      return Err(Code::kInvalidArgument, options.path,
                 ": found a line without a string \"prompt\"");
    }
    WorkloadRequest& request = workload.requests.emplace_back();
    WEIR_ASSIGN_OR_RETURN(request.text, Rendered(options, prompt->get<std::string>()));
    request.output_tokens = options.custom_output;
    const auto output = line.find("output_tokens");
    if (output != line.end() && output->is_number_integer() && options.custom_output == -1) {
      request.output_tokens = output->get<int64_t>();
    }
    if (request.output_tokens < 1) {
      return Err(Code::kInvalidArgument, options.path, ": found output_tokens ",
                 request.output_tokens,
                 ", wanted at least 1 in every line, or --custom-output-len");
    }
    if (options.tokenizer != nullptr) {
      request.prompt_tokens = Count(*options.tokenizer, request.text);
    }
  }
  WEIR_RETURN_IF_ERROR(Oversample(options, workload));
  return workload;
}

Result<Workload> MakeSonnet(const WorkloadOptions& options) {
  const SonnetOptions& lengths = options.sonnet;
  WEIR_ASSIGN_OR_RETURN(const Tokenizer* tokenizer, WantTokenizer(options));
  WEIR_ASSIGN_OR_RETURN(const Poem poem, ReadPoem(options, *tokenizer));
  WEIR_ASSIGN_OR_RETURN(const std::string empty, Rendered(options, std::string(kSonnetTask)));
  const int64_t base = Count(*tokenizer, empty);
  const auto lines_for = [&](int64_t tokens) {
    return std::max<int64_t>(RoundHalfEven(static_cast<double>(tokens - base) / poem.mean_tokens),
                             0);
  };
  const int64_t num_prefix =
      std::min(lines_for(lengths.prefix), static_cast<int64_t>(poem.lines.size()));
  const int64_t num_extra = lines_for(lengths.input) - num_prefix;
  if (lengths.input <= base || num_extra < 0 || lengths.output < 1) {
    return Err(Code::kInvalidArgument, "--sonnet-input-len: found ", lengths.input,
               ", wanted more than the task's ", base, " and than --sonnet-prefix-len");
  }
  const std::vector<std::string> prefix(poem.lines.begin(), poem.lines.begin() + num_prefix);
  MersenneTwister random = MersenneTwister::PythonSeed(options.seed);
  Workload workload;
  int64_t refused = 0;
  while (static_cast<int64_t>(workload.requests.size()) < options.num_requests) {
    std::vector<std::string> extra;
    for (int64_t i = 0; i < num_extra; ++i) {
      const double at = std::floor(random.Uniform() * static_cast<double>(poem.lines.size()));
      extra.push_back(poem.lines[static_cast<size_t>(at)]);
    }
    std::string text = SonnetPrompt(prefix, extra);
    WEIR_ASSIGN_OR_RETURN(text, Rendered(options, text));
    const int64_t input = Count(*tokenizer, text);
    if (input <= lengths.input) {
      refused = 0;
      workload.requests.push_back(
          {.text = std::move(text),
           .prompt_tokens = input,
           .output_tokens = lengths.output,
           .id = fmt::format("{}{}", options.id_prefix, workload.requests.size())});
    } else if (++refused == 1000) {
      return Err(Code::kInvalidArgument, "--sonnet-input-len: found ", lengths.input,
                 ", too short for ", num_prefix + num_extra, " lines of ", options.path);
    }
  }
  return workload;
}

}  // namespace weir::loadgen
