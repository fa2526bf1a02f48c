// SPDX-License-Identifier: Apache-2.0
//
// Everything the model sees in one step.
#ifndef WEIR_MODEL_FORWARD_BATCH_H_
#define WEIR_MODEL_FORWARD_BATCH_H_

#include <cstdint>
#include <span>

#include <weir/request.h>

namespace weir {

// Flat arrays; a row is one new token. Prefill and decode are not two kinds of batch: a decode is a
// sequence with one row.
//
// Example: sequence A prefills 3 tokens, B and C decode one token each, page_len 16.
//   tokens     = {a0, a1, a2, b7, c20}    positions = {0, 1, 2, 7, 20}
//   row_begin  = {0, 3, 4, 5}             kv_len    = {3, 8, 21}
//   pages      = {2,  5,  1, 9}           page_begin= {0, 1, 2, 4}
//   kv_slot    = {32, 33, 34, 87, 148}    logit_rows= {2, 3, 4}
struct ForwardBatch {
  std::span<const TokenId> tokens;      // [rows]
  std::span<const int32_t> positions;   // [rows]    place in its own sequence, from 0
  std::span<const int32_t> row_begin;   // [seqs+1]  rows of sequence i
  std::span<const int32_t> kv_len;      // [seqs]    tokens visible to its last row, itself included
  std::span<const int32_t> pages;       // page ids of all sequences, end to end
  std::span<const int32_t> page_begin;  // [seqs+1]  slice of `pages` per sequence
  std::span<const int32_t> kv_slot;     // [rows]    page id * page_len + offset, where K and V go
  std::span<const int32_t> logit_rows;  // rows whose next token is wanted, ascending

  int32_t num_rows() const { return static_cast<int32_t>(tokens.size()); }
};

}  // namespace weir

#endif  // WEIR_MODEL_FORWARD_BATCH_H_
