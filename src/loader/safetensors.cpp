// SPDX-License-Identifier: Apache-2.0
#include "loader/safetensors.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "loader/json_fields.h"
#include "loader/safetensors_header.h"
#include "loader/shard_index.h"

namespace weir {
namespace {

struct StoredTensor {
  SafetensorsTensor header;
  int32_t shard;
  TensorInfo info;       // valid when `unusable` is empty
  std::string unusable;  // why Weir cannot read the values
};

Shape ToShape(const std::vector<int64_t>& dims) {
  switch (dims.size()) {
    case 0:
      return Shape{};
    case 1:
      return Shape{dims[0]};
    case 2:
      return Shape{dims[0], dims[1]};
    case 3:
      return Shape{dims[0], dims[1], dims[2]};
    default:
      return Shape{dims[0], dims[1], dims[2], dims[3]};
  }
}

StoredTensor Store(SafetensorsTensor header, int32_t shard) {
  StoredTensor tensor = {.shard = shard, .info = {}, .unusable = {}};
  if (!header.type->dtype) {
    tensor.unusable =
        fmt::format("dtype {} is not supported, wanted BF16, F16 or F32", header.type->name);
  } else if (header.shape.size() > static_cast<size_t>(kMaxRank)) {
    tensor.unusable =
        fmt::format("{} dimensions, at most {} are supported", header.shape.size(), kMaxRank);
  } else {
    tensor.info = {.dtype = *header.type->dtype, .shape = ToShape(header.shape)};
  }
  tensor.header = std::move(header);
  return tensor;
}

class SafetensorsSource : public WeightSource {
 public:
  // `tensors` ascending by name, names unique.
  SafetensorsSource(std::vector<MappedFile> files, std::vector<StoredTensor> tensors)
      : files_(std::move(files)), tensors_(std::move(tensors)) {}

  const TensorInfo* Find(std::string_view name) const override {
    const StoredTensor* tensor = Lookup(name);
    return tensor != nullptr && tensor->unusable.empty() ? &tensor->info : nullptr;
  }

  std::string WhyUnusable(std::string_view name) const override {
    const StoredTensor* tensor = Lookup(name);
    return tensor != nullptr ? tensor->unusable : std::string();
  }

  std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    names.reserve(tensors_.size());
    for (const StoredTensor& tensor : tensors_) names.push_back(tensor.header.name);
    return names;
  }

  std::string Where(std::string_view name) const override {
    const StoredTensor* tensor = Lookup(name);
    // All files lie in one folder, so the first one's path says where a missing tensor was sought.
    return files_[tensor != nullptr ? static_cast<size_t>(tensor->shard) : 0].path();
  }

  std::span<const std::byte> Rows(std::string_view name, int64_t begin, int64_t end,
                                  std::vector<std::byte>&) const override {
    const StoredTensor* tensor = Lookup(name);
    WEIR_CHECK(tensor != nullptr && tensor->unusable.empty());
    const Shape& shape = tensor->info.shape;
    const int64_t num_rows = shape.rank() == 0 ? 1 : shape[0];
    WEIR_CHECK(0 <= begin && begin <= end && end <= num_rows);
    if (begin == end) return {};
    const size_t row_bytes = tensor->header.size / static_cast<size_t>(num_rows);
    const auto file = files_[static_cast<size_t>(tensor->shard)].bytes();
    return file.subspan(tensor->header.begin + static_cast<size_t>(begin) * row_bytes,
                        static_cast<size_t>(end - begin) * row_bytes);
  }

  // Path, length and time of each file, and what its header says of the tensors.
  std::string Identity() const override {
    std::string identity;
    for (const MappedFile& file : files_) {
      if (!file.IsUnchanged()) return {};
      std::error_code ignored;
      const auto path = std::filesystem::canonical(file.path(), ignored);
      identity += fmt::format("{} {} {}\n", path.string(), file.bytes().size(), file.mtime_ns());
    }
    for (const StoredTensor& tensor : tensors_) {
      identity += fmt::format("{} {} {} {} {}\n", tensor.header.name, tensor.header.type->name,
                              tensor.shard, tensor.header.begin, tensor.header.size);
    }
    return identity;
  }

  void Forget(std::string_view name) const override {
    const StoredTensor* tensor = Lookup(name);
    if (tensor == nullptr) return;
    files_[static_cast<size_t>(tensor->shard)].Forget(tensor->header.begin, tensor->header.size);
  }

