// SPDX-License-Identifier: Apache-2.0
//
// A whole file as read-only memory. Pages come from the page cache when they are touched.
#ifndef WEIR_BASE_MAPPED_FILE_H_
#define WEIR_BASE_MAPPED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <weir/result.h>

namespace weir {

class MappedFile {
 public:
  static Result<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  int64_t mtime_ns() const { return mtime_ns_; }  // of last modification, when it was opened

  // Whether the path still leads to a file of the same length and time of last modification.
  bool IsUnchanged() const;

  // Tells the system that [begin, begin + size) of the file will not be needed again soon.
  void Forget(size_t begin, size_t size) const;

 private:
  MappedFile(std::string path, const std::byte* data, size_t size, int64_t mtime_ns)
      : path_(std::move(path)), data_(data), size_(size), mtime_ns_(mtime_ns) {}

  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  int64_t mtime_ns_ = 0;
};

// The whole file as a string; an error when it is larger than max_bytes.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace weir

#endif  // WEIR_BASE_MAPPED_FILE_H_
