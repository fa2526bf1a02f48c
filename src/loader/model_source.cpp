// SPDX-License-Identifier: Apache-2.0
#include "loader/model_source.h"

#include <charconv>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "base/mapped_file.h"
#include "loader/json_fields.h"
#include "loader/safetensors.h"
#include "loader/synth/preset.h"
#include "loader/synth/tokenizer.h"
#include "loader/synth/weights.h"
#include "loader/tokenizer_config.h"

namespace weir {
namespace {

constexpr size_t kMaxTokenizerBytes = size_t{64} << 20;
constexpr std::string_view kSynthPrefix = "synth:";

Status CheckTokens(const ModelSource& model) {
  for (const int32_t id : model.generation.eos_token_ids) {
    if (id < model.config.vocab_size) continue;
    return Err(Code::kInvalidModel, model.where, "/generation_config.json: eos_token_id ", id,
               " is outside the vocabulary of ", model.config.vocab_size);
  }
  return Ok();
}

std::string FolderName(const std::string& folder) {
  std::error_code error;
  // Follows no links: a link named after the model is the better name.
  std::filesystem::path path = std::filesystem::absolute(folder, error).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  return path.filename().empty() ? folder : path.filename().string();
}

Status CheckFolder(const std::string& folder) {
  std::error_code error;
  const auto status = std::filesystem::status(folder, error);
  const char* wanted =
      ", wanted a folder with config.json, tokenizer.json and model.safetensors, or synth:PRESET";
  if (!std::filesystem::exists(status)) {
    return Err(Code::kNotFound, "model ", Quoted(folder), ": does not exist", wanted);
  }
  if (!std::filesystem::is_directory(status)) {
    return Err(Code::kInvalidArgument, "model ", Quoted(folder), ": not a folder", wanted);
  }
  if (!std::filesystem::exists(folder + "/config.json", error)) {
    return Err(Code::kNotFound, "model ", Quoted(folder), ": config.json is missing", wanted);
  }
  return Ok();
}

Result<ModelSource> OpenFolder(const std::string& folder) {
  WEIR_RETURN_IF_ERROR(CheckFolder(folder));
  ModelSource model = {.name = FolderName(folder), .where = folder};
  WEIR_ASSIGN_OR_RETURN(model.config, LoadHfConfig(folder));
  WEIR_ASSIGN_OR_RETURN(model.generation, LoadGenerationConfig(folder));
  WEIR_RETURN_IF_ERROR(CheckTokens(model));
  const std::string tokenizer = folder + "/tokenizer.json";
  Result<std::string> text = ReadFile(tokenizer, kMaxTokenizerBytes);
  if (!text) {
    if (text.error().code != Code::kNotFound) return tl::unexpected(text.error());
    return Err(Code::kNotFound, tokenizer, ": is missing; other forms of tokenizer (vocab.json, ",
               "tokenizer.model) are not read");
  }
  model.tokenizer_json = std::move(*text);
  WEIR_ASSIGN_OR_RETURN(ChatFiles chat, LoadChatFiles(folder));
  model.chat_template = std::move(chat.chat_template);
  model.special_tokens = std::move(chat.special_tokens);
  WEIR_ASSIGN_OR_RETURN(model.weights, OpenSafetensorsFolder(folder));
  return model;
}

Result<uint64_t> ParseSeed(std::string_view option) {
  constexpr std::string_view kName = "seed=";
  uint64_t seed = 0;
  const char* end = option.data() + option.size();
  if (option.substr(0, kName.size()) == kName) {
    const auto parsed = std::from_chars(option.data() + kName.size(), end, seed);
    if (parsed.ec == std::errc() && parsed.ptr == end) return seed;
  }
  return Err(Code::kInvalidArgument, "synthetic model: option ", Quoted(option),
             ", wanted seed=N with N in [0, 2^64)");
}

Result<ModelSource> OpenSynth(std::string_view spec) {
  const size_t comma = spec.find(',');
  WEIR_ASSIGN_OR_RETURN(const SynthPreset* preset, FindSynthPreset(spec.substr(0, comma)));
  uint64_t seed = 0;
  if (comma != std::string_view::npos) {
    WEIR_ASSIGN_OR_RETURN(seed, ParseSeed(spec.substr(comma + 1)));
  }
  const std::string name = std::string(kSynthPrefix) + preset->name;
  ModelSource model = {.name = name, .where = std::string(kSynthPrefix) + std::string(spec)};
  // The same texts that a written folder would hold take the same way in.
  WEIR_ASSIGN_OR_RETURN(const Json config, ParseJson(SynthConfigJson(*preset), name));
  WEIR_ASSIGN_OR_RETURN(model.config, ParseHfConfig(config, name + "/config.json"));
  WEIR_ASSIGN_OR_RETURN(const Json generation, ParseJson(SynthGenerationConfigJson(*preset), name));
  WEIR_ASSIGN_OR_RETURN(model.generation,
                        ParseGenerationConfig(generation, name + "/generation_config.json"));
  model.weights = MakeSynthWeights(*preset, seed);
  model.tokenizer_json = SynthTokenizerJson(*preset);
  WEIR_ASSIGN_OR_RETURN(const Json tokens, ParseJson(SynthTokenizerConfigJson(*preset), name));
  const std::string path = name + "/tokenizer_config.json";
  WEIR_ASSIGN_OR_RETURN(model.chat_template, ParseChatTemplate(tokens, path));
  WEIR_ASSIGN_OR_RETURN(model.special_tokens, ParseSpecialTokens(tokens, path));
  return model;
}

}  // namespace

Result<ModelSource> OpenModel(const std::string& spec) {
  if (spec.starts_with(kSynthPrefix)) {
    return OpenSynth(std::string_view(spec).substr(kSynthPrefix.size()));
  }
  return OpenFolder(spec);
}

}  // namespace weir