 private:
  const StoredTensor* Lookup(std::string_view name) const {
    const auto at = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                     [](const StoredTensor& tensor, std::string_view wanted) {
                                       return tensor.header.name < wanted;
                                     });
    return at != tensors_.end() && at->header.name == name ? &*at : nullptr;
  }

  std::vector<MappedFile> files_;
  std::vector<StoredTensor> tensors_;
};

// Maps one more file and appends its tensors.
Status AddFile(const std::string& path, std::vector<MappedFile>& files,
               std::vector<StoredTensor>& tensors) {
  WEIR_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  WEIR_ASSIGN_OR_RETURN(auto headers,
                        ParseSafetensorsHeader(file.bytes(), file.bytes().size(), path));
  const auto shard = static_cast<int32_t>(files.size());
  for (SafetensorsTensor& header : headers) tensors.push_back(Store(std::move(header), shard));
  files.push_back(std::move(file));
  return Ok();
}

// Both lists ascend by name, so one walk finds every difference.
Status CheckAgainstIndex(const ShardIndex& index, const std::string& index_path,
                         const std::vector<MappedFile>& files,
                         const std::vector<StoredTensor>& tensors) {
  size_t at = 0;
  for (const StoredTensor& tensor : tensors) {
    const bool listed = at < index.entries.size() && index.entries[at].tensor == tensor.header.name;
    if (listed && index.entries[at].shard == tensor.shard) {
      ++at;
      continue;
    }
    if (at < index.entries.size() && index.entries[at].tensor <= tensor.header.name) break;
    return Err(Code::kInvalidModel, files[static_cast<size_t>(tensor.shard)].path(), ": tensor ",
               Quoted(tensor.header.name), " is not in the index ", index_path);
  }
  if (at == index.entries.size()) return Ok();
  const ShardIndex::Entry& entry = index.entries[at];
  return Err(Code::kInvalidModel, index_path, ": tensor ", Quoted(entry.tensor), " should be in ",
             index.files[static_cast<size_t>(entry.shard)], ", but that shard does not hold it");
}

Result<std::unique_ptr<WeightSource>> OpenShards(const std::string& folder,
                                                 const std::string& index_path) {
  WEIR_ASSIGN_OR_RETURN(const ShardIndex index, LoadShardIndex(index_path));
  std::vector<MappedFile> files;
  std::vector<StoredTensor> tensors;
  for (const std::string& name : index.files) {
    const Status added = AddFile(folder + "/" + name, files, tensors);
    if (added) continue;
    if (added.error().code != Code::kNotFound) return tl::unexpected(added.error());
    return Err(Code::kInvalidModel, index_path, ": the shard ", name,
               " is missing from the folder");
  }
  std::sort(tensors.begin(), tensors.end(),
            [](const auto& a, const auto& b) { return a.header.name < b.header.name; });
  for (size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i - 1].header.name != tensors[i].header.name) continue;
    return Err(Code::kInvalidModel, folder, ": tensor ", Quoted(tensors[i].header.name),
               " stands in two shards");
  }
  WEIR_RETURN_IF_ERROR(CheckAgainstIndex(index, index_path, files, tensors));
  return std::make_unique<SafetensorsSource>(std::move(files), std::move(tensors));
}

}  // namespace

Result<std::unique_ptr<WeightSource>> OpenSafetensorsFile(const std::string& path) {
  std::vector<MappedFile> files;
  std::vector<StoredTensor> tensors;
  WEIR_RETURN_IF_ERROR(AddFile(path, files, tensors));
  return std::make_unique<SafetensorsSource>(std::move(files), std::move(tensors));
}

Result<std::unique_ptr<WeightSource>> OpenSafetensorsFolder(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const std::string single = folder + "/model.safetensors";
  if (fs::exists(single, ignored)) return OpenSafetensorsFile(single);
  const std::string index = single + ".index.json";
  if (fs::exists(index, ignored)) return OpenShards(folder, index);
  const bool pickled = fs::exists(folder + "/pytorch_model.bin", ignored) ||
                       fs::exists(folder + "/pytorch_model.bin.index.json", ignored);
  return Err(Code::kNotFound, folder, ": neither model.safetensors nor ",
             "model.safetensors.index.json is there",
             pickled ? "; pytorch_model.bin is not read, wanted safetensors" : "");
}

}  // namespace weir
