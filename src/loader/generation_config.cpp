// SPDX-License-Identifier: Apache-2.0
//
// generation_config.json, declared in hf_config.h.
#include "base/error.h"
#include "loader/hf_config.h"
#include "loader/json_fields.h"

namespace weir {

Result<GenerationConfig> ParseGenerationConfig(const Json& json, const std::string& path) {
  GenerationConfig config;
  WEIR_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Open(json, path));
  WEIR_ASSIGN_OR_RETURN(config.eos_token_ids, fields.TokenIds("eos_token_id"));
  WEIR_ASSIGN_OR_RETURN(config.do_sample, fields.Bool("do_sample"));
  WEIR_ASSIGN_OR_RETURN(config.temperature, fields.Number("temperature", 0.0, 100.0));
  WEIR_ASSIGN_OR_RETURN(const auto top_k, fields.Int("top_k", 0, 1 << 24));
  if (top_k) config.top_k = static_cast<int32_t>(*top_k);
  WEIR_ASSIGN_OR_RETURN(config.top_p, fields.Number("top_p", 1e-6, 1.0));
  WEIR_ASSIGN_OR_RETURN(config.min_p, fields.Number("min_p", 0.0, 1.0));
  WEIR_ASSIGN_OR_RETURN(config.repetition_penalty, fields.Number("repetition_penalty", 1e-6, 1e6));
  return config;
}

Result<GenerationConfig> LoadGenerationConfig(const std::string& folder) {
  const std::string path = folder + "/generation_config.json";
  Result<Json> json = ParseJsonFile(path, size_t{1} << 20);
  if (!json) {
    if (json.error().code == Code::kNotFound) return GenerationConfig{};
    return tl::unexpected(json.error());
  }
  return ParseGenerationConfig(*json, path);
}

}  // namespace weir
