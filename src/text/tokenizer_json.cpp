// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_json.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <utility>

#include "base/error.h"
#include "text/tokenizer_sax.h"

namespace weir {
namespace {

constexpr size_t kMaxAddedTokenBytes = 256;

// One JSON object whose fields are read by name; `where` is its path in messages.
class Fields {
 public:
  static Result<Fields> Of(const TokenizerTree& value, std::string where) {
    if (value.is_object()) return Fields(value, std::move(where));
    return Err(Code::kInvalidModel, where, ": found ", value.type_name(), ", wanted an object");
  }

  const std::string& where() const { return where_; }

  // Null when the field is absent or null.
  const TokenizerTree* Get(std::string_view name) const {
    const auto it = object_->find(std::string(name));
    return it == object_->end() || it->is_null() ? nullptr : &*it;
  }

  std::string Path(std::string_view name) const { return fmt::format("{}.{}", where_, name); }

  Result<bool> Bool(std::string_view name, bool if_absent) const {
    const TokenizerTree* value = Get(name);
    if (value == nullptr) return if_absent;
    if (value->is_boolean()) return value->get<bool>();
    return Err(Code::kInvalidModel, Path(name), ": found ", value->type_name(),
               ", wanted a boolean");
  }

  Result<std::string> String(std::string_view name) const {
    const TokenizerTree* value = Get(name);
    if (value != nullptr && value->is_string()) return value->get<std::string>();
    return Err(Code::kInvalidModel, Path(name), ": found ",
               value == nullptr ? "nothing" : value->type_name(), ", wanted a string");
  }

  // The field as an object of its own.
  Result<Fields> Child(std::string_view name) const {
    if (const TokenizerTree* value = Get(name)) return Of(*value, Path(name));
    return Err(Code::kInvalidModel, Path(name), ": found nothing, wanted an object");
  }

  // Every field must have one of these names.
  Status Only(std::initializer_list<std::string_view> names) const {
    for (const auto& [name, value] : object_->items()) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        return Err(Code::kUnsupported, Path(name), ": a field that Weir does not know");
      }
    }
    return Ok();
  }

  // The field must be absent, null or equal to `wanted`.
  Status OnlyValue(std::string_view name, const TokenizerTree& wanted) const {
    const TokenizerTree* value = Get(name);
    if (value == nullptr || *value == wanted) return Ok();
    return Err(Code::kUnsupported, Path(name), ": found ", Shown(*value), ", wanted ",
               Shown(wanted));
  }

 private:
  Fields(const TokenizerTree& object, std::string where)
      : object_(&object), where_(std::move(where)) {}

  static std::string Shown(const TokenizerTree& value) {
    return value.dump(-1, ' ', false, TokenizerTree::error_handler_t::replace).substr(0, 200);
  }

  const TokenizerTree* object_;
  std::string where_;
};

// The steps of a {"type": "Sequence", list: [...]}, or the one object itself; none when null.
Result<std::vector<Fields>> Steps(const Fields& parent, std::string_view name,
                                  std::string_view list) {
  std::vector<Fields> steps;
  const TokenizerTree* value = parent.Get(name);
  if (value == nullptr) return steps;
  WEIR_ASSIGN_OR_RETURN(const Fields step, Fields::Of(*value, parent.Path(name)));
  WEIR_ASSIGN_OR_RETURN(const std::string type, step.String("type"));
  if (type != "Sequence") {
    steps.push_back(step);
    return steps;
  }
  WEIR_RETURN_IF_ERROR(step.Only({"type", list}));
  const TokenizerTree* inner = step.Get(list);
  if (inner == nullptr || !inner->is_array()) {
    return Err(Code::kInvalidModel, step.Path(list), ": wanted an array");
  }
  for (size_t i = 0; i < inner->size(); ++i) {
    WEIR_ASSIGN_OR_RETURN(Fields one,
                          Fields::Of((*inner)[i], fmt::format("{}[{}]", step.Path(list), i)));
    steps.push_back(std::move(one));
  }
  return steps;
}

Status WantType(const Fields& step, std::string_view wanted) {
  WEIR_ASSIGN_OR_RETURN(const std::string type, step.String("type"));
  if (type == wanted) return Ok();
  return Err(Code::kUnsupported, step.where(), ": found type \"", type, "\", wanted \"", wanted,
             "\"");
}

