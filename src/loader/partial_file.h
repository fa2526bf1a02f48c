// SPDX-License-Identifier: Apache-2.0
//
// A file that appears under its name only when it is complete: it is written beside it, with
// ".partial" appended, and renamed at the end. Whatever goes wrong before leaves no file behind.
#ifndef WEIR_LOADER_PARTIAL_FILE_H_
#define WEIR_LOADER_PARTIAL_FILE_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <weir/result.h>

namespace weir {

class PartialFile {
 public:
  static Result<PartialFile> Create(const std::string& path);
  PartialFile(PartialFile&& other) noexcept;
  PartialFile& operator=(PartialFile&&) = delete;
  ~PartialFile();

  Status Write(std::span<const std::byte> bytes);
  Status Write(std::string_view text) { return Write(std::as_bytes(std::span(text))); }

  // Renames; replaces a file of that name. Nothing may be written afterwards.
  Status Commit();

 private:
  PartialFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_ = -1;  // -1: committed, or moved from
};

}  // namespace weir

#endif  // WEIR_LOADER_PARTIAL_FILE_H_
