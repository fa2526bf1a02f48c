// SPDX-License-Identifier: Apache-2.0
//
// The streaming half of reading a tokenizer.json: model.vocab and model.merges, which are nearly
// all of the file, go straight into flat arrays; the rest becomes a small JSON tree.
#ifndef WEIR_TEXT_TOKENIZER_SAX_H_
#define WEIR_TEXT_TOKENIZER_SAX_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "text/tokenizer_json.h"

namespace weir {

// The sorted map of this kind of tree finds duplicate keys of large objects in good time.
using TokenizerTree = nlohmann::json;

// Fills vocab, vocab_ids and merges of `spec` and returns everything else.
Result<TokenizerTree> StreamTokenizerJson(std::string_view text, std::string_view where,
                                          TokenizerSpec& spec);

}  // namespace weir

#endif  // WEIR_TEXT_TOKENIZER_SAX_H_