Status ReadNormalizer(const Fields& root, TokenizerSpec& spec) {
  WEIR_ASSIGN_OR_RETURN(const auto steps, Steps(root, "normalizer", "normalizers"));
  for (const Fields& step : steps) {
    WEIR_RETURN_IF_ERROR(WantType(step, "NFC"));
    WEIR_RETURN_IF_ERROR(step.Only({"type"}));
    spec.nfc = true;
  }
  return Ok();
}

// trim_offsets changes where tokens are said to lie in the text, not which they are.
Status CheckByteLevel(const Fields& step) {
  WEIR_RETURN_IF_ERROR(WantType(step, "ByteLevel"));
  WEIR_RETURN_IF_ERROR(step.Only({"type", "add_prefix_space", "trim_offsets", "use_regex"}));
  return Ok();
}

Status ReadSplit(const Fields& step, TokenizerSpec& spec) {
  WEIR_RETURN_IF_ERROR(WantType(step, "Split"));
  WEIR_RETURN_IF_ERROR(step.Only({"type", "pattern", "behavior", "invert"}));
  WEIR_RETURN_IF_ERROR(step.OnlyValue("invert", false));
  WEIR_ASSIGN_OR_RETURN(const std::string behavior, step.String("behavior"));
  WEIR_RETURN_IF_ERROR(step.OnlyValue("behavior", "Isolated"));
  WEIR_ASSIGN_OR_RETURN(const Fields fields, step.Child("pattern"));
  WEIR_RETURN_IF_ERROR(fields.Only({"Regex"}));
  WEIR_ASSIGN_OR_RETURN(const std::string regex, fields.String("Regex"));
  const auto rule = RuleOfPattern(regex);
  if (!rule) {
    return Err(Code::kUnsupported, fields.Path("Regex"), ": found ", regex,
               ", wanted the expression of Qwen2, Llama 3 or GPT-2");
  }
  spec.rule = *rule;
  return Ok();
}

// Either ByteLevel alone, with its own expression, or Split and then ByteLevel without one.
Status ReadPreTokenizer(const Fields& root, TokenizerSpec& spec) {
  WEIR_ASSIGN_OR_RETURN(const auto steps, Steps(root, "pre_tokenizer", "pretokenizers"));
  if (steps.empty() || steps.size() > 2) {
    return Err(Code::kUnsupported, root.Path("pre_tokenizer"), ": found ", steps.size(),
               " steps, wanted Split and ByteLevel, or ByteLevel alone");
  }
  const Fields& byte_level = steps.back();
  WEIR_RETURN_IF_ERROR(CheckByteLevel(byte_level));
  if (!byte_level.Get("add_prefix_space")) {
    return Err(Code::kUnsupported, byte_level.Path("add_prefix_space"),
               ": found nothing, wanted false");
  }
  WEIR_RETURN_IF_ERROR(byte_level.OnlyValue("add_prefix_space", false));
  WEIR_ASSIGN_OR_RETURN(const bool use_regex, byte_level.Bool("use_regex", true));
  if (use_regex != (steps.size() == 1)) {
    return Err(Code::kUnsupported, byte_level.Path("use_regex"), ": found ", use_regex,
               ", wanted true without a Split before it and false after one");
  }
  spec.rule = PieceRule::kGpt2;
  return steps.size() == 2 ? ReadSplit(steps.front(), spec) : Ok();
}

// Both work on bytes here: the post-processor moves offsets only, the decoder is what Decode does.
Status CheckOutput(const Fields& root) {
  WEIR_ASSIGN_OR_RETURN(const auto processors, Steps(root, "post_processor", "processors"));
  for (const Fields& step : processors) WEIR_RETURN_IF_ERROR(CheckByteLevel(step));
  WEIR_ASSIGN_OR_RETURN(const auto decoders, Steps(root, "decoder", "decoders"));
  if (decoders.size() != 1) {
    return Err(Code::kUnsupported, root.Path("decoder"), ": found ", decoders.size(),
               " steps, wanted ByteLevel alone");
  }
  return CheckByteLevel(decoders.front());
}

