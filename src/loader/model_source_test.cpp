// SPDX-License-Identifier: Apache-2.0
#include "loader/model_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/synth/writer.h"
#include "loader/test_files.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string WriteTiny(const TestFolder& parent) {
  std::string folder = parent.File("tiny-model");
  const auto report = WriteSynthModel({.preset = "tiny", .folder = folder});
  EXPECT_TRUE(report) << report.error().message;
  return folder;
}

Error MustFail(const std::string& spec) {
  const auto model = OpenModel(spec);
  EXPECT_FALSE(model) << spec;
  return model ? Error{} : model.error();
}

TEST(ModelSource, OpensAFolder) {
  TestFolder parent;
  const std::string folder = WriteTiny(parent);
  for (const std::string& spec : {folder, folder + "/", folder + "/."}) {
    const auto model = OpenModel(spec);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->name, "tiny-model");
    EXPECT_EQ(model->where, spec);
    EXPECT_EQ(model->config.architecture, "Qwen3ForCausalLM");
    EXPECT_EQ(model->generation.top_k, 20);
    EXPECT_THAT(model->tokenizer_json, HasSubstr("<|im_start|>"));
    EXPECT_THAT(model->chat_template, HasSubstr("add_generation_prompt"));
    EXPECT_NE(model->weights->Find("lm_head.weight"), nullptr);
  }
}

TEST(ModelSource, ASyntheticModelIsTheSameAsItsFolder) {
  TestFolder parent;
  const auto written = OpenModel(WriteTiny(parent));
  const auto made = OpenModel("synth:tiny");
  ASSERT_TRUE(written && made);
  EXPECT_EQ(made->name, "synth:tiny");
  EXPECT_EQ(made->tokenizer_json, written->tokenizer_json);
  EXPECT_EQ(made->chat_template, written->chat_template);
  EXPECT_EQ(made->config.head_dim, written->config.head_dim);
  EXPECT_THAT(made->config.eos_token_ids, ElementsAre(1023));
  EXPECT_THAT(made->generation.eos_token_ids, ElementsAre(1023, 1021));
  for (const std::string& name : made->weights->Names()) {
    const TensorInfo* info = made->weights->Find(name);
    ASSERT_NE(written->weights->Find(name), nullptr) << name;
    EXPECT_EQ(written->weights->Find(name)->shape, info->shape);
    std::vector<std::byte> a;
    std::vector<std::byte> b;
    const auto left = made->weights->Rows(name, 0, info->shape[0], a);
    const auto right = written->weights->Rows(name, 0, info->shape[0], b);
    EXPECT_TRUE(std::equal(left.begin(), left.end(), right.begin(), right.end())) << name;
  }
}

TEST(ModelSource, SyntheticNamesAreCheckedWhole) {
  const auto seeded = OpenModel("synth:tiny,seed=18446744073709551615");
  ASSERT_TRUE(seeded) << seeded.error().message;
  EXPECT_EQ(seeded->name, "synth:tiny");
  EXPECT_THAT(MustFail("synth:huge").message,
              HasSubstr("\"huge\" is not known, wanted one of tiny, qwen3-0.6b, qwen3-1.7b"));
  for (const char* spec :
       {"synth:", "synth:tiny ", "synth:tiny,", "synth:tiny,seed=", "synth:tiny,seed=-1",
        "synth:tiny,seed=1x", "synth:tiny,seed= 1", "synth:tiny,seed=18446744073709551616",
        "synth:tiny,sed=1", "synth:tiny,seed=1,seed=2"}) {
    MustFail(spec);
  }
}

TEST(ModelSource, AMissingFolderSaysWhatIsWanted) {
  TestFolder parent;
  const Error missing = MustFail(parent.File("nothing"));
  EXPECT_EQ(missing.code, Code::kNotFound);
  EXPECT_THAT(missing.message, HasSubstr("does not exist, wanted a folder with config.json"));
  parent.Write("file", "x");
  EXPECT_THAT(MustFail(parent.File("file")).message, HasSubstr("not a folder"));
  EXPECT_THAT(MustFail(parent.path()).message, HasSubstr("config.json is missing"));
  MustFail("");
}

