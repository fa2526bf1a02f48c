// SPDX-License-Identifier: Apache-2.0
#include "loader/tokenizer_config.h"

#include "base/error.h"
#include "base/mapped_file.h"
#include "loader/json_fields.h"

namespace weir {
namespace {

constexpr size_t kMaxTokenizerConfigBytes = size_t{4} << 20;
constexpr size_t kMaxChatTemplateBytes = size_t{1} << 20;

Result<Json> ReadConfig(const std::string& path) {
  Result<Json> json = ParseJsonFile(path, kMaxTokenizerConfigBytes);
  if (!json && json.error().code == Code::kNotFound) return Json(Json::object());
  return json;
}

}  // namespace

Result<std::string> ParseChatTemplate(const Json& json, const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Open(json, path));
  const Json* found = fields.Find("chat_template");
  if (found == nullptr || !found->is_array()) {
    WEIR_ASSIGN_OR_RETURN(auto text, fields.String("chat_template"));
    return text.value_or("");
  }
  for (const Json& entry : *found) {
    WEIR_ASSIGN_OR_RETURN(const JsonFields named,
                          JsonFields::Open(entry, path + ": chat_template"));
    WEIR_ASSIGN_OR_RETURN(const std::string name, named.RequiredString("name"));
    if (name == "default") return named.RequiredString("template");
  }
  return Err(Code::kInvalidModel, path, ": chat_template is a list without a \"default\" entry");
}

Result<Json> ParseSpecialTokens(const Json& json, const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Open(json, path));
  Json tokens = Json::object();
  for (const char* name : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                           "cls_token", "mask_token"}) {
    const Json* found = fields.Find(name);
    if (found == nullptr) continue;
    if (found->is_object()) {
      WEIR_ASSIGN_OR_RETURN(const JsonFields token, JsonFields::Open(*found, path + ": " + name));
      WEIR_ASSIGN_OR_RETURN(tokens[name], token.RequiredString("content"));
    } else {
      WEIR_ASSIGN_OR_RETURN(const auto text, fields.String(name));
      tokens[name] = *text;
    }
  }
  return tokens;
}

Result<ChatFiles> LoadChatFiles(const std::string& folder) {
  ChatFiles files;
  const std::string path = folder + "/tokenizer_config.json";
  WEIR_ASSIGN_OR_RETURN(const Json config, ReadConfig(path));
  WEIR_ASSIGN_OR_RETURN(files.special_tokens, ParseSpecialTokens(config, path));
  Result<std::string> text = ReadFile(folder + "/chat_template.jinja", kMaxChatTemplateBytes);
  if (!text && text.error().code != Code::kNotFound) return tl::unexpected(text.error());
  if (text) {
    files.chat_template = std::move(*text);
    return files;
  }
  WEIR_ASSIGN_OR_RETURN(files.chat_template, ParseChatTemplate(config, path));
  if (files.chat_template.size() > kMaxChatTemplateBytes) {
    return Err(Code::kInvalidModel, path, ": chat_template of ", files.chat_template.size(),
               " bytes, at most ", kMaxChatTemplateBytes, " are read");
  }
  return files;
}

}  // namespace weir
