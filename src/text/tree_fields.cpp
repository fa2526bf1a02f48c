// SPDX-License-Identifier: Apache-2.0
#include "text/tree_fields.h"

#include <algorithm>

#include "base/error.h"

namespace weir {
namespace {

constexpr size_t kShownBytes = 200;  // of a value in a message

std::string Shown(const TokenizerTree& value) {
  return value.dump(-1, ' ', true, TokenizerTree::error_handler_t::replace).substr(0, kShownBytes);
}

}  // namespace

Result<TreeFields> TreeFields::Of(const TokenizerTree& value, std::string where) {
  if (value.is_object()) return TreeFields(value, std::move(where));
  return Err(Code::kInvalidModel, where, ": found ", value.type_name(), ", wanted an object");
}

const TokenizerTree* TreeFields::Get(std::string_view name) const {
  const auto it = object_->find(std::string(name));
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

Result<bool> TreeFields::Bool(std::string_view name, bool if_absent) const {
  const TokenizerTree* value = Get(name);
  if (value == nullptr) return if_absent;
  if (value->is_boolean()) return value->get<bool>();
  return Err(Code::kInvalidModel, Path(name), ": found ", value->type_name(), ", wanted a boolean");
}

Result<std::string> TreeFields::String(std::string_view name) const {
  const TokenizerTree* value = Get(name);
  if (value != nullptr && value->is_string()) return value->get<std::string>();
  return Err(Code::kInvalidModel, Path(name), ": found ",
             value == nullptr ? "nothing" : value->type_name(), ", wanted a string");
}

Result<TreeFields> TreeFields::Child(std::string_view name) const {
  if (const TokenizerTree* value = Get(name)) return Of(*value, Path(name));
  return Err(Code::kInvalidModel, Path(name), ": found nothing, wanted an object");
}

Status TreeFields::Only(std::initializer_list<std::string_view> names) const {
  for (const auto& [name, value] : object_->items()) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return Err(Code::kUnsupported, Path(name.substr(0, kShownBytes)),
                 ": a field that Weir does not know");
    }
  }
  return Ok();
}

Status TreeFields::OnlyValue(std::string_view name, const TokenizerTree& wanted) const {
  const TokenizerTree* value = Get(name);
  if (value == nullptr || *value == wanted) return Ok();
  return Err(Code::kUnsupported, Path(name), ": found ", Shown(*value), ", wanted ", Shown(wanted));
}

}  // namespace weir
