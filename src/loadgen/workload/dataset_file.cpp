// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/dataset_file.h"

#include <fmt/format.h>

#include "base/error.h"

namespace weir::loadgen {

Result<MappedFile> OpenDataset(const std::string& dataset, const std::string& path) {
  if (path.empty()) {
    return Err(Code::kInvalidArgument,
               "--dataset-path: not given, wanted the file of --dataset-name ", dataset);
  }
  return MappedFile::Open(path);
}

std::string_view TextOf(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::vector<std::string_view> Lines(std::string_view text, bool keep_empty) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool empty = line.find_first_not_of(" \t") == std::string_view::npos;
    if (keep_empty || !empty) lines.push_back(line);
  }
  return lines;
}

Result<std::vector<Json>> JsonLines(const std::string& path, std::string_view text) {
  std::vector<Json> values;
  size_t number = 0;
  for (const std::string_view line : Lines(text, true)) {
    ++number;
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}: line {}", path, number);
    WEIR_ASSIGN_OR_RETURN(values.emplace_back(), ParseJson(line, where, Code::kInvalidArgument));
    if (!values.back().is_object()) {
      return Err(Code::kInvalidArgument, where, ": found ", values.back().type_name(),
                 ", wanted a JSON object");
    }
  }
  return values;
}

}  // namespace weir::loadgen
