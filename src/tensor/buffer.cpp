// SPDX-License-Identifier: Apache-2.0
#include "tensor/buffer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <sys/mman.h>
#include <utility>

#include "base/cgroup.h"
#include "base/error.h"

namespace weir {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;

int64_t RoundUp(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

int64_t SystemAvailableBytes() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  int64_t kib = 0;
  std::string unit;
  while (file >> name >> kib) {
    std::getline(file, unit);
    if (name == "MemAvailable:") return kib * 1024;
  }
  return std::numeric_limits<int64_t>::max();
}

}  // namespace

Result<Buffer> Buffer::Allocate(int64_t num_bytes) {
  if (num_bytes == 0) return Buffer();
  if (num_bytes < 0 || num_bytes > (int64_t{1} << 46)) {
    return Err(Code::kOutOfMemory, "cannot allocate ", num_bytes, " bytes");
  }
  const int64_t size = num_bytes >= kHugePage ? RoundUp(num_bytes, kHugePage) : num_bytes;
  // Over-map by one huge page and cut the edges, so that the buffer starts on a huge page.
  const int64_t extra = num_bytes >= kHugePage ? kHugePage : 0;
  void* mapped = ::mmap(nullptr, static_cast<size_t>(size + extra), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    return Err(Code::kOutOfMemory, "cannot allocate ", num_bytes, " bytes: ", std::strerror(errno));
  }
  auto* begin = static_cast<std::byte*>(mapped);
  if (extra > 0) {
    const auto address = reinterpret_cast<intptr_t>(begin);
    const int64_t head = RoundUp(address, kHugePage) - address;
    if (head > 0) ::munmap(begin, static_cast<size_t>(head));
    if (extra - head > 0) ::munmap(begin + head + size, static_cast<size_t>(extra - head));
    begin += head;
    ::madvise(begin, static_cast<size_t>(size), MADV_HUGEPAGE);
  }
  return Buffer(begin, size);
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), num_bytes_(std::exchange(other.num_bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(num_bytes_, other.num_bytes_);
  return *this;
}

Buffer::~Buffer() {
  if (data_ != nullptr) ::munmap(data_, static_cast<size_t>(num_bytes_));
}

int64_t AvailableMemoryBytes() {
  const int64_t available = SystemAvailableBytes();
  const auto cgroup = FindCgroupMemory("/");
  return cgroup ? std::min(available, cgroup->available_bytes) : available;
}

}  // namespace weir
