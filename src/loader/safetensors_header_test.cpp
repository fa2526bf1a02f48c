// SPDX-License-Identifier: Apache-2.0
#include "loader/safetensors_header.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/test_files.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<std::vector<SafetensorsTensor>> Parse(const std::string& file) {
  return ParseSafetensorsHeader(std::as_bytes(std::span(file)), file.size(), "x.safetensors");
}

Result<std::vector<SafetensorsTensor>> Parse(const std::string& header, const std::string& data) {
  return Parse(SafetensorsFile(header, data));
}

TEST(SafetensorsHeader, TensorsComeInOrderOfName) {
  const auto tensors = Parse(R"({"__metadata__":{"format":"pt"},)"
                             R"("b":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},)"
                             R"("a":{"shape":[1],"data_offsets":[12,16],"dtype":"F32"}}   )",
                             std::string(16, 'x'));
  ASSERT_TRUE(tensors) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 2u);
  EXPECT_EQ((*tensors)[0].name, "a");
  EXPECT_EQ((*tensors)[0].type->dtype, DType::kF32);
  EXPECT_EQ((*tensors)[0].size, 4u);
  EXPECT_EQ((*tensors)[1].name, "b");
  EXPECT_THAT((*tensors)[1].shape, ElementsAre(2, 3));
  EXPECT_EQ((*tensors)[1].begin + 12, (*tensors)[0].begin);
}

TEST(SafetensorsHeader, SmallThingsAreLegal) {
  EXPECT_TRUE(Parse("{}", ""));
  EXPECT_TRUE(Parse(R"({"__metadata__":{}})", ""));
  // A scalar has one element, and an empty tensor none; it may share its place with another.
  const auto tensors = Parse(R"({"empty":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},)"
                             R"("scalar":{"dtype":"F16","shape":[],"data_offsets":[0,2]},)"
                             R"("end":{"dtype":"F16","shape":[3,0],"data_offsets":[2,2]}})",
                             "xx");
  ASSERT_TRUE(tensors) << tensors.error().message;
}

TEST(SafetensorsHeader, TypesThatCannotBeReadAreListed) {
  const auto tensors = Parse(R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"F4","shape":[6],"data_offsets":[8,11]}})",
                             std::string(11, 'x'));
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_EQ((*tensors)[0].type->dtype, std::nullopt);
  EXPECT_STREQ((*tensors)[1].type->name, "F4");
}

TEST(SafetensorsHeader, LengthLies) {
  const std::pair<std::string, const char*> lies[] = {
      {"", "0 bytes, wanted at least the 8"},
      {"1234567", "7 bytes, wanted at least the 8"},
      {Length64(0), "header is not JSON"},
      {Length64(3) + "{}", "claims 3 bytes, but only 2 follow"},
      {Length64(1) + "{}", "header is not JSON"},
      {Length64(uint64_t{1} << 63) + "{}", "claims 9223372036854775808 bytes, at most 100000000"},
      {Length64(~uint64_t{0}) + "{}", "claims 18446744073709551615 bytes, at most"},
      {Length64(100'000'001) + "{}", "at most 100000000"},
      {Length64(100'000'000) + "{}", "only 2 follow"},
  };
  for (const auto& [file, message] : lies) {
    const auto tensors = Parse(file);
    ASSERT_FALSE(tensors) << message;
    EXPECT_EQ(tensors.error().code, Code::kInvalidModel);
    EXPECT_THAT(tensors.error().message, HasSubstr(message));
    EXPECT_THAT(tensors.error().message, HasSubstr("x.safetensors: "));
  }
}

// One tensor `t` with this inside, over `num_bytes` bytes of data.
void ExpectRefused(const std::string& inside, size_t num_bytes, const char* message) {
  const auto tensors = Parse("{\"t\":" + inside + "}", std::string(num_bytes, 'x'));
  ASSERT_FALSE(tensors) << inside;
  EXPECT_THAT(tensors.error().message, HasSubstr(message)) << inside;
}

