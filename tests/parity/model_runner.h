// SPDX-License-Identifier: Apache-2.0
//
// Runs a model step by step without an engine: it keeps a few sequences and their pages, and each
// step appends the tokens that it is given. The shortest complete user of model/model.h.
//
// It is unkind where the contracts allow it: pages lie scattered and in descending order, and pages
// and activations hold NaN before they are written, so that reading what was never written shows.
#ifndef WEIR_TESTS_PARITY_MODEL_RUNNER_H_
#define WEIR_TESTS_PARITY_MODEL_RUNNER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

#include "base/thread_pool.h"
#include "engine/attention_setup.h"
#include "kv/kv_store.h"
#include "model/model.h"

namespace weir::parity {

struct RunnerOptions {
  const KernelTable* kernels;
  int32_t num_threads = 2;
  int32_t page_len = 16;
  AttentionOptions attention = {};
};

// New tokens of one sequence.
struct Piece {
  int32_t seq;  // below kMaxSeqs
  std::span<const TokenId> tokens;
};

enum class LogitRows { kAll, kLastOfPiece };

class ModelRunner {
 public:
  static constexpr int32_t kMaxSeqs = 4;
  static constexpr int32_t kMaxTokens = 256;  // per sequence

  static Result<std::unique_ptr<ModelRunner>> Open(const std::string& folder,
                                                   const RunnerOptions& options);

  int32_t num_layers() const { return model_.config().num_layers; }

  // Forgets all sequences.
  void Restart();

  // One forward pass. Returns the logits of the wanted rows, [rows, vocab], in the pieces' order.
  std::vector<float> Step(std::span<const Piece> pieces, LogitRows wanted = LogitRows::kAll);
  std::vector<float> Step(const Piece& piece, LogitRows wanted = LogitRows::kAll) {
    return Step(std::span(&piece, 1), wanted);
  }

 private:
  ModelRunner(std::unique_ptr<ThreadPool> pool, Model model, KvStore kv, AttnParts attn);

  std::unique_ptr<ThreadPool> pool_;
  Model model_;
  KvStore kv_;
  AttnParts attn_;
  std::array<int32_t, kMaxSeqs> seq_len_ = {};
};

}  // namespace weir::parity

#endif  // WEIR_TESTS_PARITY_MODEL_RUNNER_H_
