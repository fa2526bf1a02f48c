// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <unistd.h>

#include "base/error.h"

namespace weir {

namespace {

Status Write(std::string_view option, const std::string& path, std::string_view text,
             const char* mode) {
  std::FILE* file = std::fopen(path.c_str(), mode);
  bool good = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != nullptr) good = std::fclose(file) == 0 && good;
  if (good) return Ok();
  return Err(Code::kIo, option, ": ", path, ": ", std::strerror(errno));
}

}  // namespace

Status WriteOutputFile(std::string_view option, const std::string& path, std::string_view text) {
  return Write(option, path, text, "wb");
}

Status AppendOutputFile(std::string_view option, const std::string& path, std::string_view text) {
  return Write(option, path, text, "ab");
}

Status ReplaceOutputFile(std::string_view option, const std::string& path, std::string_view text) {
  const std::filesystem::path target(path);
  std::error_code error;
  if (target.has_parent_path()) std::filesystem::create_directories(target.parent_path(), error);
  if (error) return Err(Code::kIo, option, ": ", path, ": ", error.message());
  const std::string draft = path + "." + std::to_string(::getpid());
  WEIR_RETURN_IF_ERROR(WriteOutputFile(option, draft, text));
  std::filesystem::rename(draft, target, error);
  if (!error) return Ok();
  std::error_code ignored;
  std::filesystem::remove(draft, ignored);
  return Err(Code::kIo, option, ": ", path, ": ", error.message());
}

Status PrintOut(std::string_view text) {
  const bool good = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (good && std::fflush(stdout) == 0) return Ok();
  return Err(Code::kIo, "standard output: ", std::strerror(errno));
}

}  // namespace weir
