// SPDX-License-Identifier: Apache-2.0
#include "loader/synth/folder.h"

#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "loader/json_fields.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

// What stays free for everybody else.
constexpr uint64_t kSpareBytes = uint64_t{64} << 20;

tl::unexpected<Error> IoError(const std::string& folder, const std::error_code& error) {
  return Err(Code::kIo, folder, ": ", error.message());
}

// Files that a reader would take for a part of the new model.
bool IsStale(std::string_view name) {
  if (name == "config.json" || name == "model.safetensors.index.json") return true;
  if (name.ends_with(".partial")) name.remove_suffix(std::string_view(".partial").size());
  return name.starts_with("model") && name.ends_with(".safetensors");
}

struct Stale {
  std::vector<fs::path> files;
  uint64_t bytes = 0;
};

Result<Stale> FindStale(const std::string& folder, bool force) {
  Stale stale;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  if (error) return IoError(folder, error);
  for (; entry != fs::directory_iterator(); entry.increment(error)) {
    if (!force) {
      return Err(Code::kInvalidArgument, folder, ": holds ",
                 Quoted(entry->path().filename().string()),
                 ", wanted an empty or a new folder (or --force)");
    }
    if (!IsStale(entry->path().filename().string())) continue;
    stale.files.push_back(entry->path());
    std::error_code unknown;
    const uintmax_t size = entry->is_symlink(unknown) ? 0 : entry->file_size(unknown);
    if (!unknown) stale.bytes += size;
  }
  if (error) return IoError(folder, error);
  return stale;
}

Status CheckRoom(const fs::path& existing, const std::string& folder, uint64_t needed_bytes,
                 uint64_t freed_bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(existing, error);
  if (error) return IoError(existing.string(), error);
  if (space.available + freed_bytes >= needed_bytes + kSpareBytes) return Ok();
  const auto gb = [](uint64_t bytes) { return fmt::format("{:.3f} GB", double(bytes) / 1e9); };
  return Err(Code::kIo, folder, ": the model takes ", gb(needed_bytes), " and ", gb(kSpareBytes),
             " must stay free, but the disk has ", gb(space.available), " free and ",
             gb(freed_bytes),
             " would be replaced: ", gb(needed_bytes + kSpareBytes - space.available - freed_bytes),
             " short");
}

}  // namespace

Status PrepareSynthFolder(const std::string& folder, uint64_t needed_bytes, bool force) {
  std::error_code error;
  fs::path existing = fs::absolute(folder, error);
  if (error) return IoError(folder, error);
  Stale stale;
  if (fs::exists(existing, error)) {
    if (!fs::is_directory(existing, error)) {
      return Err(Code::kInvalidArgument, folder, ": not a folder");
    }
    WEIR_ASSIGN_OR_RETURN(stale, FindStale(folder, force));
  } else {
    while (existing.has_relative_path() && !fs::exists(existing, error)) {
      existing = existing.parent_path();
    }
  }
  WEIR_RETURN_IF_ERROR(CheckRoom(existing, folder, needed_bytes, stale.bytes));
  fs::create_directories(folder, error);
  if (error) return IoError(folder, error);
  for (const fs::path& file : stale.files) {
    fs::remove(file, error);
    if (error) return IoError(file.string(), error);
  }
  return Ok();
}

}  // namespace weir