Status ReadModel(const Fields& root, TokenizerSpec& spec) {
  WEIR_ASSIGN_OR_RETURN(const Fields model, root.Child("model"));
  WEIR_RETURN_IF_ERROR(WantType(model, "BPE"));
  WEIR_RETURN_IF_ERROR(
      model.Only({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                  "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"}));
  for (const char* name : {"vocab", "merges"}) {
    if (model.Get(name) == nullptr) {
      return Err(Code::kInvalidModel, model.Path(name), ": found nothing, wanted a table");
    }
  }
  WEIR_RETURN_IF_ERROR(model.OnlyValue("dropout", 0.0));
  WEIR_RETURN_IF_ERROR(model.OnlyValue("continuing_subword_prefix", ""));
  WEIR_RETURN_IF_ERROR(model.OnlyValue("end_of_word_suffix", ""));
  WEIR_RETURN_IF_ERROR(model.OnlyValue("byte_fallback", false));
  WEIR_ASSIGN_OR_RETURN(spec.fuse_unk, model.Bool("fuse_unk", false));
  WEIR_ASSIGN_OR_RETURN(spec.ignore_merges, model.Bool("ignore_merges", false));
  if (model.Get("unk_token") != nullptr) {
    WEIR_ASSIGN_OR_RETURN(spec.unk_token, model.String("unk_token"));
  }
  return Ok();
}

Result<AddedToken> ReadAddedToken(const Fields& fields) {
  WEIR_RETURN_IF_ERROR(
      fields.Only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
  for (const char* name : {"single_word", "lstrip", "rstrip"}) {
    WEIR_RETURN_IF_ERROR(fields.OnlyValue(name, false));
  }
  AddedToken token;
  const TokenizerTree* id = fields.Get("id");
  if (id == nullptr || !id->is_number_unsigned() ||
      id->get<uint64_t>() > std::numeric_limits<TokenId>::max()) {
    return Err(Code::kInvalidModel, fields.Path("id"), ": found ",
               id == nullptr ? "nothing" : id->dump(), ", wanted 0 to ",
               std::numeric_limits<TokenId>::max());
  }
  token.id = id->get<TokenId>();
  WEIR_ASSIGN_OR_RETURN(token.content, fields.String("content"));
  if (token.content.empty() || token.content.size() > kMaxAddedTokenBytes) {
    return Err(Code::kUnsupported, fields.Path("content"), ": found ", token.content.size(),
               " bytes, wanted 1 to ", kMaxAddedTokenBytes);
  }
  WEIR_ASSIGN_OR_RETURN(token.special, fields.Bool("special", false));
  WEIR_ASSIGN_OR_RETURN(token.normalized, fields.Bool("normalized", !token.special));
  return token;
}

Status ReadAddedTokens(const Fields& root, TokenizerSpec& spec) {
  const TokenizerTree* list = root.Get("added_tokens");
  if (list == nullptr) return Ok();
  if (!list->is_array()) {
    return Err(Code::kInvalidModel, root.Path("added_tokens"), ": found ", list->type_name(),
               ", wanted an array");
  }
  for (size_t i = 0; i < list->size(); ++i) {
    WEIR_ASSIGN_OR_RETURN(
        const Fields fields,
        Fields::Of((*list)[i], fmt::format("{}[{}]", root.Path("added_tokens"), i)));
    WEIR_ASSIGN_OR_RETURN(AddedToken token, ReadAddedToken(fields));
    spec.added_tokens.push_back(std::move(token));
  }
  return Ok();
}

}  // namespace

Result<TokenizerSpec> ReadTokenizerJson(std::string_view text, std::string_view where) {
  if (text.size() > kMaxTokenizerJsonBytes) {
    return Err(Code::kInvalidModel, where, ": found ", text.size(), " bytes, wanted at most ",
               kMaxTokenizerJsonBytes);
  }
  TokenizerSpec spec;
  WEIR_ASSIGN_OR_RETURN(const TokenizerTree tree, StreamTokenizerJson(text, where, spec));
  WEIR_ASSIGN_OR_RETURN(const Fields root, Fields::Of(tree, std::string(where)));
  WEIR_RETURN_IF_ERROR(root.Only({"version", "truncation", "padding", "added_tokens", "normalizer",
                                  "pre_tokenizer", "post_processor", "decoder", "model"}));
  WEIR_RETURN_IF_ERROR(root.OnlyValue("version", "1.0"));
  WEIR_RETURN_IF_ERROR(root.OnlyValue("truncation", nullptr));
  WEIR_RETURN_IF_ERROR(root.OnlyValue("padding", nullptr));
  WEIR_RETURN_IF_ERROR(ReadNormalizer(root, spec));
  WEIR_RETURN_IF_ERROR(ReadPreTokenizer(root, spec));
  WEIR_RETURN_IF_ERROR(CheckOutput(root));
  WEIR_RETURN_IF_ERROR(ReadModel(root, spec));
  WEIR_RETURN_IF_ERROR(ReadAddedTokens(root, spec));
  return spec;
}

}  // namespace weir
