// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace weir {
namespace {

using ::testing::HasSubstr;

class MappedFileTest : public ::testing::Test {
 protected:
  MappedFileTest() {
    path_ = ::testing::TempDir() + "weir_mapped_file_" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  ~MappedFileTest() override { std::filesystem::remove_all(path_); }

  void Write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

  std::string path_;
};

std::string Text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST_F(MappedFileTest, HoldsTheWholeFile) {
  Write(std::string("a\0b", 3));
  const auto file = MappedFile::Open(path_);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(Text(*file), std::string("a\0b", 3));
  EXPECT_EQ(file->path(), path_);
}

TEST_F(MappedFileTest, EmptyFile) {
  Write("");
  const auto file = MappedFile::Open(path_);
  ASSERT_TRUE(file.has_value());
  EXPECT_TRUE(file->bytes().empty());
  file->Forget(0, 0);
  EXPECT_EQ(ReadFile(path_, 0), "");
}

TEST_F(MappedFileTest, MovesTheMemory) {
  Write("first");
  auto first = *MappedFile::Open(path_);
  Write("second one");
  auto second = *MappedFile::Open(path_);
  MappedFile moved = std::move(first);
  EXPECT_EQ(moved.bytes().size(), 5u);
  EXPECT_TRUE(first.bytes().empty());  // NOLINT: what a moved-from file holds is stated here
  moved = std::move(second);
  EXPECT_EQ(Text(moved), "second one");
}

TEST_F(MappedFileTest, ForgottenBytesComeBackFromTheFile) {
  const std::string text(100000, 'x');
  Write(text);
  const auto file = *MappedFile::Open(path_);
  EXPECT_EQ(Text(file), text);
  file.Forget(0, text.size());
  file.Forget(1, 5000);            // not a multiple of a page at either end
  file.Forget(90000, 1000000000);  // past the end
  EXPECT_EQ(Text(file), text);
}

TEST_F(MappedFileTest, SaysWhyItCannotBeOpened) {
  const auto missing = MappedFile::Open(path_);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr(path_));

  const auto folder = MappedFile::Open(::testing::TempDir());
  ASSERT_FALSE(folder.has_value());
  EXPECT_EQ(folder.error().code, Code::kIo);
  EXPECT_THAT(folder.error().message, HasSubstr("not a regular file"));

  Write("x");
  EXPECT_FALSE(MappedFile::Open(path_ + "/below").has_value());
  EXPECT_FALSE(MappedFile::Open("").has_value());
}

// Opening a pipe nobody writes to waits for ever unless it is asked not to.
TEST_F(MappedFileTest, APipeIsRefusedAtOnce) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const auto pipe = MappedFile::Open(path_);
  ASSERT_FALSE(pipe.has_value());
  EXPECT_THAT(pipe.error().message, HasSubstr("not a regular file"));
}

TEST_F(MappedFileTest, ReadFileIsBounded) {
  Write("12345");
  EXPECT_EQ(ReadFile(path_, 5), "12345");
  EXPECT_FALSE(ReadFile(path_, 4).has_value());
  EXPECT_FALSE(ReadFile(path_ + ".not", 4).has_value());
}

}  // namespace
}  // namespace weir
