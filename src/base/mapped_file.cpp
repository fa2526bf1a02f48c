// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/error.h"

namespace weir {
namespace {

// Closes its descriptor when it goes.
struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

int64_t MtimeNs(const struct stat& info) {
  return int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

Result<struct stat> OpenRegular(const std::string& path, Descriptor& file) {
  // O_NONBLOCK: opening a pipe would wait for a writer; regular files do not care.
  file.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.fd < 0) {
    const Code code = errno == ENOENT ? Code::kNotFound : Code::kIo;
    return Err(code, path, ": cannot open: ", std::strerror(errno));
  }
  struct stat info = {};
  if (::fstat(file.fd, &info) != 0) return Err(Code::kIo, path, ": ", std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return Err(Code::kIo, path, ": not a regular file");
  return info;
}

}  // namespace

Result<MappedFile> MappedFile::Open(const std::string& path) {
  Descriptor file;
  WEIR_ASSIGN_OR_RETURN(const struct stat info, OpenRegular(path, file));
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return MappedFile(path, nullptr, 0, MtimeNs(info));
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) return Err(Code::kIo, path, ": cannot map: ", std::strerror(errno));
  return MappedFile(path, static_cast<const std::byte*>(data), size, MtimeNs(info));
}

bool MappedFile::IsUnchanged() const {
  struct stat info = {};
  return ::stat(path_.c_str(), &info) == 0 && static_cast<size_t>(info.st_size) == size_ &&
         MtimeNs(info) == mtime_ns_;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mtime_ns_(other.mtime_ns_) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mtime_ns_, other.mtime_ns_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::Forget(size_t begin, size_t size) const {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t first = (begin + page - 1) / page * page;
  const size_t last = (begin + size) / page * page;
  if (first >= last || last > size_) return;
  ::madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  WEIR_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > max_bytes) {
    return Err(Code::kInvalidModel, path, ": ", bytes.size(), " bytes, at most ", max_bytes,
               " are read");
  }
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace weir
