// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_sax.h"

#include <limits>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace weir {
namespace {

class Handler : public nlohmann::json_sax<TokenizerTree> {
 public:
  explicit Handler(TokenizerSpec& spec) : spec_(spec) {}

  TokenizerTree root;
  std::string problem;

  bool null() override { return Value(nullptr); }
  bool boolean(bool value) override { return Value(value); }
  bool number_integer(number_integer_t value) override {
    return mode_ == Mode::kVocab ? VocabId(value) : Value(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    const auto max = static_cast<number_unsigned_t>(std::numeric_limits<int64_t>::max());
    if (mode_ == Mode::kVocab) return VocabId(static_cast<int64_t>(std::min(value, max)));
    return Value(value);
  }
  bool number_float(number_float_t value, const string_t&) override { return Value(value); }
  bool binary(binary_t&) override { return Fail("binary data, wanted JSON"); }

  bool string(string_t& value) override {
    if (mode_ == Mode::kMerges) return WholeMerge(value);
    if (mode_ == Mode::kPair) return MergeHalf(value);
    return Value(std::move(value));
  }

  bool key(string_t& name) override {
    if (mode_ == Mode::kVocab) {
      spec_.vocab.Add(name);
      return true;
    }
    TokenizerTree& object = *open_.back();
    if (object.contains(name)) return Fail("key \"", name, "\" stands twice in one object");
    slot_ = &object[name];
    in_model_ = open_.size() == 2 && model_ == open_.back();
    if (open_.size() == 1 && name == "model") model_ = slot_;
    wanted_ = !in_model_         ? Mode::kTree
              : name == "vocab"  ? Mode::kVocab
              : name == "merges" ? Mode::kMerges
                                 : Mode::kTree;
    return true;
  }

  bool start_object(std::size_t) override {
    if (mode_ != Mode::kTree) return Unexpected("an object");
    if (wanted_ == Mode::kMerges) return Fail("model.merges: found an object, wanted an array");
    if (wanted_ == Mode::kVocab) return Stream();
    return Enter(TokenizerTree::object());
  }
  bool end_object() override {
    if (mode_ == Mode::kVocab) return EndStream();
    return Leave();
  }
  bool start_array(std::size_t) override {
    if (mode_ == Mode::kMerges) {
      mode_ = Mode::kPair;
      return true;
    }
    if (mode_ != Mode::kTree) return Unexpected("an array");
    if (wanted_ == Mode::kVocab) return Fail("model.vocab: found an array, wanted an object");
    if (wanted_ == Mode::kMerges) return Stream();
    return Enter(TokenizerTree::array());
  }
  bool end_array() override {
    if (mode_ == Mode::kMerges) return EndStream();
    if (mode_ == Mode::kPair) {
      mode_ = Mode::kMerges;
      if (num_halves_ != 2) return Fail(MergeName(), "found ", num_halves_, " tokens, wanted two");
      num_halves_ = 0;
      return true;
    }
    return Leave();
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    if (problem.empty()) problem = fmt::format("byte {}: {}", position, error.what());
    return false;
  }

 private:
  enum class Mode {
    kTree,    // building the tree
    kVocab,   // inside model.vocab
    kMerges,  // inside model.merges
    kPair,    // inside one merge written as an array
  };

  template <class... Args>
  bool Fail(const Args&... args) {
    problem = Err(Code::kInvalidModel, args...).value().message;
    return false;
  }

  std::string MergeName() const {
    return fmt::format("model.merges[{}]: ", (spec_.merges.lens.size() - num_halves_) / 2);
  }

  bool Unexpected(const char* what) {
    if (mode_ == Mode::kVocab) return Fail(VocabName(), "found ", what, ", wanted an integer");
    if (mode_ == Mode::kMerges) {
      return Fail(MergeName(), "found ", what, ", wanted \"a b\" or [\"a\", \"b\"]");
    }
    return Fail(MergeName(), "found ", what, " in a pair, wanted a string");
  }

  std::string VocabName() const {
    const TokenTexts& vocab = spec_.vocab;
    return fmt::format("model.vocab[\"{}\"]: ",
                       vocab.bytes.substr(vocab.bytes.size() - vocab.lens.back()));
  }

  bool Stream() {
    mode_ = wanted_;
    return true;
  }
  bool EndStream() {
    *slot_ = true;  // a mark that the table was there
    mode_ = Mode::kTree;
    wanted_ = Mode::kTree;
    return true;
  }

  bool VocabId(int64_t id) {
    if (id < 0 || id > std::numeric_limits<TokenId>::max()) {
      return Fail(VocabName(), "found id ", id, ", wanted 0 to ",
                  std::numeric_limits<TokenId>::max());
    }
    spec_.vocab_ids.push_back(static_cast<TokenId>(id));
    return true;
  }

  bool WholeMerge(std::string_view text) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      return Fail(MergeName(), "found \"", text, "\", wanted two tokens with one space between");
    }
    spec_.merges.Add(text.substr(0, space));
    spec_.merges.Add(text.substr(space + 1));
    return true;
  }

  bool MergeHalf(std::string_view text) {
    if (num_halves_ == 2) return Fail(MergeName(), "found a third token, wanted two");
    ++num_halves_;
    spec_.merges.Add(text);
    return true;
  }

  bool Value(TokenizerTree value) {
    if (mode_ != Mode::kTree) return Unexpected(value.type_name());
    if (wanted_ != Mode::kTree) {
      return Fail(wanted_ == Mode::kVocab ? "model.vocab" : "model.merges", ": found ",
                  value.type_name(), ", wanted a table");
    }
    Place(std::move(value));
    return true;
  }

  TokenizerTree* Place(TokenizerTree value) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    *slot_ = std::move(value);
    return slot_;
  }

  bool Enter(TokenizerTree value) {
    if (open_.size() >= static_cast<size_t>(kMaxJsonDepth)) {
      return Fail("nested deeper than ", kMaxJsonDepth, " levels");
    }
    open_.push_back(Place(std::move(value)));
    return true;
  }
  bool Leave() {
    open_.pop_back();
    return true;
  }

  TokenizerSpec& spec_;
  Mode mode_ = Mode::kTree;
  Mode wanted_ = Mode::kTree;             // what the value of the last key is to become
  std::vector<TokenizerTree*> open_;      // the containers around the current place
  TokenizerTree* slot_ = nullptr;         // value of the last key
  const TokenizerTree* model_ = nullptr;  // the top-level "model"
  bool in_model_ = false;
  size_t num_halves_ = 0;  // tokens read of the current pair
};

}  // namespace

Result<TokenizerTree> StreamTokenizerJson(std::string_view text, std::string_view where,
                                          TokenizerSpec& spec) {
  Handler handler(spec);
  if (!TokenizerTree::sax_parse(text, &handler)) {
    return Err(Code::kInvalidModel, where, ": ", handler.problem);
  }
  return std::move(handler.root);
}

}  // namespace weir
