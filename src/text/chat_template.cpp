// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template.h"

#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/parser.h"
#include "text/unicode/utf8.h"

namespace weir {
namespace {

using jinja::Dict;
using jinja::List;
using jinja::Runtime;
using jinja::Value;

// The value of a JSON, all of whose text has one origin.
class Converter {
 public:
  Converter(Runtime& rt, Origin origin) : rt_(rt), origin_(origin) {}

  Value Convert(const Json& json) {
    if (!rt_.Charge(1)) return {};
    switch (json.type()) {
      case Json::value_t::null: {
        Value none = jinja::None();
        none.origin = origin_;
        return none;
      }
      case Json::value_t::boolean:
        return jinja::Bool(json.get<bool>(), origin_);
      case Json::value_t::number_integer:
        return jinja::Int(json.get<int64_t>(), origin_);
      case Json::value_t::number_unsigned:
        if (json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
          return rt_.Fail("variables: integer {} is above 2^63 - 1", json.get<uint64_t>());
        }
        return jinja::Int(static_cast<int64_t>(json.get<uint64_t>()), origin_);
      case Json::value_t::number_float:
        return jinja::Float(json.get<double>(), origin_);
      case Json::value_t::string:
        return ConvertText(json.get_ref<const std::string&>());
      case Json::value_t::array:
      case Json::value_t::object:
        return ConvertContainer(json);
      default:
        return rt_.Fail("variables: found a value that is no JSON");
    }
  }

 private:
  Value ConvertText(const std::string& text) {
    if (!IsUtf8(text)) return rt_.Fail("variables: text that is not UTF-8");
    return rt_.MakeText(text, origin_);
  }

  Value ConvertContainer(const Json& json) {
    if (++depth_ > kMaxJsonDepth) {
      return rt_.Fail("variables: nested deeper than {} levels", kMaxJsonDepth);
    }
    Value value;
    if (json.is_array()) {
      List& list = rt_.MakeList();
      list.items.reserve(json.size());
      for (const Json& item : json) list.items.push_back(Convert(item));
      value = jinja::ListValue(&list);
    } else {
      Dict& dict = rt_.MakeDict();
      for (const auto& [key, item] : json.items()) {
        const Value name = ConvertText(key);
        if (rt_.failed()) break;
        dict.Set(name, Convert(item));
      }
      value = jinja::DictValue(&dict);
    }
    --depth_;
    return value;
  }

  Runtime& rt_;
  const Origin origin_;
  int depth_ = 0;
};

void AddVariables(Runtime& rt, const Json& json, Origin origin, jinja::Scope& scope) {
  Converter converter(rt, origin);
  for (const auto& [name, value] : json.items()) {
    scope.Set(*rt.MakeName(name), converter.Convert(value));
  }
}

}  // namespace

struct ChatTemplate::Parts {
  std::string where;
  jinja::Ast ast;
  Json constants;
};

ChatTemplate::ChatTemplate(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::Parse(std::string_view source, std::string_view where,
                                         const Json& constants) {
  if (!constants.is_object()) {
    return Err(Code::kInvalidModel, where, ": constants are no JSON object");
  }
  WEIR_ASSIGN_OR_RETURN(jinja::Ast ast, jinja::Parse(source, where));
  return ChatTemplate(
      std::unique_ptr<const Parts>(new Parts{std::string(where), std::move(ast), constants}));
}

Result<TypedText> ChatTemplate::RenderJson(const Json& variables,
                                           const RenderOptions& options) const {
  if (!variables.is_object()) {
    return Err(Code::kInvalidRequest, "chat template: variables are no JSON object");
  }
  Runtime rt({options.max_steps, options.max_bytes}, options.now);
  jinja::Scope constants(nullptr);
  AddVariables(rt, parts_->constants, Origin::kTrusted, constants);
  jinja::Scope globals(&constants);
  AddVariables(rt, variables, Origin::kUser, globals);
  TypedText text;
  if (!rt.failed()) text = jinja::Interpreter(rt, parts_->ast, globals).Run();
  if (!rt.failed()) return text;
  // What a message quotes may have been cut inside of a character.
  return Err(Code::kInvalidRequest, parts_->where, ": ", Repaired(rt.error()));
}

Result<TypedText> ChatTemplate::Render(std::string_view variables,
                                       const RenderOptions& options) const {
  WEIR_ASSIGN_OR_RETURN(const Json json,
                        ParseJson(variables, "chat template: variables", Code::kInvalidRequest));
  return RenderJson(json, options);
}

}  // namespace weir
