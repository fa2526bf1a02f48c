// SPDX-License-Identifier: Apache-2.0
//
// A model's chat template: Jinja as Hugging Face configures it, run under budgets, in a language
// without files, reflection or side effects. The prompt that it makes tells the bytes of the
// template from the bytes of the request. docs/chat-templates.md says what is covered.
#ifndef WEIR_TEXT_CHAT_TEMPLATE_H_
#define WEIR_TEXT_CHAT_TEMPLATE_H_

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <weir/result.h>

#include "base/json.h"
#include "text/typed_text.h"

namespace weir {

struct RenderOptions {
  int64_t max_steps = 10'000'000;       // operations, and one per 64 bytes copied or compared
  size_t max_bytes = size_t{32} << 20;  // of the prompt and of every string made on the way
  std::optional<std::tm> now;           // for strftime_now; none: the local time
};

// Const after parsing, so threads share it.
class ChatTemplate {
 public:
  // Errors are kInvalidModel and begin with `where` and the line. `constants` is a JSON object of
  // variables that the model's files define, such as bos_token: they are trusted like the
  // template's own text. Request variables of the same name hide them.
  static Result<ChatTemplate> Parse(std::string_view source, std::string_view where,
                                    const Json& constants = Json::object());

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // `variables` is the text of a JSON object: "messages", "tools", "add_generation_prompt" and
  // whatever else the template reads. All of it counts as written by users. Errors are
  // kInvalidRequest: the template refused the conversation (raise_exception), could not run on it,
  // or ran too long.
  Result<TypedText> Render(std::string_view variables, const RenderOptions& options = {}) const;

  // The same of a JSON that has been parsed.
  Result<TypedText> RenderJson(const Json& variables, const RenderOptions& options = {}) const;

 private:
  struct Parts;
  explicit ChatTemplate(std::unique_ptr<const Parts> parts);

  std::unique_ptr<const Parts> parts_;
};

}  // namespace weir

#endif  // WEIR_TEXT_CHAT_TEMPLATE_H_
