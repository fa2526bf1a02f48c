// SPDX-License-Identifier: Apache-2.0
#include "attention/device_profile.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "attention/builtin_profiles.h"
#include "base/check.h"
#include "base/error.h"
#include "base/json.h"

namespace weir {
namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxSourceBytes = 1000;
constexpr size_t kMaxShownBytes = 80;

struct Count {
  const char* key;
  int32_t DeviceProfile::*member;
  int32_t min;
  int32_t max;
};

constexpr Count kCounts[] = {
    {"sm_count", &DeviceProfile::sm_count, 0, 1 << 16},
    {"num_workers", &DeviceProfile::num_workers, 1, 1 << 16},
    {"tile_len", &DeviceProfile::tile_len, 16, 4096},
    {"min_payload_tiles", &DeviceProfile::min_payload_tiles, 1, 4096},
    {"q_tile_rows", &DeviceProfile::q_tile_rows, 1, 4096},
};

// Wide enough for any device, narrow enough that no time overflows or vanishes.
constexpr double kMinConstant = 1e-6;
constexpr double kMaxConstant = 1e9;

struct Constant {
  const char* key;
  double DeviceProfile::*member;
};

constexpr Constant kConstants[] = {
    {"total_gb_s", &DeviceProfile::total_gb_s},
    {"worker_gb_s", &DeviceProfile::worker_gb_s},
    {"item_us", &DeviceProfile::item_us},
    {"launch_us", &DeviceProfile::launch_us},
    {"merge_us", &DeviceProfile::merge_us},
    {"worker_gflop_s", &DeviceProfile::worker_gflop_s},
    {"paged_gflop_s", &DeviceProfile::paged_gflop_s},
};

std::vector<std::string> ConstantKeys() {
  std::vector<std::string> keys;
  for (const Count& count : kCounts) keys.push_back(count.key);
  for (const Constant& constant : kConstants) keys.push_back(constant.key);
  return keys;
}

std::string Shown(const Json& value) {
  if (value.is_object()) return fmt::format("an object of {} fields", value.size());
  if (value.is_array()) return fmt::format("a list of {} values", value.size());
  if (!value.is_string()) return DumpJson(value);
  const auto& text = value.get_ref<const std::string&>();
  return DumpJson(text.substr(0, kMaxShownBytes)) + (text.size() > kMaxShownBytes ? "..." : "");
}

tl::unexpected<Error> Wrong(std::string_view where, std::string_view key, const Json& found,
                            std::string_view wanted) {
  return Err(Code::kInvalidArgument, where, ": ", key, ": found ", Shown(found), ", wanted ",
             wanted);
}

Result<const Json*> Find(const Json& object, const std::string& key, std::string_view where) {
  const auto it = object.find(key);
  if (it == object.end()) return Err(Code::kInvalidArgument, where, ": ", key, " is missing");
  return &*it;
}

// Refuses fields that nobody would read: a misspelt one is a constant that was not set.
Status CheckKeys(const Json& object, const std::vector<std::string>& known,
                 std::string_view where) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return Err(Code::kInvalidArgument, where, ": unknown field ", Shown(Json(key)));
    }
  }
  return Ok();
}

Result<int32_t> ReadCount(const Json& object, const Count& count, std::string_view where) {
  WEIR_ASSIGN_OR_RETURN(const Json* value, Find(object, count.key, where));
  const auto wanted = [&] { return fmt::format("an integer in [{}, {}]", count.min, count.max); };
  // Negative numbers are signed in the parser, all others unsigned.
  if (!value->is_number_unsigned()) return Wrong(where, count.key, *value, wanted());
  const auto number = value->get<uint64_t>();
  if (number < static_cast<uint64_t>(count.min) || number > static_cast<uint64_t>(count.max)) {
    return Wrong(where, count.key, *value, wanted());
  }
  return static_cast<int32_t>(number);
}

Result<double> ReadConstant(const Json& object, const char* key, std::string_view where) {
  WEIR_ASSIGN_OR_RETURN(const Json* value, Find(object, key, where));
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= kMinConstant && number <= kMaxConstant)) {
    return Wrong(where, key, *value,
                 fmt::format("a number in [{:g}, {:g}]", kMinConstant, kMaxConstant));
  }
  return number;
}

// Names stand in tables and pictures.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

Result<std::string> ReadName(const Json& object, std::string_view where) {
  WEIR_ASSIGN_OR_RETURN(const Json* value, Find(object, "name", where));
  const auto* name = value->get_ptr<const std::string*>();
  if (name == nullptr || name->empty() || name->size() > kMaxNameBytes || !IsPlain(*name)) {
    return Wrong(where, "name", *value, fmt::format("1 to {} ASCII characters", kMaxNameBytes));
  }
  return *name;
}

