// SPDX-License-Identifier: Apache-2.0
//
// Writes a synthetic model as a Hugging Face folder that any engine loads. Weights stream through a
// few megabytes of memory, whatever the model's size.
#ifndef WEIR_LOADER_SYNTH_WRITER_H_
#define WEIR_LOADER_SYNTH_WRITER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <weir/result.h>

namespace weir {

struct SynthWriteOptions {
  std::string preset;
  std::string folder;
  uint64_t seed = 0;
  bool force = false;                        // write into a folder that holds something already
  uint64_t max_shard_bytes = 4'000'000'000;  // of tensor data; one larger tensor gets its own shard
  // Called after each few megabytes of weights, with the bytes of all weight files.
  std::function<void(uint64_t done, uint64_t total)> on_progress;
};

struct SynthWriteReport {
  std::vector<std::string> files;  // names inside the folder, in the order of writing
  uint64_t bytes = 0;              // of all of them
};

// Refuses, before anything is touched: an unknown preset, a folder that is not empty (without
// `force`), a disk without room for all files. With `force`, weights and config.json of an older
// model in the folder are removed and other files stay. config.json comes last, so a folder that
// was cut short does not open as a model.
Result<SynthWriteReport> WriteSynthModel(const SynthWriteOptions& options);

}  // namespace weir

#endif  // WEIR_LOADER_SYNTH_WRITER_H_
