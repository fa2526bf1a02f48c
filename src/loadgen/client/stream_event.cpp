// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/stream_event.h"

#include <array>

#include "base/error.h"
#include "base/json.h"

namespace weir::loadgen {
namespace {

// Follows the path to the place where the parser is, as far as it matters.
class EventSax {
 public:
  explicit EventSax(StreamEvent& event) : event_(&event) {}

  bool null() { return Value(); }
  bool boolean(bool) { return Value(); }
  bool number_integer(int64_t value) { return Number(value); }
  bool number_unsigned(uint64_t value) { return Number(static_cast<int64_t>(value)); }
  bool number_float(double, const std::string&) { return Value(); }
  bool binary(Json::binary_t&) { return Value(); }
  bool string(std::string& value) {
    if (InFirstChoice() &&
        (IsKey("text") || IsKey("content") || IsKey("reasoning_content") || IsKey("reasoning"))) {
      event_->text += value;
    } else if ((depth_ == 1 && IsKey("error")) || (in_error_ && depth_ == 2 && IsKey("message"))) {
      event_->error = value;
    }
    return Value();
  }
  bool start_object(size_t) {
    if (depth_ == 0) is_object_ = true;
    if (depth_ == 1 && IsKey("usage")) in_usage_ = true;
    if (depth_ == 1 && IsKey("error")) {
      in_error_ = true;
      event_->error = event_->error.value_or("an error without a message");
    }
    return Enter();
  }
  bool start_array(size_t) {
    if (depth_ == 1 && IsKey("choices")) in_choices_ = true;
    return Enter();
  }
  bool end_object() { return Leave(); }
  bool end_array() { return Leave(); }
  bool key(std::string& name) {
    key_ = name;
    if (depth_ == 3) in_delta_ = name == "delta" || name == "message";
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) {
    bad_at_ = position;
    return false;
  }

  bool is_object() const { return is_object_; }
  size_t bad_at() const { return bad_at_; }

 private:
  bool IsKey(std::string_view name) const { return key_ == name; }

  // choices[0].x, or choices[0].delta.x
  bool InFirstChoice() const {
    return in_choices_ && choice_ == 1 && (depth_ == 3 || (depth_ == 4 && in_delta_));
  }

  bool Value() {
    if (in_choices_ && depth_ == 2) event_->has_choices = true;
    return true;
  }

  bool Number(int64_t value) {
    if (in_usage_ && depth_ == 2) {
      if (IsKey("completion_tokens")) event_->output_tokens = value;
      if (IsKey("prompt_tokens")) event_->prompt_tokens = value;
    }
    return Value();
  }

  bool Enter() {
    if (in_choices_ && depth_ == 2) {
      event_->has_choices = true;
      ++choice_;
    }
    return ++depth_ <= kMaxJsonDepth;
  }

  bool Leave() {
    if (--depth_ == 1) in_choices_ = in_usage_ = in_error_ = false;
    return true;
  }

  StreamEvent* event_;
  std::string key_;
  int depth_ = 0;
  int choice_ = 0;
  size_t bad_at_ = 0;
  bool is_object_ = false;
  bool in_choices_ = false;
  bool in_usage_ = false;
  bool in_error_ = false;
  bool in_delta_ = false;
};

}  // namespace

Result<StreamEvent> ReadStreamEvent(std::string_view data) {
  StreamEvent event;
  EventSax sax(event);
  const bool good = nlohmann::json::sax_parse(data.begin(), data.end(), &sax);
  if (!good || !sax.is_object()) {
    return Err(Code::kIo, "stream: byte ", sax.bad_at(), " of an event of ", data.size(),
               " bytes is no JSON object of at most ", kMaxJsonDepth, " levels");
  }
  return event;
}

}  // namespace weir::loadgen
