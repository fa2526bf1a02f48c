// SPDX-License-Identifier: Apache-2.0
#include "server/api/field_specs.h"

#include <array>

namespace weir {
namespace {

constexpr double kMaxInt32 = 2147483647;
constexpr double kMaxInt64 = 9223372036854775807.0;  // rounds to 2^63: the reader is exact

constexpr auto kBool = FieldKind::kBool;
constexpr auto kInt = FieldKind::kInt;
constexpr auto kNumber = FieldKind::kNumber;
constexpr auto kString = FieldKind::kString;
constexpr auto kShaped = FieldKind::kShaped;
constexpr auto kRefused = FieldKind::kRefused;
constexpr uint8_t kBoth = kGenerationBodies;
constexpr uint8_t kMessageBodies = kChatBody | kTokenizeBody;

constexpr FieldSpec Plain(std::string_view name, FieldKind kind, uint8_t bodies,
                          std::string_view about) {
  return {name, kind, bodies, about};
}
constexpr FieldSpec Ranged(std::string_view name, FieldKind kind, uint8_t bodies,
                           std::string_view about, double low, double high,
                           bool above_low = false) {
  return {name, kind, bodies, about, low, high, above_low};
}
constexpr FieldSpec Shaped(std::string_view name, uint8_t bodies, std::string_view about,
                           std::string_view shape) {
  return {name, kShaped, bodies, about, 0, 0, false, shape};
}
constexpr FieldSpec Refused(std::string_view name, uint8_t bodies, std::string_view harmless) {
  return {name, kRefused, bodies, "Not supported: only values without effect are taken",
          0,    0,        false,  harmless};
}

constexpr std::array kSpecs = {
    // What is asked.
    Ranged("model", kString, kBoth | kTokenizeBody | kDetokenizeBody,
           "One of the names of /v1/models; may be left out", 0, 1024),
    Shaped("prompt", kCompletionBody, "Text, token ids, or an array of either",
           R"({"anyOf": [{"type": "string"},
               {"type": "array", "minItems": 1, "items": {"type": "string"}},
               {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Token"}},
               {"type": "array", "minItems": 1, "items": {"type": "array", "minItems": 1,
                "items": {"$ref": "#/components/schemas/Token"}}}]})"),
    Shaped("prompt", kTokenizeBody, "Text; or `messages`", R"({"type": "string"})"),
    Shaped("messages", kMessageBodies, "The conversation",
           R"({"type": "array", "minItems": 1,
               "items": {"$ref": "#/components/schemas/Message"}})"),
    Shaped("tokens", kDetokenizeBody, "Token ids",
           R"({"type": "array", "items": {"$ref": "#/components/schemas/Token"}})"),
    Plain("add_generation_prompt", kBool, kMessageBodies,
          "Whether the prompt ends with the beginning of an answer; true by default"),
    Shaped("chat_template_kwargs", kMessageBodies,
           "Variables of the chat template, e.g. {\"enable_thinking\": false}",
           R"({"type": "object", "maxProperties": 64})"),
    Plain("add_special_tokens", kBool, kCompletionBody | kTokenizeBody,
          "The tokenizers of supported models add none, so both values mean the same"),
    Plain("return_token_strs", kBool, kTokenizeBody, "Adds the text of each token"),

    // How long, and when to stop.
    Ranged("max_tokens", kInt, kBoth,
           "Output tokens at most; 16 by default for completions, what the context has room for in "
           "chats; 0 only with echo",
           0, kMaxInt32),
    Ranged("max_completion_tokens", kInt, kChatBody, "As max_tokens, and goes before it", 1,
           kMaxInt32),
    Ranged("min_tokens", kInt, kBoth, "No stop before so many output tokens", 0, kMaxInt32),
    Shaped("stop", kBoth, "Generation ends before the first of these in the text",
           R"({"anyOf": [{"type": "string", "minLength": 1, "maxLength": 4096},
               {"type": "array", "maxItems": 64,
                "items": {"type": "string", "minLength": 1, "maxLength": 4096}}]})"),
    Shaped("stop_token_ids", kBoth, "Tokens that end the generation, besides the model's own",
           R"({"type": "array", "maxItems": 1024,
               "items": {"$ref": "#/components/schemas/Token"}})"),
    Plain("include_stop_str_in_output", kBool, kBoth, "Keep the stop string in the text"),
    Plain("ignore_eos", kBool, kBoth, "Go on through the model's end-of-sequence tokens"),

    // How tokens are chosen.
    Ranged("temperature", kNumber, kBoth, "0: always the most probable token", 0, 100),
    Ranged("top_p", kNumber, kBoth, "Draw from the smallest set with this much probability", 0, 1,
           true),
    Ranged("top_k", kInt, kBoth, "Draw from the k most probable tokens; 0 and -1: from all", -1,
           kMaxInt32),
    Ranged("min_p", kNumber, kBoth, "Leave out tokens below this part of the most probable one", 0,
           1),
    Ranged("repetition_penalty", kNumber, kBoth, "Above 1: fewer repeats of prompt and output", 0,
           100, true),
    Ranged("presence_penalty", kNumber, kBoth, "Subtracted once per token in the output", -2, 2),
    Ranged("frequency_penalty", kNumber, kBoth, "Subtracted per occurrence in the output", -2, 2),
    Shaped("logit_bias", kBoth, "Token id to what is added to its logit, -100 to 100",
           R"({"type": "object", "maxProperties": 1024,
               "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100}})"),
    Ranged("seed", kInt, kBoth, "Same seed, same text; output i of a prompt draws with seed + i",
           -kMaxInt64, kMaxInt64),
    Ranged("n", kInt, kBoth, "Outputs per prompt", 1, 1024),

    // What comes back.
    Plain("stream", kBool, kBoth, "Server-sent events, one per step and output"),
    Shaped("stream_options", kBoth, "Only with stream",
           R"({"type": "object", "properties": {
               "include_usage": {"type": ["boolean", "null"]},
               "continuous_usage_stats": {"type": ["boolean", "null"]}}})"),
    Plain("echo", kBool, kCompletionBody, "Begin with the prompt; not together with logprobs"),
    Ranged("logprobs", kInt, kCompletionBody,
           "Log-probabilities of the chosen and of so many most probable tokens", 0, 20),
    Plain("logprobs", kBool, kChatBody, "Log-probabilities of the chosen tokens"),
    Ranged("top_logprobs", kInt, kChatBody, "And of so many most probable ones", 0, 20),
    Plain("return_token_ids", kBool, kBoth, "Adds the ids of prompt and output tokens"),

    // Who asks.
    Ranged("user", kString, kBoth, "The client's name for its user; without effect", 0, 1024),
    Ranged("priority", kInt, kBoth, "Lower runs first; 0 by default", -kMaxInt32, kMaxInt32),
    Ranged("cache_salt", kString, kBoth,
           "Cached prefixes are shared among requests with equal salts only", 1, 256),

    // Known to other servers and not supported here.
    Refused("continue_final_message", kMessageBodies, "[false]"),
    Refused("tools", kMessageBodies, "[[]]"),
    Refused("tool_choice", kChatBody, R"(["none"])"),
    Refused("parallel_tool_calls", kChatBody, "[true, false]"),
    Refused("functions", kChatBody, "[[]]"),
    Refused("function_call", kChatBody, R"(["none"])"),
    Refused("response_format", kBoth, R"([{"type": "text"}])"),
    Refused("structured_outputs", kBoth, "[]"),
    Refused("guided_json", kBoth, "[]"),
    Refused("guided_regex", kBoth, "[]"),
    Refused("guided_choice", kBoth, "[]"),
    Refused("guided_grammar", kBoth, "[]"),
    Refused("best_of", kBoth, "[1]"),
    Refused("use_beam_search", kBoth, "[false]"),
    Refused("length_penalty", kBoth, "[1.0]"),
    Refused("prompt_logprobs", kBoth, "[]"),
    Refused("suffix", kCompletionBody, R"([""])"),
    Refused("prompt_embeds", kCompletionBody, "[]"),
    Refused("truncate_prompt_tokens", kBoth, "[]"),
    Refused("allowed_token_ids", kBoth, "[]"),
    Refused("bad_words", kBoth, "[[]]"),
    Refused("skip_special_tokens", kBoth, "[true]"),
    Refused("spaces_between_special_tokens", kBoth, "[true]"),
    Refused("return_tokens_as_token_ids", kBoth, "[false]"),
    Refused("include_reasoning", kChatBody, "[true]"),
    Refused("reasoning_effort", kChatBody, "[]"),
    Refused("thinking_token_budget", kChatBody, "[]"),
    Refused("chat_template", kMessageBodies, "[]"),
    Refused("documents", kChatBody, "[[]]"),
    Refused("modalities", kChatBody, R"([["text"]])"),
    Refused("audio", kChatBody, "[]"),
    Refused("prediction", kChatBody, "[]"),
    Refused("web_search_options", kChatBody, "[]"),
    Refused("kv_transfer_params", kBoth, "[]"),
    Refused("logits_processors", kBoth, "[[]]"),
};

}  // namespace

std::span<const FieldSpec> FieldSpecs() { return kSpecs; }

const FieldSpec* FindFieldSpec(std::string_view name, Body body) {
  for (const FieldSpec& spec : kSpecs) {
    if ((spec.bodies & body) != 0 && spec.name == name) return &spec;
  }
  return nullptr;
}

}  // namespace weir
