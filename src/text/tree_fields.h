// SPDX-License-Identifier: Apache-2.0
//
// One object of a tokenizer.json, read field by field. What is wrong becomes an Error that names
// the field's path.
#ifndef WEIR_TEXT_TREE_FIELDS_H_
#define WEIR_TEXT_TREE_FIELDS_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <weir/result.h>

#include "text/tokenizer_sax.h"

namespace weir {

class TreeFields {
 public:
  // Errors: `value` is no object. `value` must outlive the fields; `where` is its path.
  static Result<TreeFields> Of(const TokenizerTree& value, std::string where);

  const std::string& where() const { return where_; }
  std::string Path(std::string_view name) const { return where_ + "." + std::string(name); }

  // Null when the field is absent or null.
  const TokenizerTree* Get(std::string_view name) const;

  Result<bool> Bool(std::string_view name, bool if_absent) const;
  Result<std::string> String(std::string_view name) const;
  Result<TreeFields> Child(std::string_view name) const;

  // Every field must have one of these names.
  Status Only(std::initializer_list<std::string_view> names) const;

  // The field must be absent, null or equal to `wanted`.
  Status OnlyValue(std::string_view name, const TokenizerTree& wanted) const;

 private:
  TreeFields(const TokenizerTree& object, std::string where)
      : object_(&object), where_(std::move(where)) {}

  const TokenizerTree* object_;
  std::string where_;
};

}  // namespace weir

#endif  // WEIR_TEXT_TREE_FIELDS_H_