TEST(SafetensorsHeader, FieldLies) {
  const auto refused = ExpectRefused;
  refused(R"([])", 0, "\"t\" is a list, wanted an object");
  refused(R"(null)", 0, "\"t\" is null, wanted an object");
  refused(R"({})", 0, "is missing");
  refused(R"({"dtype":"F32","shape":[1]})", 4, "is missing");
  refused(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1})", 4, "\"x\" is not known");
  refused(R"({"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]})", 4,
          "dtype stands twice");
  refused(R"({"dtype":"F31","shape":[1],"data_offsets":[0,4]})", 4, "dtype \"F31\" is not known");
  refused(R"({"dtype":["F32"],"shape":[1],"data_offsets":[0,4]})", 4, "dtype is a list");
  refused(R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})", 4, "shape is 1, wanted a list");
  refused(R"({"dtype":"F32","shape":{},"data_offsets":[0,4]})", 4, "shape is an object");
  refused(R"({"dtype":"F32","shape":["1"],"data_offsets":[0,4]})", 4, "shape holds a string");
  refused(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})", 4, "shape holds 1.0");
  refused(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4, "shape holds -1");
  refused(R"({"dtype":"F32","shape":[[1]],"data_offsets":[0,4]})", 4, "shape holds a list");
  refused(R"({"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]})", 4, "2^63");
  refused(R"({"dtype":"F32","shape":[1e3],"data_offsets":[0,4]})", 4, "shape holds 1e3");
  refused(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]})", 4, "more than 8");
  refused(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})", 4, "holds 1 numbers, wanted 2");
  refused(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,8]})", 4, "more than 2");
  refused(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})", 4, "ascending pair");
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 4, "within the file's 4 bytes");
  refused(R"({"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]})", 4, "within");
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", 4, "4 bytes, but F32 [2] needs 8");
  refused(R"({"dtype":"F4","shape":[1],"data_offsets":[0,1]})", 1, "does not exist");
  // 2^32 * 2^32 * 4 bytes is 0 in 64 bits, which would match an empty range.
  refused(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})", 0,
          "does not exist");
  refused(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})", 0,
          "does not exist");
}

TEST(SafetensorsHeader, EveryByteBelongsToOneTensor) {
  const auto two = [](const char* first, const char* second, size_t num_bytes) {
    const auto entry = [](const char* name, const char* offsets) {
      return fmt::format(R"("{}":{{"dtype":"F32","shape":[1],"data_offsets":{}}})", name, offsets);
    };
    const auto tensors = Parse("{" + entry("p", first) + "," + entry("q", second) + "}",
                               std::string(num_bytes, 'x'));
    return tensors ? std::string("accepted") : tensors.error().message;
  };
  EXPECT_EQ(two("[0,4]", "[4,8]", 8), "accepted");
  EXPECT_EQ(two("[4,8]", "[0,4]", 8), "accepted");
  EXPECT_THAT(two("[0,4]", "[0,4]", 8), HasSubstr("overlap"));
  EXPECT_THAT(two("[0,4]", "[2,6]", 8), HasSubstr("overlap"));
  EXPECT_THAT(two("[0,4]", "[6,10]", 10), HasSubstr("hole"));
  EXPECT_THAT(two("[1,5]", "[5,9]", 9), HasSubstr("hole"));
  EXPECT_THAT(two("[0,4]", "[4,8]", 9), HasSubstr("the last 1 bytes belong to no tensor"));
}

TEST(SafetensorsHeader, DocumentLies) {
  const std::pair<const char*, const char*> lies[] = {
      {"[]", "header is a list, wanted a JSON object"},
      {"null", "header is null"},
      {"\"x\"", "header is a string"},
      {"{", "header is not JSON"},
      {"{} {}", "header is not JSON"},
      {"{\"a\xFF\":1}", "header is not JSON"},
      {R"({"__metadata__":[]})", "__metadata__ is or holds a list"},
      {R"({"__metadata__":{"a":1}})", "__metadata__ is or holds 1"},
      {R"({"__metadata__":{"a":{}}})", "__metadata__ is or holds an object"},
      {R"({"__metadata__":{"a":"","a":""}})", "__metadata__: key \"a\" stands twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", "__metadata__ stands twice"},
      {R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
       R"("a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
       "tensor \"a\" stands twice"},
      // The same key in another spelling.
      {R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
       R"("\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
       "tensor \"a\" stands twice"},
  };
  for (const auto& [header, message] : lies) {
    const auto tensors = Parse(header, "");
    ASSERT_FALSE(tensors) << header;
    EXPECT_THAT(tensors.error().message, HasSubstr(message)) << header;
  }
  const auto nul = Parse(std::string("{}\0[", 4), "");
  ASSERT_FALSE(nul);
  EXPECT_THAT(nul.error().message, HasSubstr("header is not JSON at byte 2: a NUL byte"));
  const auto deep = Parse(std::string(1'000'000, '['), "");
  ASSERT_FALSE(deep);
}

TEST(SafetensorsHeader, LongNamesDoNotFillTheMessage) {
  const std::string name(1'000'000, 'n');
  const auto tensors = Parse("{\"" + name + "\":1}", "");
  ASSERT_FALSE(tensors);
  EXPECT_LT(tensors.error().message.size(), 400u);
}

TEST(SafetensorsHeader, HoldsManyTensors) {
  constexpr int kNumTensors = 100'000;
  std::string header = "{";
  for (int i = 0; i < kNumTensors; ++i) {
    header += fmt::format(R"({}"t{}":{{"dtype":"BF16","shape":[1],"data_offsets":[{},{}]}})",
                          i == 0 ? "" : ",", i, 2 * i, 2 * i + 2);
  }
  const auto tensors = Parse(header + "}", std::string(2 * kNumTensors, 'x'));
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_EQ(tensors->size(), static_cast<size_t>(kNumTensors));
}

}  // namespace
}  // namespace weir
