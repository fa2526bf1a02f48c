// SPDX-License-Identifier: Apache-2.0
//
// What FromJson refuses. Each case changes the tiny tokenizer in one place.
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include "text/tokenizer_test_util.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Error ErrorOfText(const std::string& text) {
  const auto tokenizer = Tokenizer::FromJson(text, "m/tokenizer.json");
  EXPECT_FALSE(tokenizer) << text.substr(0, 200);
  if (tokenizer) return {};
  EXPECT_THAT(tokenizer.error().message, testing::StartsWith("m/tokenizer.json"));
  EXPECT_LT(tokenizer.error().message.size(), 2000u);
  return tokenizer.error();
}

Error ErrorAfter(const std::function<void(Json&)>& change) {
  Json json = TinyTokenizerJson();
  change(json);
  return ErrorOfText(json.dump());
}

void ExpectError(const std::function<void(Json&)>& change, Code code,
                 const testing::Matcher<const std::string&>& message) {
  const Error error = ErrorAfter(change);
  EXPECT_EQ(error.code, code) << error.message;
  EXPECT_THAT(error.message, message);
}

TEST(TokenizerJson, TextThatIsNoJsonObject) {
  EXPECT_EQ(ErrorOfText("").code, Code::kInvalidModel);
  EXPECT_EQ(ErrorOfText("{").code, Code::kInvalidModel);
  EXPECT_EQ(ErrorOfText("null").code, Code::kInvalidModel);
  EXPECT_EQ(ErrorOfText("[]").code, Code::kInvalidModel);
  EXPECT_EQ(ErrorOfText("{}").code, Code::kUnsupported) << "no pre_tokenizer";
  EXPECT_EQ(ErrorOfText("{} {}").code, Code::kInvalidModel);
  EXPECT_EQ(ErrorOfText("{\"version\": \"\xFF\"}").code, Code::kInvalidModel);
}

TEST(TokenizerJson, EveryTruncationIsAnError) {
  const std::string text = TinyTokenizerJson().dump();
  for (size_t size = 0; size < text.size(); size += 7) ErrorOfText(text.substr(0, size));
}

