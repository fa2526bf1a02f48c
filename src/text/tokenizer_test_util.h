// SPDX-License-Identifier: Apache-2.0
//
// For tests: a tiny tokenizer.json that a test changes in one place, and the committed fixtures.
#ifndef WEIR_TEXT_TOKENIZER_TEST_UTIL_H_
#define WEIR_TEXT_TOKENIZER_TEST_UTIL_H_

#include <gtest/gtest.h>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/mapped_file.h"
#include "text/byte_level.h"
#include "text/tokenizer.h"

namespace weir {

// Every byte is a token, byte b has id b; then "he" 256, "ll" 257, "hell" 258 (merges in this
// order), "<s>" 259 special and "<t>" 260 not. Qwen's rule and NFC.
inline Json TinyTokenizerJson() {
  Json vocab = Json::object();
  for (int byte = 0; byte < 256; ++byte) {
    vocab[ToByteLevel(std::string(1, static_cast<char>(byte)))] = byte;
  }
  vocab["he"] = 256;
  vocab["ll"] = 257;
  vocab["hell"] = 258;
  Json json = Json::parse(R"json({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [
      {"id": 259, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
       "normalized": false, "special": true},
      {"id": 260, "content": "<t>", "single_word": false, "lstrip": false, "rstrip": false,
       "normalized": false, "special": false}],
    "normalizer": {"type": "NFC"},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex": ""}},
      {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]},
    "post_processor": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false,
                       "use_regex": false},
    "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false,
                "use_regex": false},
    "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
              "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false,
              "ignore_merges": false, "vocab": {}, "merges": ["h e", ["l", "l"], "he ll"]}
  })json");
  json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
      R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
  json["model"]["vocab"] = std::move(vocab);
  return json;
}

inline Tokenizer TokenizerOf(const Json& json) {
  auto tokenizer = Tokenizer::FromJson(json.dump(), "tiny");
  if (!tokenizer) ADD_FAILURE() << tokenizer.error().message;
  return std::move(*tokenizer);
}

inline Tokenizer TinyTokenizer() { return TokenizerOf(TinyTokenizerJson()); }

// A file of tests/fixtures/tokenizer.
inline std::string TokenizerFixture(const std::string& name) {
  auto text = ReadFile(WEIR_SOURCE_DIR "/tests/fixtures/tokenizer/" + name, size_t{1} << 20);
  if (!text) ADD_FAILURE() << text.error().message;
  return std::move(*text);
}

inline Tokenizer FixtureTokenizer(const std::string& name) {
  auto tokenizer = Tokenizer::FromJson(TokenizerFixture(name + ".json"), name);
  if (!tokenizer) ADD_FAILURE() << tokenizer.error().message;
  return std::move(*tokenizer);
}

}  // namespace weir

#endif  // WEIR_TEXT_TOKENIZER_TEST_UTIL_H_
