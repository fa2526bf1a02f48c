// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a tokenizer.json: an error or a tokenizer that works.
#include <cstdint>
#include <string_view>

#include <weir/request.h>

#include "base/check.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = weir::Tokenizer::FromJson(json, "fuzz");
  if (!tokenizer) {
    WEIR_CHECK(!tokenizer.error().message.empty());
    return 0;
  }
  // The file is a text of which its own tokenizer has something to say.
  for (const bool parse_special : {false, true}) {
    const auto ids = tokenizer->Encode(json, parse_special);
    for (const weir::TokenId id : ids) {
      WEIR_CHECK_LT(id, tokenizer->vocab_size());
      WEIR_CHECK(!tokenizer->BytesOf(id).empty());
    }
    tokenizer->Decode(ids, /*skip_special=*/true);
  }
  return 0;
}