TEST(TokenizerJson, NestingIsLimited) {
  EXPECT_THAT(ErrorOfText(std::string(1000000, '[')).message, HasSubstr("nested deeper than"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_THAT(ErrorOfText(objects).message, HasSubstr("nested deeper than"));
  EXPECT_THAT(ErrorOfText("{\"model\":{\"merges\":[[[").message, HasSubstr("model.merges[0]"));
  EXPECT_THAT(ErrorOfText("{\"model\":{\"vocab\":{\"a\":{").message,
              HasSubstr("model.vocab[\"a\"]"));
}

TEST(TokenizerJson, KeysStandOnce) {
  EXPECT_THAT(ErrorOfText(R"({"version": "1.0", "version": "1.0"})").message,
              HasSubstr("key \"version\" stands twice"));
  EXPECT_THAT(ErrorOfText(R"({"model": {"merges": [], "merges": []}})").message,
              HasSubstr("key \"merges\" stands twice"));
  EXPECT_THAT(ErrorOfText(R"({"model": {"vocab": {}, "vocab": {}}})").message,
              HasSubstr("key \"vocab\" stands twice"));
  std::string text = TinyTokenizerJson().dump();
  text.replace(text.find("\"hell\":258"), 10, "\"hell\":258,\"hell\":261");
  EXPECT_THAT(ErrorOfText(text).message, HasSubstr("token \"hell\" has ids 258 and 261"));
}

TEST(TokenizerJson, FieldsThatWeirDoesNotKnow) {
  for (const char* place : {"/new", "/model/new", "/decoder/new", "/normalizer/new",
                            "/pre_tokenizer/new", "/added_tokens/0/new"}) {
    ExpectError([&](Json& json) { json[Json::json_pointer(place)] = 1; }, Code::kUnsupported,
                HasSubstr("new: a field that Weir does not know"));
  }
}

TEST(TokenizerJson, StepsThatWouldChangeTheIdsAreRefusedByName) {
  const std::pair<const char*, Json> cases[] = {
      {"/version", "2.0"},
      {"/truncation", {{"max_length", 5}}},
      {"/padding", {{"strategy", "BatchLongest"}}},
      {"/normalizer/type", "NFKC"},
      {"/pre_tokenizer/pretokenizers/0/type", "Punctuation"},
      {"/pre_tokenizer/pretokenizers/0/behavior", "Removed"},
      {"/pre_tokenizer/pretokenizers/0/invert", true},
      {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\\s+"},
      {"/pre_tokenizer/pretokenizers/1/add_prefix_space", true},
      {"/pre_tokenizer/pretokenizers/1/use_regex", true},
      {"/pre_tokenizer", nullptr},
      {"/post_processor/type", "TemplateProcessing"},
      {"/decoder/type", "Metaspace"},
      {"/decoder", nullptr},
      {"/model/type", "Unigram"},
      {"/model/dropout", 0.1},
      {"/model/byte_fallback", true},
      {"/model/continuing_subword_prefix", "##"},
      {"/model/end_of_word_suffix", "</w>"},
      {"/added_tokens/0/single_word", true},
      {"/added_tokens/0/lstrip", true},
      {"/added_tokens/0/rstrip", true},
      {"/added_tokens/0/content", ""},
      {"/added_tokens/0/content", std::string(257, 'x')},
  };
  for (const auto& [place, value] : cases) {
    SCOPED_TRACE(place);
    const Error error = ErrorAfter(
        [&, where = place, what = value](Json& json) { json[Json::json_pointer(where)] = what; });
    EXPECT_EQ(error.code, Code::kUnsupported) << error.message;
    // Where: the path, up to the object whose type is wrong.
    const std::string name = std::string(place).substr(1, std::string(place).find('/', 1) - 1);
    EXPECT_THAT(error.message, HasSubstr(name));
  }
}

TEST(TokenizerJson, FieldsOfTheWrongKind) {
  for (const char* place :
       {"/normalizer", "/pre_tokenizer", "/pre_tokenizer/pretokenizers",
        "/pre_tokenizer/pretokenizers/0", "/pre_tokenizer/pretokenizers/0/pattern", "/decoder",
        "/post_processor", "/model", "/model/vocab", "/model/merges", "/model/type",
        "/model/fuse_unk", "/model/unk_token", "/added_tokens", "/added_tokens/0",
        "/added_tokens/0/id", "/added_tokens/0/content", "/added_tokens/0/special"}) {
    SCOPED_TRACE(place);
    const Error error = ErrorAfter([&](Json& json) { json[Json::json_pointer(place)] = 3.5; });
    EXPECT_THAT(error.message, HasSubstr("wanted"));
  }
}

TEST(TokenizerJson, TablesOfTheModelMustBeThere) {
  ExpectError([](Json& json) { json["model"].erase("vocab"); }, Code::kInvalidModel,
              HasSubstr("model.vocab: found nothing"));
  ExpectError([](Json& json) { json["model"].erase("merges"); }, Code::kInvalidModel,
              HasSubstr("model.merges: found nothing"));
  ExpectError([](Json& json) { json["model"]["vocab"] = Json::array(); }, Code::kInvalidModel,
              HasSubstr("model.vocab: found an array, wanted an object"));
  ExpectError([](Json& json) { json["model"]["merges"] = Json::object(); }, Code::kInvalidModel,
              HasSubstr("model.merges: found an object, wanted an array"));
  ExpectError([](Json& json) { json["model"]["vocab"] = Json::object(); }, Code::kInvalidModel,
              HasSubstr("byte 0"));
}

TEST(TokenizerJson, IdsAreNeitherNegativeNorHugeNorShared) {
  const auto with_id = [](const Json& id) {
    return [id](Json& json) { json["model"]["vocab"]["hell"] = id; };
  };
  ExpectError(with_id(-1), Code::kInvalidModel,
              AllOf(HasSubstr("model.vocab[\"hell\"]"), HasSubstr("-1")));
  ExpectError(with_id(int64_t{1} << 31), Code::kInvalidModel, HasSubstr("model.vocab[\"hell\"]"));
  ExpectError(with_id(UINT64_MAX), Code::kInvalidModel, HasSubstr("model.vocab[\"hell\"]"));
  ExpectError(with_id(1e300), Code::kInvalidModel, HasSubstr("found number, wanted"));
  ExpectError(with_id("1"), Code::kInvalidModel, HasSubstr("found string, wanted"));
  ExpectError(with_id(nullptr), Code::kInvalidModel, HasSubstr("found null, wanted"));
  // An id far above the number of tokens would cost memory that the file does not have.
  ExpectError(with_id(INT32_MAX), Code::kInvalidModel,
              AllOf(HasSubstr("\"hell\" has id 2147483647"), HasSubstr("wanted 0 to 1546")));
  ExpectError(with_id(257), Code::kInvalidModel, HasSubstr("id 257 is both \"ll\" and \"hell\""));
  ExpectError([](Json& json) { json["added_tokens"][0]["id"] = 258; }, Code::kInvalidModel,
              HasSubstr("id 258 is both \"hell\" and \"<s>\""));
  ExpectError([](Json& json) { json["added_tokens"][0]["id"] = 260; }, Code::kInvalidModel,
              HasSubstr("id 260 is both"));
  ExpectError([](Json& json) { json["added_tokens"][0]["id"] = -5; }, Code::kInvalidModel,
              HasSubstr("added_tokens[0].id: found -5"));
}

TEST(TokenizerJson, VocabularyEntriesAreByteLevelTexts) {
  for (const char* text : {" ", "\u4F60", "\u0144", "h\n", "\xC2\xAD"}) {
    ExpectError([text](Json& json) { json["model"]["vocab"][text] = 261; }, Code::kInvalidModel,
                HasSubstr("outside the byte-level alphabet"));
  }
  ExpectError([](Json& json) { json["model"]["vocab"][""] = 261; }, Code::kInvalidModel,
              HasSubstr("id 261 is an empty token"));
  // The double of an added token may be anything.
  Json json = TinyTokenizerJson();
  json["added_tokens"][0]["content"] = "<\u4F60 s>";
  json["model"]["vocab"]["<\u4F60 s>"] = 259;
  EXPECT_THAT(TokenizerOf(json).Encode("<\u4F60 s>"), testing::ElementsAre(259));
}

TEST(TokenizerJson, MessagesAreShortWhateverTheFileSays) {
  const std::string name(1 << 20, 'h');
  const auto is_short =
      testing::ResultOf([](const auto& m) { return m.size(); }, testing::Le(700u));
  ExpectError([&](Json& json) { json["model"]["vocab"][name] = -1; }, Code::kInvalidModel,
              is_short);
  ExpectError([&](Json& json) { json["model"]["vocab"][name] = 1; }, Code::kInvalidModel, is_short);
  ExpectError([&](Json& json) { json[name] = 1; }, Code::kUnsupported, is_short);
  ExpectError([&](Json& json) { json["model"]["unk_token"] = name; }, Code::kInvalidModel,
              is_short);
}

TEST(TokenizerJson, AnAddedTokenHasOneId) {
  ExpectError([](Json& json) { json["model"]["vocab"]["<s>"] = 300; }, Code::kInvalidModel,
              HasSubstr("\"<s>\" has id 300 in model.vocab and 259 in added_tokens"));
  ExpectError([](Json& json) { json["added_tokens"][1]["content"] = "<s>"; }, Code::kInvalidModel,
              HasSubstr("\"<s>\" stands twice"));
  ExpectError(
      [](Json& json) {
        json["added_tokens"][0]["content"] = "<\u00E9>";
        json["added_tokens"][1]["content"] = "<e\u0301>";
        for (int i : {0, 1}) json["added_tokens"][i]["normalized"] = true;
      },
      Code::kInvalidModel, HasSubstr("stands twice once normalised"));
}

TEST(TokenizerJson, MergesAreOfKnownTokens) {
  const auto with_merge = [](const Json& merge) {
    return [merge](Json& json) { json["model"]["merges"].push_back(merge); };
  };
  ExpectError(with_merge("hel l"), Code::kInvalidModel,
              HasSubstr("model.merges[3]: \"hel\" is not in model.vocab"));
  ExpectError(with_merge("h ello"), Code::kInvalidModel, HasSubstr("\"ello\" is not"));
  ExpectError(with_merge("l h"), Code::kInvalidModel,
              HasSubstr("\"h\" merged with what is before it is not in model.vocab"));
  ExpectError(with_merge("\u4F60 h"), Code::kInvalidModel, HasSubstr("model.merges[3]"));
  for (const Json& merge :
       {Json("hell"), Json("h e l"), Json(""), Json("h  e"), Json(1), Json(), Json::array(),
        Json::array({"h"}), Json::array({"h", "e", "l"}), Json::array({"h", 1}), Json::object()}) {
    ExpectError(with_merge(merge), Code::kInvalidModel, HasSubstr("model.merges[3]"));
  }
}

TEST(TokenizerJson, AByteWithoutTokenNeedsAnUnknownToken) {
  ExpectError([](Json& json) { json["model"]["vocab"].erase("z"); }, Code::kInvalidModel,
              HasSubstr("byte 122 (\"z\") has no token, wanted all 256 or an unk_token"));
  ExpectError([](Json& json) { json["model"]["unk_token"] = "<unk>"; }, Code::kInvalidModel,
              HasSubstr("model.unk_token: \"<unk>\" is not in model.vocab"));
  Json json = TinyTokenizerJson();
  json["model"]["vocab"].erase("z");
  json["model"]["unk_token"] = "he";
  EXPECT_THAT(TokenizerOf(json).Encode("zz"), testing::ElementsAre(256, 256));
}

TEST(TokenizerJson, TheOrderOfTheFileDoesNotMatter) {
  Json json = TinyTokenizerJson();
  Json model = {{"merges", json["model"]["merges"]}};  // before the vocabulary that it needs
  for (const auto& [key, value] : json["model"].items()) model[key] = value;
  Json reordered = {{"model", model}};
  for (const auto& [key, value] : json.items()) reordered[key] = value;
  EXPECT_EQ(TokenizerOf(reordered).Encode("hello"), TinyTokenizer().Encode("hello"));
}

}  // namespace
}  // namespace weir
