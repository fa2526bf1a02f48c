// SPDX-License-Identifier: Apache-2.0
#include "attention/device_profile.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Json Valid() {
  return ParseJson(DumpDeviceProfile(BuiltinProfile("h200").value()), "valid").value();
}

Result<DeviceProfile> Parse(const Json& json) { return ParseDeviceProfile(json.dump(), "it"); }

// What the parser says about a profile with one field replaced.
std::string Problem(const char* key, const Json& value) {
  Json json = Valid();
  json[key] = value;
  const auto profile = Parse(json);
  return profile ? "" : profile.error().message;
}

constexpr const char* kCounts[] = {"sm_count", "num_workers", "tile_len", "min_payload_tiles",
                                   "q_tile_rows"};
constexpr const char* kConstants[] = {"total_gb_s", "worker_gb_s",    "item_us",      "launch_us",
                                      "merge_us",   "worker_gflop_s", "paged_gflop_s"};

TEST(DeviceProfile, TheProgramBringsTheseDevices) {
  EXPECT_THAT(BuiltinProfileNames(), ElementsAre("a100", "cpu", "h100", "h200", "s5000"));
  for (const std::string& name : BuiltinProfileNames()) {
    const auto profile = BuiltinProfile(name);
    ASSERT_TRUE(profile.has_value()) << profile.error().message;
    EXPECT_EQ(profile->name, name);
    EXPECT_EQ(profile->sources.size(), std::size(kCounts) + std::size(kConstants));
  }
}

// attention.md's fit; the pictures and figures of the documentation use it.
TEST(DeviceProfile, TheH200IsTheFittedOne) {
  const DeviceProfile h200 = BuiltinProfile("h200").value();
  EXPECT_EQ(h200.sm_count, 132);
  EXPECT_EQ(h200.num_workers, 264);
  EXPECT_EQ(h200.total_gb_s, 4250);
  EXPECT_EQ(h200.worker_gb_s, 35);
  EXPECT_EQ(h200.item_us, 1.2);
  EXPECT_EQ(h200.launch_us, 3);
  EXPECT_EQ(h200.merge_us, 1.5);
}

// The pull request's rule falls back to 60 where the device does not tell.
TEST(DeviceProfile, TheS5000HasThePublishedFallback) {
  EXPECT_EQ(BuiltinProfile("s5000").value().sm_count, 60);
}

TEST(DeviceProfile, AnUnknownNameIsShownWithTheKnownOnes) {
  for (const char* name : {"", "H200", "b300", "../profiles/h200", "h200.json"}) {
    const auto profile = BuiltinProfile(name);
    ASSERT_FALSE(profile.has_value()) << name;
    EXPECT_EQ(profile.error().code, Code::kNotFound);
    EXPECT_EQ(
        profile.error().message,
        fmt::format("device: found \"{}\", wanted one of a100, cpu, h100, h200, s5000", name));
  }
}

TEST(DeviceProfile, CpuThreadsAddUpUntilTheMemorySaturates) {
  const DeviceProfile one = DefaultCpuProfile(1);
  EXPECT_EQ(one.num_workers, 1);
  EXPECT_EQ(one.sm_count, 1);
  EXPECT_EQ(one.total_gb_s, one.worker_gb_s);
  const DeviceProfile two = DefaultCpuProfile(2);
  EXPECT_EQ(two.num_workers, 2);
  EXPECT_EQ(two.sm_count, 2);
  EXPECT_EQ(two.worker_gb_s, one.worker_gb_s);
  EXPECT_EQ(two.total_gb_s, 2 * one.worker_gb_s);
  const DeviceProfile many = DefaultCpuProfile(4096);
  EXPECT_EQ(many.num_workers, 4096);
  EXPECT_EQ(many.total_gb_s, BuiltinProfile("cpu").value().total_gb_s);
}

TEST(DeviceProfile, DumpAndParseGiveTheSame) {
  for (const std::string& name : BuiltinProfileNames()) {
    const std::string text = DumpDeviceProfile(BuiltinProfile(name).value());
    const auto again = ParseDeviceProfile(text, "dump");
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(DumpDeviceProfile(*again), text);
  }
}

TEST(DeviceProfile, AProfileWithoutSourcesSaysSo) {
  DeviceProfile profile = BuiltinProfile("cpu").value();
  profile.sources.clear();
  const auto again = ParseDeviceProfile(DumpDeviceProfile(profile), "dump");
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->sources.at("merge_us"), "not said");
}

