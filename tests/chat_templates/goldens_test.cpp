// SPDX-License-Identifier: Apache-2.0
//
// Every template of the corpus with every conversation gives, byte for byte, what Python's Jinja
// gives as Hugging Face configures it; and no user's byte is taken for the template's.
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/mapped_file.h"
#include "text/chat_template.h"

namespace weir {
namespace {

const std::string kFolder = WEIR_SOURCE_DIR "/tests/chat_templates/";

std::string Load(const std::string& path) {
  auto text = ReadFile(path, size_t{16} << 20);
  if (!text) ADD_FAILURE() << text.error().message;
  return std::move(*text);
}

Json LoadJson(const std::string& path) {
  auto json = ParseJson(Load(path), path);
  if (!json) ADD_FAILURE() << json.error().message;
  return std::move(*json);
}

std::vector<std::string> TemplateNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder + "templates")) {
    if (entry.path().extension() == ".jinja") names.push_back(entry.path().stem().string());
  }
  return names;
}

class Goldens : public testing::TestWithParam<std::string> {
 protected:
  const Json corpus_ = LoadJson(kFolder + "conversations.json");
  const Json goldens_ = LoadJson(kFolder + "goldens/" + GetParam() + ".json");
  const std::string source_ = Load(kFolder + "templates/" + GetParam() + ".jinja");
};

// The day that tools/chat_templates/hf_jinja.py stops the clock at.
RenderOptions OnFixedDate() {
  std::tm date = {};
  date.tm_year = 125;
  date.tm_mon = 2;
  date.tm_mday = 14;
  return {.now = date};
}

TEST_P(Goldens, EqualsPython) {
  const auto parsed = ChatTemplate::Parse(source_, GetParam(), corpus_["constants"]);
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_EQ(goldens_.size(), corpus_["conversations"].size());
  for (const auto& [name, variables] : corpus_["conversations"].items()) {
    SCOPED_TRACE(name);
    const auto rendered = parsed->RenderJson(variables, OnFixedDate());
    const Json& wanted = goldens_[name];
    EXPECT_EQ(rendered.has_value(), wanted.is_string())
        << (rendered ? rendered->text : rendered.error().message);
    if (!rendered || !wanted.is_string()) continue;
    EXPECT_EQ(rendered->text, wanted.get<std::string>());
  }
}

// Replaces what each message says by a text of bytes that no template holds.
Json WithMarks(const Json& value, const std::string& key = "") {
  if (value.is_string() && (key == "content" || key == "text" || key == "name")) {
    return "\x01" + value.get<std::string>() + "\x01";
  }
  if (!value.is_structured()) return value;
  Json marked = value.is_array() ? Json::array() : Json::object();
  for (const auto& [name, item] : value.items()) {
    if (value.is_array()) {
      marked.push_back(WithMarks(item, key));
    } else {
      marked[name] = WithMarks(item, name);
    }
  }
  return marked;
}

TEST_P(Goldens, EveryByteOfAMessageIsTheUsers) {
  const auto parsed = ChatTemplate::Parse(source_, GetParam(), corpus_["constants"]);
  ASSERT_TRUE(parsed) << parsed.error().message;
  int num_marks = 0;
  for (const auto& [name, variables] : corpus_["conversations"].items()) {
    SCOPED_TRACE(name);
    const auto rendered = parsed->RenderJson(WithMarks(variables), OnFixedDate());
    if (!rendered) continue;  // it refuses this conversation
    for (size_t i = 0; i < rendered->size(); ++i) {
      if (rendered->text[i] != '\x01') continue;
      ++num_marks;
      EXPECT_EQ(rendered->OriginOf(i, i + 1), Origin::kUser) << "byte " << i;
    }
    if (name.starts_with("control_tokens")) continue;  // names and roles spell them too
    for (size_t i = 0; (i = rendered->text.find("<|im_start|>", i)) != std::string::npos; ++i) {
      if (rendered->text.rfind('\x01', i) != std::string::npos) break;  // may be a message's
      EXPECT_EQ(rendered->OriginOf(i, i + 12), Origin::kTrusted) << "byte " << i;
    }
  }
  EXPECT_GT(num_marks, 50);
}

INSTANTIATE_TEST_SUITE_P(All, Goldens, testing::ValuesIn(TemplateNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace weir
