// SPDX-License-Identifier: Apache-2.0
#include "loader/partial_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace weir {
namespace {

constexpr size_t kMaxWriteBytes = size_t{64} << 20;  // the kernel takes less than 2 GiB per call

std::string TemporaryName(const std::string& path) { return path + ".partial"; }

}  // namespace

Result<PartialFile> PartialFile::Create(const std::string& path) {
  const std::string temporary = TemporaryName(path);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return Err(Code::kIo, temporary, ": cannot create: ", std::strerror(errno));
  return PartialFile(path, fd);
}

PartialFile::PartialFile(PartialFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

PartialFile::~PartialFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(TemporaryName(path_).c_str());
}

Status PartialFile::Write(std::span<const std::byte> bytes) {
  WEIR_CHECK(fd_ >= 0);
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), std::min(bytes.size(), kMaxWriteBytes));
    if (written < 0) {
      if (errno == EINTR) continue;
      return Err(Code::kIo, TemporaryName(path_), ": cannot write: ", std::strerror(errno));
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return Ok();
}

Status PartialFile::Commit() {
  WEIR_CHECK(fd_ >= 0);
  const std::string temporary = TemporaryName(path_);
  // close() may be the first to tell that a remote disk is full.
  const int closed = ::close(std::exchange(fd_, -1));
  if (closed != 0 || std::rename(temporary.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary.c_str());
    return Err(Code::kIo, path_, ": cannot finish: ", std::strerror(reason));
  }
  return Ok();
}

}  // namespace weir