Result<std::map<std::string, std::string>> ReadSources(const Json& object,
                                                       const std::string& where) {
  WEIR_ASSIGN_OR_RETURN(const Json* sources, Find(object, "sources", where));
  if (!sources->is_object()) return Wrong(where, "sources", *sources, "an object");
  const std::vector<std::string> keys = ConstantKeys();
  const std::string inside = where + ": sources";
  WEIR_RETURN_IF_ERROR(CheckKeys(*sources, keys, inside));
  std::map<std::string, std::string> read;
  for (const std::string& key : keys) {
    WEIR_ASSIGN_OR_RETURN(const Json* value, Find(*sources, key, inside));
    const auto* text = value->get_ptr<const std::string*>();
    if (text == nullptr || text->empty() || text->size() > kMaxSourceBytes) {
      return Wrong(inside, key, *value, fmt::format("1 to {} bytes of text", kMaxSourceBytes));
    }
    read[key] = *text;
  }
  return read;
}

Status CheckTogether(const DeviceProfile& profile, std::string_view where) {
  if (profile.tile_len % 16 != 0) {
    return Err(Code::kInvalidArgument, where, ": tile_len: found ", profile.tile_len,
               ", wanted a multiple of 16");
  }
  if (profile.total_gb_s < profile.worker_gb_s) {
    return Err(Code::kInvalidArgument, where, ": total_gb_s: found ", profile.total_gb_s,
               ", wanted at least worker_gb_s (", profile.worker_gb_s, ")");
  }
  return Ok();
}

}  // namespace

Result<DeviceProfile> ParseDeviceProfile(std::string_view json, std::string_view where) {
  const std::string place(where);
  WEIR_ASSIGN_OR_RETURN(const Json object, ParseJson(json, where, Code::kInvalidArgument));
  if (!object.is_object()) {
    return Err(Code::kInvalidArgument, place, ": found ", Shown(object), ", wanted an object");
  }
  std::vector<std::string> keys = ConstantKeys();
  keys.insert(keys.end(), {"name", "sources"});
  WEIR_RETURN_IF_ERROR(CheckKeys(object, keys, place));
  DeviceProfile profile{};
  WEIR_ASSIGN_OR_RETURN(profile.name, ReadName(object, place));
  for (const Count& count : kCounts) {
    WEIR_ASSIGN_OR_RETURN(profile.*count.member, ReadCount(object, count, place));
  }
  for (const Constant& constant : kConstants) {
    WEIR_ASSIGN_OR_RETURN(profile.*constant.member, ReadConstant(object, constant.key, place));
  }
  WEIR_ASSIGN_OR_RETURN(profile.sources, ReadSources(object, place));
  WEIR_RETURN_IF_ERROR(CheckTogether(profile, place));
  return profile;
}

std::string DumpDeviceProfile(const DeviceProfile& profile) {
  Json object = {{"name", profile.name}};
  for (const Count& count : kCounts) object[count.key] = profile.*count.member;
  for (const Constant& constant : kConstants) object[constant.key] = profile.*constant.member;
  Json sources = Json::object();
  for (const std::string& key : ConstantKeys()) {
    const auto source = profile.sources.find(key);
    sources[key] = source == profile.sources.end() ? "not said" : source->second;
  }
  object["sources"] = std::move(sources);
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::vector<std::string> BuiltinProfileNames() {
  std::vector<std::string> names;
  for (const BuiltinProfileText& text : BuiltinProfileTexts()) names.emplace_back(text.name);
  return names;
}

Result<DeviceProfile> BuiltinProfile(std::string_view name) {
  std::string known;
  for (const BuiltinProfileText& text : BuiltinProfileTexts()) {
    if (text.name == name) return ParseDeviceProfile(text.json, name);
    known += (known.empty() ? "" : ", ") + std::string(text.name);
  }
  return Err(Code::kNotFound, "device: found ", Shown(Json(std::string(name))), ", wanted one of ",
             known);
}

DeviceProfile DefaultCpuProfile(int32_t num_threads) {
  WEIR_CHECK_GE(num_threads, 1);
  Result<DeviceProfile> one = BuiltinProfile("cpu");
  WEIR_CHECK(one.has_value());
  DeviceProfile profile = std::move(*one);
  profile.sm_count = num_threads;
  profile.num_workers = num_threads;
  profile.total_gb_s = std::min(num_threads * profile.worker_gb_s, profile.total_gb_s);
  return profile;
}

}  // namespace weir
