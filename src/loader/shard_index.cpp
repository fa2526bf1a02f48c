// SPDX-License-Identifier: Apache-2.0
#include "loader/shard_index.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/mapped_file.h"
#include "loader/json_fields.h"

namespace weir {
namespace {

constexpr size_t kMaxIndexBytes = size_t{128} << 20;

// Collects weight_map as rows while parsing, because an ordered JSON document is quadratic in the
// number of keys.
class IndexSax : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Scalar("null"); }
  bool boolean(bool) override { return Scalar("a boolean"); }
  bool number_integer(number_integer_t) override { return Scalar("a number"); }
  bool number_unsigned(number_unsigned_t) override { return Scalar("a number"); }
  bool number_float(number_float_t, const string_t&) override { return Scalar("a number"); }
  bool binary(binary_t&) override { return Scalar("binary data"); }
  bool start_array(std::size_t) override { return Refuse("a list"); }
  bool end_array() override { return true; }

  bool string(string_t& text) override {
    if (state_ != State::kMap) return Scalar("a string");
    rows.back().second = std::move(text);
    return true;
  }

  bool start_object(std::size_t) override {
    switch (state_) {
      case State::kStart:
        state_ = State::kTop;
        return true;
      case State::kMapStart:
        state_ = State::kMap;
        return true;
      case State::kMetadataStart:
        state_ = State::kMetadata;
        return true;
      default:
        return Refuse("an object");
    }
  }

  bool end_object() override {
    state_ = state_ == State::kTop ? State::kStart : State::kTop;
    return true;
  }

  bool key(string_t& name) override {
    if (state_ == State::kMap) {
      rows.emplace_back(std::move(name), std::string());
      return true;
    }
    if (state_ != State::kTop) return true;
    const bool is_map = name == "weight_map";
    if (!is_map && name != "metadata") {
      problem = fmt::format("field {} is not known", Quoted(name));
      return false;
    }
    bool& seen = is_map ? has_map : has_metadata_;
    if (std::exchange(seen, true)) {
      problem = name + " stands twice";
      return false;
    }
    state_ = is_map ? State::kMapStart : State::kMetadataStart;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    if (problem.empty()) problem = ParserProblem(position, error.what());
    return false;
  }

  std::vector<std::pair<std::string, std::string>> rows;  // tensor, file
  bool has_map = false;
  std::string problem;

 private:
  enum class State { kStart, kTop, kMapStart, kMap, kMetadataStart, kMetadata };

  bool Scalar(const char* found) { return state_ == State::kMetadata || Refuse(found); }

  bool Refuse(const char* found) {
    switch (state_) {
      case State::kStart:
      case State::kTop:
        problem = fmt::format("{} found, wanted a JSON object", found);
        break;
      case State::kMapStart:
        problem = fmt::format("weight_map is {}, wanted an object", found);
        break;
      case State::kMap:
        problem = fmt::format("weight_map: tensor {} maps to {}, wanted a file name",
                              Quoted(rows.back().first), found);
        break;
      case State::kMetadataStart:
      case State::kMetadata:
        problem = fmt::format("metadata is or holds {}, wanted an object of plain values", found);
        break;
    }
    return false;
  }

  State state_ = State::kStart;
  bool has_metadata_ = false;
};

// A name, never a path: an index must not be able to open files outside its folder.
bool IsPlainShardName(std::string_view name) {
  constexpr std::string_view kSuffix = ".safetensors";
  if (name.size() <= kSuffix.size() || name.size() > 255 || name.front() == '.') return false;
  if (name.substr(name.size() - kSuffix.size()) != kSuffix) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return c != '/' && c != '\\' && static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
  });
}

Result<std::vector<std::string>> FileNames(
    const std::vector<std::pair<std::string, std::string>>& rows, const std::string& where) {
  std::vector<std::string_view> names;
  names.reserve(rows.size());
  for (const auto& row : rows) names.push_back(row.second);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() > kMaxShards) {
    return Err(Code::kInvalidModel, where, ": ", names.size(), " shards, at most ", kMaxShards,
               " are read");
  }
  for (const std::string_view name : names) {
    if (!IsPlainShardName(name)) {
      return Err(Code::kInvalidModel, where, ": weight_map names the shard ", Quoted(name),
                 ", wanted a plain file name that ends in .safetensors");
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace

Result<ShardIndex> ParseShardIndex(std::string_view text, const std::string& where) {
  const std::string nul = NulProblem(text);
  if (!nul.empty()) return Err(Code::kInvalidModel, where, ": ", nul);
  IndexSax sax;
  if (!Json::sax_parse(text, &sax)) return Err(Code::kInvalidModel, where, ": ", sax.problem);
  if (!sax.has_map) return Err(Code::kInvalidModel, where, ": weight_map is missing");
  if (sax.rows.empty()) return Err(Code::kInvalidModel, where, ": weight_map is empty");

  ShardIndex index;
  WEIR_ASSIGN_OR_RETURN(index.files, FileNames(sax.rows, where));
  std::sort(sax.rows.begin(), sax.rows.end());
  index.entries.reserve(sax.rows.size());
  for (auto& [tensor, file] : sax.rows) {
    if (!index.entries.empty() && index.entries.back().tensor == tensor) {
      return Err(Code::kInvalidModel, where, ": tensor ", Quoted(tensor), " stands twice");
    }
    const auto at = std::lower_bound(index.files.begin(), index.files.end(), file);
    const auto shard = static_cast<int32_t>(at - index.files.begin());
    index.entries.push_back({.tensor = std::move(tensor), .shard = shard});
  }
  return index;
}

Result<ShardIndex> LoadShardIndex(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > kMaxIndexBytes) {
    return Err(Code::kInvalidModel, path, ": ", bytes.size(), " bytes, at most ", kMaxIndexBytes,
               " are read");
  }
  return ParseShardIndex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

}  // namespace weir
