// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_json.h"

#include <limits>
#include <utility>

#include "base/error.h"
#include "text/tokenizer_sax.h"
#include "text/tree_fields.h"

namespace weir {
namespace {

constexpr size_t kMaxAddedTokenBytes = 256;

// The steps of a {"type": "Sequence", list: [...]}, or the one object itself; none when null.
Result<std::vector<TreeFields>> Steps(const TreeFields& parent, std::string_view name,
                                      std::string_view list) {
  std::vector<TreeFields> steps;
  const TokenizerTree* value = parent.Get(name);
  if (value == nullptr) return steps;
  WEIR_ASSIGN_OR_RETURN(const TreeFields step, TreeFields::Of(*value, parent.Path(name)));
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
    WEIR_ASSIGN_OR_RETURN(TreeFields one,
                          TreeFields::Of((*inner)[i], fmt::format("{}[{}]", step.Path(list), i)));
    steps.push_back(std::move(one));
  }
  return steps;
}

Status WantType(const TreeFields& step, std::string_view wanted) {
  WEIR_ASSIGN_OR_RETURN(const std::string type, step.String("type"));
  if (type == wanted) return Ok();
  return Err(Code::kUnsupported, step.where(), ": found type \"", type, "\", wanted \"", wanted,
             "\"");
}

Status ReadNormalizer(const TreeFields& root, TokenizerSpec& spec) {
  WEIR_ASSIGN_OR_RETURN(const auto steps, Steps(root, "normalizer", "normalizers"));
  for (const TreeFields& step : steps) {
    WEIR_RETURN_IF_ERROR(WantType(step, "NFC"));
    WEIR_RETURN_IF_ERROR(step.Only({"type"}));
    spec.nfc = true;
  }
  return Ok();
}

// trim_offsets changes where tokens are said to lie in the text, not which they are.
Status CheckByteLevel(const TreeFields& step) {
  WEIR_RETURN_IF_ERROR(WantType(step, "ByteLevel"));
  WEIR_RETURN_IF_ERROR(step.Only({"type", "add_prefix_space", "trim_offsets", "use_regex"}));
  return Ok();
}

Status ReadSplit(const TreeFields& step, TokenizerSpec& spec) {
  WEIR_RETURN_IF_ERROR(WantType(step, "Split"));
  WEIR_RETURN_IF_ERROR(step.Only({"type", "pattern", "behavior", "invert"}));
  WEIR_RETURN_IF_ERROR(step.OnlyValue("invert", false));
  WEIR_ASSIGN_OR_RETURN(const std::string behavior, step.String("behavior"));
  WEIR_RETURN_IF_ERROR(step.OnlyValue("behavior", "Isolated"));
  WEIR_ASSIGN_OR_RETURN(const TreeFields fields, step.Child("pattern"));
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
Status ReadPreTokenizer(const TreeFields& root, TokenizerSpec& spec) {
  WEIR_ASSIGN_OR_RETURN(const auto steps, Steps(root, "pre_tokenizer", "pretokenizers"));
  if (steps.empty() || steps.size() > 2) {
    return Err(Code::kUnsupported, root.Path("pre_tokenizer"), ": found ", steps.size(),
               " steps, wanted Split and ByteLevel, or ByteLevel alone");
  }
  const TreeFields& byte_level = steps.back();
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
Status CheckOutput(const TreeFields& root) {
  WEIR_ASSIGN_OR_RETURN(const auto processors, Steps(root, "post_processor", "processors"));
  for (const TreeFields& step : processors) WEIR_RETURN_IF_ERROR(CheckByteLevel(step));
  WEIR_ASSIGN_OR_RETURN(const auto decoders, Steps(root, "decoder", "decoders"));
  if (decoders.size() != 1) {
    return Err(Code::kUnsupported, root.Path("decoder"), ": found ", decoders.size(),
               " steps, wanted ByteLevel alone");
  }
  return CheckByteLevel(decoders.front());
}

Status ReadModel(const TreeFields& root, TokenizerSpec& spec) {
  WEIR_ASSIGN_OR_RETURN(const TreeFields model, root.Child("model"));
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

Result<AddedToken> ReadAddedToken(const TreeFields& fields) {
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

Status ReadAddedTokens(const TreeFields& root, TokenizerSpec& spec) {
  const TokenizerTree* list = root.Get("added_tokens");
  if (list == nullptr) return Ok();
  if (!list->is_array()) {
    return Err(Code::kInvalidModel, root.Path("added_tokens"), ": found ", list->type_name(),
               ", wanted an array");
  }
  for (size_t i = 0; i < list->size(); ++i) {
    WEIR_ASSIGN_OR_RETURN(
        const TreeFields fields,
        TreeFields::Of((*list)[i], fmt::format("{}[{}]", root.Path("added_tokens"), i)));
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
  WEIR_ASSIGN_OR_RETURN(const TreeFields root, TreeFields::Of(tree, std::string(where)));
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
