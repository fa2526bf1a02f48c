// SPDX-License-Identifier: Apache-2.0
#include "loader/synth/writer.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "loader/json_fields.h"
#include "loader/partial_file.h"
#include "loader/synth/folder.h"
#include "loader/synth/shards.h"
#include "loader/synth/tokenizer.h"
#include "loader/synth/weights.h"

namespace weir {
namespace {

constexpr int64_t kChunkBytes = int64_t{4} << 20;

struct TextFile {
  std::string name;
  std::string text;
};

// Everything that a folder holds, before the first byte is written.
struct Plan {
  std::vector<SynthTensor> tensors;
  std::vector<SynthShard> shards;
  std::vector<TextFile> texts;  // in the order of writing, config.json last
  uint64_t weight_bytes = 0;    // of all shards
  uint64_t total_bytes = 0;     // of all files
};

Plan MakePlan(const SynthPreset& preset, uint64_t max_shard_bytes) {
  Plan plan = {.tensors = SynthTensors(preset)};
  plan.shards = CutShards(plan.tensors, max_shard_bytes);
  if (plan.shards.size() > 1) {
    plan.texts.push_back(
        {"model.safetensors.index.json", ShardIndexJson(plan.tensors, plan.shards)});
  }
  plan.texts.push_back({"tokenizer.json", SynthTokenizerJson(preset)});
  plan.texts.push_back({"tokenizer_config.json", SynthTokenizerConfigJson(preset)});
  plan.texts.push_back({"generation_config.json", SynthGenerationConfigJson(preset)});
  plan.texts.push_back({"config.json", SynthConfigJson(preset)});
  for (const SynthShard& shard : plan.shards) {
    plan.weight_bytes += shard.header.size() + shard.data_bytes;
  }
  plan.total_bytes = plan.weight_bytes;
  for (const TextFile& file : plan.texts) plan.total_bytes += file.text.size();
  return plan;
}

class Writer {
 public:
  Writer(const SynthWriteOptions& options, const SynthPreset& preset, const Plan& plan)
      : options_(options), plan_(plan), weights_(MakeSynthWeights(preset, options.seed)) {}

  Result<SynthWriteReport> Run() {
    for (const SynthShard& shard : plan_.shards) WEIR_RETURN_IF_ERROR(WriteShard(shard));
    for (const TextFile& file : plan_.texts) {
      WEIR_ASSIGN_OR_RETURN(PartialFile out, PartialFile::Create(Path(file.name)));
      WEIR_RETURN_IF_ERROR(out.Write(file.text));
      WEIR_RETURN_IF_ERROR(out.Commit());
      report_.files.push_back(file.name);
    }
    report_.bytes = plan_.total_bytes;
    return report_;
  }

 private:
  std::string Path(const std::string& name) const { return options_.folder + "/" + name; }

  Status WriteShard(const SynthShard& shard) {
    WEIR_ASSIGN_OR_RETURN(PartialFile out, PartialFile::Create(Path(shard.file)));
    WEIR_RETURN_IF_ERROR(out.Write(shard.header));
    done_bytes_ += shard.header.size();
    for (size_t i = shard.begin; i < shard.end; ++i) {
      WEIR_RETURN_IF_ERROR(WriteTensor(plan_.tensors[i], out));
    }
    WEIR_RETURN_IF_ERROR(out.Commit());
    report_.files.push_back(shard.file);
    return Ok();
  }

  Status WriteTensor(const SynthTensor& tensor, PartialFile& out) {
    const int64_t rows = tensor.info.shape[0];
    const int64_t row_bytes = tensor.info.shape.num_elements() / rows * DTypeBytes(DType::kBF16);
    const int64_t step = std::max<int64_t>(1, kChunkBytes / row_bytes);
    for (int64_t begin = 0; begin < rows; begin += step) {
      const int64_t end = std::min(rows, begin + step);
      const auto bytes = weights_->Rows(tensor.name, begin, end, scratch_);
      WEIR_RETURN_IF_ERROR(out.Write(bytes));
      done_bytes_ += bytes.size();
      if (options_.on_progress) options_.on_progress(done_bytes_, plan_.weight_bytes);
    }
    return Ok();
  }

  const SynthWriteOptions& options_;
  const Plan& plan_;
  std::unique_ptr<WeightSource> weights_;
  std::vector<std::byte> scratch_;
  uint64_t done_bytes_ = 0;
  SynthWriteReport report_;
};

}  // namespace

Result<SynthWriteReport> WriteSynthModel(const SynthWriteOptions& options) {
  WEIR_ASSIGN_OR_RETURN(const SynthPreset* preset, FindSynthPreset(options.preset));
  if (options.folder.empty()) {
    return Err(Code::kInvalidArgument, "synthetic model: the folder's name is empty");
  }
  const Plan plan = MakePlan(*preset, options.max_shard_bytes);
  WEIR_RETURN_IF_ERROR(PrepareSynthFolder(options.folder, plan.total_bytes, options.force));
  return Writer(options, *preset, plan).Run();
}

}  // namespace weir
