// SPDX-License-Identifier: Apache-2.0
#include "loader/synth/tokenizer.h"

#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/json.h"

namespace weir {
namespace {

constexpr int32_t kNumSpecial = 3;
constexpr std::string_view kConsonants = "bcdfghjklmnprstvwxyz";
constexpr std::string_view kVowels = "aeiou";
// How byte-level BPE writes the bytes 0x20 and 0x0A: as characters that can be seen.
constexpr std::string_view kSpace = "\u0120";
constexpr std::string_view kNewline = "\u010A";

constexpr const char* kPreTokenizerPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Bpe {
  std::vector<std::string> tokens;  // by id
  std::vector<std::pair<std::string, std::string>> merges;

  void Merge(const std::string& left, const std::string& right) {
    tokens.push_back(left + right);
    merges.emplace_back(left, right);
  }
};

std::vector<std::string> Syllables() {
  std::vector<std::string> syllables;
  for (const char consonant : kConsonants) {
    for (const char vowel : kVowels) syllables.push_back({consonant, vowel});
  }
  return syllables;
}

// All entries but the special ones.
Bpe BuildBpe(size_t num_tokens) {
  const std::vector<std::string> syllables = Syllables();
  Bpe bpe;
  bpe.tokens.emplace_back(kNewline);
  bpe.tokens.emplace_back(kSpace);
  for (char c = 0x21; c < 0x7F; ++c) bpe.tokens.emplace_back(1, c);
  for (const std::string& syllable : syllables) {
    bpe.Merge(syllable.substr(0, 1), syllable.substr(1));
  }
  size_t first = bpe.tokens.size();
  for (const std::string& syllable : syllables) bpe.Merge(std::string(kSpace), syllable);
  // Each round lengthens the words [first, last) of the round before by every syllable.
  while (bpe.tokens.size() < num_tokens) {
    const size_t last = bpe.tokens.size();
    for (size_t word = first; word < last; ++word) {
      for (const std::string& syllable : syllables) {
        if (bpe.tokens.size() == num_tokens) return bpe;
        bpe.Merge(std::string(bpe.tokens[word]), syllable);
      }
    }
    first = last;
  }
  WEIR_CHECK_EQ(bpe.tokens.size(), num_tokens);  // a smaller vocabulary has no preset
  return bpe;
}

std::vector<std::pair<int32_t, std::string>> SpecialTokens(const SynthPreset& preset) {
  const SynthTokens ids = SynthTokensOf(preset);
  return {{ids.end_of_text, "<|endoftext|>"},
          {ids.im_start, "<|im_start|>"},
          {ids.im_end, "<|im_end|>"}};
}

Json AddedToken(const std::string& content) {
  return {{"content", content}, {"single_word", false}, {"lstrip", false},
          {"rstrip", false},    {"normalized", false},  {"special", true}};
}

Json ByteLevel() {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", false},
          {"use_regex", false}};
}

// The vocabulary and the merges, written as text: a JSON document of so many keys is slow to build.
std::string ModelJson(const Bpe& bpe) {
  std::string text =
      R"({"type": "BPE", "dropout": null, "unk_token": "?", "continuing_subword_prefix": "", )"
      R"("end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,)"
      "\n    \"vocab\": {";
  for (size_t id = 0; id < bpe.tokens.size(); ++id) {
    text += id == 0 ? "\n" : ",\n";
    text += "      " + DumpJson(Json(bpe.tokens[id])) + ": " + std::to_string(id);
  }
  text += "\n    },\n    \"merges\": [";
  for (size_t i = 0; i < bpe.merges.size(); ++i) {
    text += i == 0 ? "\n" : ",\n";
    text += "      " + DumpJson(Json(bpe.merges[i].first + " " + bpe.merges[i].second));
  }
  return text + "\n    ]}";
}

}  // namespace

std::string SynthTokenizerJson(const SynthPreset& preset) {
  Json added = Json::array();
  for (const auto& [id, content] : SpecialTokens(preset)) {
    Json token = {{"id", id}};
    token.update(AddedToken(content));
    added.push_back(std::move(token));
  }
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", kPreTokenizerPattern}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  const Json pre_tokenizer = {{"type", "Sequence"}, {"pretokenizers", {split, ByteLevel()}}};
  const Bpe bpe = BuildBpe(static_cast<size_t>(preset.vocab_size - kNumSpecial));
  return "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n"
         "  \"added_tokens\": " +
         added.dump() +
         ",\n  \"normalizer\": {\"type\": \"NFC\"},\n  \"pre_tokenizer\": " + pre_tokenizer.dump() +
         ",\n  \"post_processor\": " + ByteLevel().dump() +
         ",\n  \"decoder\": " + ByteLevel().dump() + ",\n  \"model\": " + ModelJson(bpe) + "\n}\n";
}

std::string SynthChatTemplate() {
  return "{%- for message in messages %}\n"
         "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n"
         "{%- endfor %}\n"
         "{%- if add_generation_prompt %}\n"
         "{{- '<|im_start|>assistant\\n' }}\n"
         "{%- endif %}\n";
}

std::string SynthTokenizerConfigJson(const SynthPreset& preset) {
  Json added = Json::object();
  for (const auto& [id, content] : SpecialTokens(preset)) {
    added[std::to_string(id)] = AddedToken(content);
  }
  // The general class takes tokenizer.json as it is; Qwen's own would replace the unknown token.
  const Json config = {{"add_bos_token", false},
                       {"add_prefix_space", false},
                       {"added_tokens_decoder", added},
                       {"bos_token", nullptr},
                       {"chat_template", SynthChatTemplate()},
                       {"clean_up_tokenization_spaces", false},
                       {"eos_token", "<|im_end|>"},
                       {"model_max_length", preset.max_position},
                       {"pad_token", "<|endoftext|>"},
                       {"tokenizer_class", "PreTrainedTokenizerFast"},
                       {"unk_token", nullptr}};
  return config.dump(2) + "\n";
}

}  // namespace weir
