// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mapped_file.h"

namespace weir {
namespace {

constexpr size_t kMaxQuotedBytes = 120;

// What the parser says without the text that it quotes: that may be megabytes long and no UTF-8.
std::string ParserProblem(size_t position, std::string_view what) {
  for (const std::string_view quote : {"; last read: '", "parsing '"}) {
    what = what.substr(0, what.find(quote));
  }
  return fmt::format("byte {}: {}", position, what.substr(0, kMaxQuotedBytes));
}

// Builds the document, and checks what the plain parser lets pass: depth and duplicate keys.
// Members are appended without the search that ordered_json makes for each key, which would be
// quadratic.
class Builder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Add(nullptr) != nullptr; }
  bool boolean(bool value) override { return Add(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return Add(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return Add(value) != nullptr; }
  bool number_float(number_float_t value, const string_t&) override {
    return Add(value) != nullptr;
  }
  bool string(string_t& value) override { return Add(std::move(value)) != nullptr; }
  bool binary(binary_t&) override { return false; }  // does not occur in text
  bool start_object(std::size_t) override { return Enter(Json::object()); }
  bool start_array(std::size_t) override { return Enter(Json::array()); }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool key(string_t& name) override {
    if (!open_.back().keys.insert(name).second) {
      problem = fmt::format("key {} stands twice in one object",
                            DumpJson(name.substr(0, kMaxQuotedBytes)));
      return false;
    }
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    if (problem.empty()) problem = ParserProblem(position, error.what());
    return false;
  }

  Json root;
  std::string problem;

 private:
  // The values of open containers stay where they are: only the innermost one grows.
  struct Open {
    Json* value;
    std::set<std::string> keys;
  };

  Json* Add(Json value) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json& parent = *open_.back().value;
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    auto& members = parent.get_ref<Json::object_t&>();
    members.emplace_back(std::move(key_), std::move(value));
    return &members.back().second;
  }
  bool Enter(Json container) {
    if (open_.size() == static_cast<size_t>(kMaxJsonDepth)) {
      problem = fmt::format("nested deeper than {} levels", kMaxJsonDepth);
      return false;
    }
    open_.push_back({Add(std::move(container)), {}});
    return true;
  }
  bool Leave() {
    open_.pop_back();
    return true;
  }

  std::vector<Open> open_;
  std::string key_;
};

}  // namespace

Result<Json> ParseJson(std::string_view text, std::string_view where, Code code) {
  // The parser takes a NUL for the end of its input and would not look behind it.
  const size_t nul = text.find('\0');
  if (nul != std::string_view::npos) return Err(code, where, ": byte ", nul, ": a NUL byte");
  Builder builder;
  if (!Json::sax_parse(text, &builder)) return Err(code, where, ": ", builder.problem);
  return std::move(builder.root);
}

Result<Json> ParseJsonFile(const std::string& path, size_t max_bytes) {
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, max_bytes));
  return ParseJson(text, path);
}

std::string DumpJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weir
