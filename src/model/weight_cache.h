// SPDX-License-Identifier: Apache-2.0
//
// Packed weights on disk, so that the next start maps them instead of packing them again.
//
// One file per model, kernel table and form of packing, in a folder that only its owner may touch:
// a page of header (what it was made of, lengths, a hash of the rest), then the packed bytes. A
// file is written under another name and renamed when it is whole, and never changed afterwards, so
// any number of processes may use the folder at once. A file that does not fit what is asked for in
// every respect is removed and made again. The hash guards against damage, not against whoever may
// write to the folder; it is compared only when `verify` is set, as that reads everything.
#ifndef WEIR_MODEL_WEIGHT_CACHE_H_
#define WEIR_MODEL_WEIGHT_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include <weir/result.h>

#include "base/mapped_file.h"

namespace weir {

struct WeightCacheOptions {
  std::string folder;  // empty: no cache
  bool verify = false;
  int64_t min_bytes = int64_t{64} << 20;  // smaller weights are packed again each time
  int64_t max_bytes = int64_t{64} << 30;  // of all files; the least recently used ones go first
};

// Bytes before the packed weights in a file; a page, so that these begin on one.
inline constexpr int64_t kWeightCacheHeaderBytes = 4096;

// 128 bits of a text, for keys that must not grow with the model. Against chance, not malice.
std::string WeightCacheHash(std::string_view text);

class WeightCache {
 public:
  explicit WeightCache(WeightCacheOptions options) : options_(std::move(options)) {}

  // The packed weights that were made of `key`, `num_bytes` of them from kWeightCacheHeaderBytes
  // on. None when there are none to trust; why is logged unless there is simply no file.
  std::optional<MappedFile> Find(std::string_view key, int64_t num_bytes) const;

  // Writes the weights made of `key`. Refuses when the disk or `max_bytes` has no room.
  Status Store(std::string_view key, std::span<const std::byte> weights) const;

  // Where the weights of `key` are or will be.
  std::string PathOf(std::string_view key) const;

 private:
  Status MakeRoom(int64_t num_bytes) const;

  const WeightCacheOptions options_;
};

// Stores on a thread of its own; its end waits for that to be done. The weights must stay.
class WeightCacheWriter {
 public:
  WeightCacheWriter(WeightCacheOptions options, std::string key,
                    std::span<const std::byte> weights);
  ~WeightCacheWriter();
  WeightCacheWriter(const WeightCacheWriter&) = delete;
  WeightCacheWriter& operator=(const WeightCacheWriter&) = delete;

 private:
  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_MODEL_WEIGHT_CACHE_H_
