// SPDX-License-Identifier: Apache-2.0
//
// A tokenizer for synthetic models, in the files and the form of Qwen's: byte-level BPE, NFC, the
// Qwen2 pre-tokenizer, ChatML. It has exactly vocab_size entries, and every one of them decodes to
// visible text or to a space or newline, because a random model may answer with any of them.
//
// Ids in order: newline and printable ASCII; 100 syllables "ba".."zu"; the same with a space in
// front; then words of a space and two syllables, then of three, as many as the vocabulary holds;
// the three special tokens last. Each word is the merge of the shorter one and a syllable. A byte
// without an entry (anything that is not printable ASCII) is encoded as "?".
#ifndef WEIR_LOADER_SYNTH_TOKENIZER_H_
#define WEIR_LOADER_SYNTH_TOKENIZER_H_

#include <string>

#include "loader/synth/preset.h"

namespace weir {

std::string SynthTokenizerJson(const SynthPreset& preset);
std::string SynthTokenizerConfigJson(const SynthPreset& preset);
std::string SynthChatTemplate();

}  // namespace weir

#endif  // WEIR_LOADER_SYNTH_TOKENIZER_H_
