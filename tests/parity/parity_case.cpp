// SPDX-License-Identifier: Apache-2.0
#include "tests/parity/parity_case.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <span>

#include "base/error.h"
#include "base/json.h"
#include "base/mapped_file.h"

namespace weir::parity {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 20;
constexpr char kCases[] = WEIR_SOURCE_DIR "/tests/parity/cases";

// Takes floats off the front of what expected.f32 holds.
class Floats {
 public:
  explicit Floats(std::string bytes) : bytes_(std::move(bytes)) {}

  std::vector<float> Take(size_t count) {
    std::vector<float> out(std::min(count, left() / sizeof(float)));
    std::memcpy(out.data(), bytes_.data() + at_, out.size() * sizeof(float));
    at_ += out.size() * sizeof(float);
    return out;
  }
  size_t left() const { return bytes_.size() - at_; }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

Prompt ReadPrompt(const Json& json, int32_t vocab_size, Floats& floats) {
  Prompt prompt;
  prompt.tokens = json["tokens"].get<std::vector<TokenId>>();
  prompt.best = json["best"].get<std::vector<TokenId>>();
  prompt.margin = json["margin"].get<std::vector<float>>();
  prompt.greedy = json["greedy"].get<std::vector<TokenId>>();
  prompt.greedy_margin = json["greedy_margin"].get<std::vector<float>>();
  prompt.logit_rows = json["logit_rows"].get<std::vector<int32_t>>();
  const size_t count = prompt.logit_rows.size() * vocab_size;
  prompt.numpy_logits = floats.Take(count);
  prompt.hf_logits = floats.Take(count);
  return prompt;
}

}  // namespace

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kCases)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<ParityCase> LoadCase(const std::string& name) {
  ParityCase out;
  out.folder = std::string(kCases) + "/" + name;
  WEIR_ASSIGN_OR_RETURN(const Json config,
                        ParseJsonFile(out.folder + "/config.json", kMaxFileBytes));
  WEIR_ASSIGN_OR_RETURN(const Json expected,
                        ParseJsonFile(out.folder + "/expected.json", kMaxFileBytes));
  WEIR_ASSIGN_OR_RETURN(std::string bytes, ReadFile(out.folder + "/expected.f32", kMaxFileBytes));
  out.vocab_size = config["vocab_size"].get<int32_t>();
  out.bf16_weights = config["torch_dtype"] == "bfloat16";
  out.logits_rms = expected["logits_rms"].get<float>();
  Floats floats(std::move(bytes));
  for (const Json& prompt : expected["prompts"]) {
    out.prompts.push_back(ReadPrompt(prompt, out.vocab_size, floats));
    const Prompt& last = out.prompts.back();
    if (last.hf_logits.size() != last.logit_rows.size() * out.vocab_size) {
      return Err(Code::kInvalidModel, out.folder, "/expected.f32: too short for expected.json");
    }
  }
  if (floats.left() != 0) {
    return Err(Code::kInvalidModel, out.folder, "/expected.f32: ", floats.left(),
               " bytes more than expected.json names");
  }
  return out;
}

}  // namespace weir::parity
