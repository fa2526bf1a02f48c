// SPDX-License-Identifier: Apache-2.0
//
// Encoding on one core: English text, and runs that hostile requests are made of. Arguments after
// Google Benchmark's own: a tokenizer.json (a committed fixture by default) and a text file (a few
// made-up sentences by default). A small vocabulary leaves more merging to do than a real one.
#include <benchmark/benchmark.h>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "text/tokenizer.h"

namespace weir {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kMaxFileBytes = 64 * kMiB;

std::string Repeated(std::string_view unit, size_t num_bytes) {
  std::string text;
  while (text.size() < num_bytes) text += unit;
  return text;
}

// Sentences of common words in random order, with the punctuation of prose.
std::string MadeUpEnglish(size_t num_bytes) {
  constexpr std::string_view kWords[] = {
      "the",    "of",      "and",  "river",   "to",     "in",      "water",   "that",   "was",
      "mill",   "night",   "it's", "morning", "before", "between", "against", "people", "under",
      "stands", "machine", "at",   "because", "value",  "request", "walked",  "down",   "tree"};
  std::mt19937 random(1);
  std::string text;
  while (text.size() < num_bytes) {
    text += "The";
    for (size_t i = 0, num_words = 5 + random() % 12; i < num_words; ++i) {
      text += random() % 9 == 0 ? ", " : " ";
      text += kWords[random() % std::size(kWords)];
    }
    text += random() % 6 == 0 ? ".\n\n" : ". ";
  }
  return text;
}

void BM_Encode(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  size_t num_tokens = 0;
  for (auto _ : state) {
    const std::vector<TokenId> ids = tokenizer.Encode(text);
    num_tokens = ids.size();
    benchmark::DoNotOptimize(ids.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
  state.counters["tokens"] = static_cast<double>(num_tokens);
}

void BM_Load(benchmark::State& state, const std::string& json) {
  for (auto _ : state) {
    const auto tokenizer = Tokenizer::FromJson(json, "tokenizer.json");
    benchmark::DoNotOptimize(tokenizer.has_value());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * json.size()));
}

struct Text {
  const char* name;
  std::string bytes;
};

std::vector<Text> Texts(std::string english) {
  std::string request = english.substr(0, 2048);
  return {{"english", std::move(english)},
          {"english_2KiB", std::move(request)},
          {"run_of_a", std::string(kMiB, 'a')},
          {"run_of_spaces", std::string(kMiB, ' ')},
          {"run_of_emoji", Repeated("\U0001F600", kMiB)},
          {"run_of_marks", Repeated("\u0323\u0301", kMiB)},
          {"run_of_cjk", Repeated("\u4F60\u597D", kMiB)},
          {"broken_utf8", std::string(kMiB, '\xFF')},
          {"nearly_special", Repeated("<|im_", kMiB)}};
}

int Run(int argc, char** argv) {
  const std::string path =
      argc > 1 ? argv[1] : WEIR_SOURCE_DIR "/tests/fixtures/tokenizer/qwen2.json";
  const auto json = ReadFile(path, kMaxFileBytes);
  const auto tokenizer = json ? Tokenizer::FromJson(*json, path) : tl::unexpected(json.error());
  const auto english = argc > 2 ? ReadFile(argv[2], kMaxFileBytes) : MadeUpEnglish(kMiB);
  if (!tokenizer || !english) {
    const Error& error = !tokenizer ? tokenizer.error() : english.error();
    std::fprintf(stderr, "%s\n", error.message.c_str());
    return 1;
  }
  const std::vector<Text> texts = Texts(*english);
  for (const Text& text : texts) {
    benchmark::RegisterBenchmark(text.name, [&](benchmark::State& state) {
      BM_Encode(state, *tokenizer, text.bytes);
    })->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("load", [&](benchmark::State& state) {
    BM_Load(state, *json);
  })->Unit(benchmark::kMillisecond);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  return weir::Run(argc, argv);
}