TEST(ModelSource, MissingFilesAreNamed) {
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"}) {
    TestFolder parent;
    const std::string folder = WriteTiny(parent);
    std::filesystem::remove(folder + "/" + name);
    const Error error = MustFail(folder);
    EXPECT_EQ(error.code, Code::kNotFound) << name;
    EXPECT_THAT(error.message, HasSubstr(name));
  }
  for (const char* name : {"generation_config.json", "tokenizer_config.json"}) {
    TestFolder parent;
    const std::string folder = WriteTiny(parent);
    std::filesystem::remove(folder + "/" + name);
    EXPECT_TRUE(OpenModel(folder)) << name << " is not needed";
  }
}

TEST(ModelSource, TheChatTemplateHasThreeHomes) {
  TestFolder parent;
  const std::string folder = WriteTiny(parent);
  const auto with = [&](const std::string& tokenizer_config) {
    parent.Write("tiny-model/tokenizer_config.json", tokenizer_config);
    const auto model = OpenModel(folder);
    return model ? model->chat_template : "error: " + model.error().message;
  };
  EXPECT_EQ(with(R"({})"), "");
  EXPECT_EQ(with(R"({"chat_template":null})"), "");
  EXPECT_EQ(with(R"({"chat_template":"T"})"), "T");
  EXPECT_EQ(with(R"({"chat_template":[{"name":"rag","template":"R"},)"
                 R"({"name":"default","template":"D"}]})"),
            "D");
  EXPECT_THAT(with(R"({"chat_template":[{"name":"rag","template":"R"}]})"),
              HasSubstr("without a \"default\" entry"));
  EXPECT_THAT(with(R"({"chat_template":["x"]})"), HasSubstr("error: "));
  EXPECT_THAT(with(R"({"chat_template":7})"), HasSubstr("chat_template is 7, wanted a string"));
  EXPECT_THAT(with("{"), HasSubstr("error: "));
  EXPECT_THAT(with("{\"chat_template\":\"" + std::string((1 << 20) + 1, 'x') + "\"}"),
              HasSubstr("at most 1048576 are read"));
  parent.Write("tiny-model/chat_template.jinja", "J");
  EXPECT_EQ(with(R"({"chat_template":"T"})"), "J");
}

TEST(ModelSource, SpecialTokensAreTextsOrObjects) {
  TestFolder parent;
  const std::string folder = WriteTiny(parent);
  const auto with = [&](const std::string& tokenizer_config) {
    parent.Write("tiny-model/tokenizer_config.json", tokenizer_config);
    const auto model = OpenModel(folder);
    return model ? model->special_tokens.dump() : "error: " + model.error().message;
  };
  EXPECT_EQ(with(R"({})"), "{}");
  EXPECT_EQ(with(R"({"bos_token":null,"eos_token":"<|e|>","add_bos_token":true})"),
            R"({"eos_token":"<|e|>"})");
  EXPECT_EQ(with(R"({"bos_token":{"content":"<s>","lstrip":false},"pad_token":""})"),
            R"({"bos_token":"<s>","pad_token":""})");
  EXPECT_THAT(with(R"({"bos_token":7})"), HasSubstr("bos_token is 7, wanted a string"));
  EXPECT_THAT(with(R"({"eos_token":{"text":"x"}})"), HasSubstr("eos_token"));
}

TEST(ModelSource, TokensOutsideOfTheVocabularyAreRefused) {
  TestFolder parent;
  const std::string folder = WriteTiny(parent);
  parent.Write("tiny-model/generation_config.json", R"({"eos_token_id":[1,1024]})");
  EXPECT_THAT(MustFail(folder).message,
              HasSubstr("eos_token_id 1024 is outside the vocabulary of 1024"));
}

}  // namespace
}  // namespace weir