TEST(DeviceProfile, EveryConstantMustBeThere) {
  std::vector<std::string> keys(std::begin(kCounts), std::end(kCounts));
  keys.insert(keys.end(), std::begin(kConstants), std::end(kConstants));
  for (const std::string& key : keys) {
    Json json = Valid();
    json.erase(key);
    const auto missing = Parse(json);
    ASSERT_FALSE(missing.has_value()) << key;
    EXPECT_EQ(missing.error().message, "it: " + key + " is missing");
    json = Valid();
    json["sources"].erase(key);
    const auto no_source = Parse(json);
    ASSERT_FALSE(no_source.has_value()) << key;
    EXPECT_EQ(no_source.error().message, "it: sources: " + key + " is missing");
  }
}

TEST(DeviceProfile, CountsAreIntegersInTheirRange) {
  for (const char* key : kCounts) {
    for (const Json& lie : {Json(-1), Json(1.5), Json(70000), Json(18446744073709551615u),
                            Json("16"), Json(nullptr), Json(true), Json::array({16})}) {
      EXPECT_THAT(Problem(key, lie), HasSubstr(std::string("it: ") + key + ": found ")) << lie;
    }
  }
  EXPECT_EQ(Problem("sm_count", 0), "") << "0 means unknown";
  EXPECT_THAT(Problem("num_workers", 0), HasSubstr("found 0, wanted an integer in [1, 65536]"));
  EXPECT_EQ(Problem("tile_len", 24), "it: tile_len: found 24, wanted a multiple of 16");
}

TEST(DeviceProfile, ConstantsArePositiveAndFinite) {
  for (const char* key : kConstants) {
    for (const Json& lie : {Json(0), Json(0.0), Json(-1.5), Json(-0.0), Json(1e10), Json(1e-7),
                            Json("1"), Json(nullptr), Json(false), Json::object()}) {
      EXPECT_THAT(Problem(key, lie),
                  HasSubstr(std::string("it: ") + key + ": found " +
                            (lie.is_object() ? "an object of 0 fields" : lie.dump()) +
                            ", wanted a number in [1e-06, 1e+09]"));
    }
  }
}

TEST(DeviceProfile, JsonHasNoOtherNumbers) {
  for (const char* number : {"NaN", "Infinity", "-Infinity", "1e999", "0x10", "+1", ".5"}) {
    std::string text = Valid().dump();
    const std::string field = "\"item_us\":1.2";
    const size_t at = text.find(field);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, field.size(), "\"item_us\":" + std::string(number));
    EXPECT_FALSE(ParseDeviceProfile(text, "it").has_value()) << number;
  }
}

TEST(DeviceProfile, AllWorkersReadAtLeastWhatOneReads) {
  EXPECT_EQ(Problem("worker_gb_s", 5000),
            "it: total_gb_s: found 4250, wanted at least worker_gb_s (5000)");
}

TEST(DeviceProfile, UnknownFieldsAreRefused) {
  EXPECT_EQ(Problem("merge_ms", 1), "it: unknown field \"merge_ms\"");
  Json json = Valid();
  json["sources"]["merge_ms"] = "x";
  EXPECT_EQ(Parse(json).error().message, "it: sources: unknown field \"merge_ms\"");
}

TEST(DeviceProfile, NamesCanStandInATable) {
  for (const Json& lie : {Json(""), Json(std::string(65, 'x')), Json("a\nb"), Json("\u00b5s"),
                          Json("\x1b[31m"), Json(7), Json(nullptr)}) {
    EXPECT_THAT(Problem("name", lie), HasSubstr("it: name: found ")) << lie;
  }
  EXPECT_EQ(Problem("name", "a <b> & \"c\""), "");
}

TEST(DeviceProfile, SourcesAreTexts) {
  EXPECT_EQ(Problem("sources", "the datasheet"),
            "it: sources: found \"the datasheet\", wanted an object");
  for (const Json& lie : {Json(""), Json(std::string(1001, 'x')), Json(7), Json(nullptr)}) {
    Json json = Valid();
    json["sources"]["item_us"] = lie;
    EXPECT_THAT(Parse(json).error().message, HasSubstr("it: sources: item_us: found "));
  }
}

TEST(DeviceProfile, TextThatIsNoProfile) {
  const std::string twice = R"({"name": "a", "name": "b"})";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("7"), std::string("null"),
        std::string("{} {}"), std::string("\0{}", 3), std::string(5000, '['), twice}) {
    const auto profile = ParseDeviceProfile(text, "it");
    ASSERT_FALSE(profile.has_value()) << text;
    EXPECT_THAT(profile.error().message, HasSubstr("it: "));
    EXPECT_LT(profile.error().message.size(), 400u);
    EXPECT_EQ(profile.error().code, Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace weir
