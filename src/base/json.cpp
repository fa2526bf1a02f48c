// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <set>
#include <vector>

#include "base/error.h"
#include "base/mapped_file.h"

namespace weir {
namespace {

// Checks what the plain parser lets pass, without building anything: depth and duplicate keys.
class Guard : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return Enter(); }
  bool start_array(std::size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    problem = fmt::format("key \"{}\" stands twice in one object", name);
    return false;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // The text quotes what was read last, which may be long.
    constexpr size_t kMostShown = 200;
    const std::string_view what = error.what();
    if (problem.empty()) {
      problem = fmt::format("byte {}: {}", position, what.substr(0, kMostShown));
    }
    return false;
  }

  std::string problem;

 private:
  bool Enter() {
    keys_.emplace_back();
    if (keys_.size() <= static_cast<size_t>(kMaxJsonDepth)) return true;
    problem = fmt::format("nested deeper than {} levels", kMaxJsonDepth);
    return false;
  }
  bool Leave() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> keys_;
};

}  // namespace

Result<Json> ParseJson(std::string_view text, std::string_view where, Code code) {
  // The parser takes a NUL for the end of its input and would not look behind it.
  const size_t nul = text.find('\0');
  if (nul != std::string_view::npos) return Err(code, where, ": byte ", nul, ": a NUL byte");
  Guard guard;
  if (!Json::sax_parse(text, &guard)) return Err(code, where, ": ", guard.problem);
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return Err(code, where, ": not JSON");
  return value;
}

Result<Json> ParseJsonFile(const std::string& path, size_t max_bytes) {
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, max_bytes));
  return ParseJson(text, path);
}

std::string DumpJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weir
