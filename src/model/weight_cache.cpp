// SPDX-License-Identifier: Apache-2.0
#include "model/weight_cache.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>

#include "base/error.h"
#include "base/log.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr char kMagic[8] = {'W', 'E', 'I', 'R', 'P', 'A', 'C', 'K'};
constexpr uint32_t kFormat = 1;
constexpr std::string_view kSuffix = ".weights";
constexpr std::string_view kTempPrefix = ".writing-";
// Left free on the disk besides what is written.
constexpr int64_t kSpareBytes = int64_t{1} << 30;
// A file half written for so long was left behind by a process that died.
constexpr auto kStaleTemp = std::chrono::hours(6);

struct Header {
  char magic[8];
  uint32_t format;
  uint32_t key_bytes;
  int64_t num_bytes;
  uint64_t hash;
  char key[kWeightCacheHeaderBytes - 32];
};
static_assert(sizeof(Header) == kWeightCacheHeaderBytes);

uint64_t Mix(uint64_t x, uint64_t salt) {
  const auto product = static_cast<unsigned __int128>(x ^ salt) * 0x9E3779B97F4A7C15u;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Four chains side by side, as one alone would wait for its own multiplications.
uint64_t HashOf(std::span<const std::byte> bytes, uint64_t seed) {
  uint64_t chains[4] = {seed ^ 1, seed ^ 2, seed ^ 3, seed ^ 4};
  size_t pos = 0;
  uint64_t words[4];
  for (; pos + sizeof words <= bytes.size(); pos += sizeof words) {
    std::memcpy(words, bytes.data() + pos, sizeof words);
    for (int i = 0; i < 4; ++i) chains[i] = Mix(words[i], chains[i]) + words[i];
  }
  std::memset(words, 0, sizeof words);
  std::memcpy(words, bytes.data() + pos, bytes.size() - pos);
  for (int i = 0; i < 4; ++i) chains[i] = Mix(words[i], chains[i]);
  uint64_t hash = bytes.size();
  for (const uint64_t chain : chains) hash = Mix(chain, hash);
  return hash;
}

uint64_t HashOfText(std::string_view text, uint64_t seed) {
  return HashOf(std::as_bytes(std::span(text)), seed);
}

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// A folder or file that another user may write to could hold anything.
Status CheckPrivate(const std::string& path) {
  struct stat info = {};
  if (::lstat(path.c_str(), &info) != 0) return Err(Code::kIo, path, ": ", std::strerror(errno));
  if (S_ISLNK(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 022) != 0) {
    return Err(Code::kIo, path, ": other users may write to it, wanted one's own with mode 0700");
  }
  return Ok();
}

Status MakeFolder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(fs::path(folder).parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return Err(Code::kIo, folder, ": ", std::strerror(errno));
  }
  return CheckPrivate(folder);
}

Status WriteAll(int fd, const std::string& path, std::span<const std::byte> bytes) {
  constexpr size_t kPiece = size_t{16} << 20;
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), std::min(bytes.size(), kPiece));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Err(Code::kIo, path, ": ", std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return Ok();
}

// What is wrong with the file; empty when nothing is.
std::string ProblemOf(const MappedFile& file, std::string_view key, int64_t num_bytes,
                      bool verify) {
  const auto bytes = file.bytes();
  if (bytes.size() < sizeof(Header)) return "shorter than its header";
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) return "not a file of packed weights";
  if (header.format != kFormat) return "of another format";
  if (header.key_bytes != key.size() || key != std::string_view(header.key, key.size())) {
    return "made of other weights";
  }
  if (header.num_bytes != num_bytes ||
      bytes.size() - sizeof(Header) != static_cast<uint64_t>(num_bytes)) {
    return fmt::format("{} bytes that should be {}, wanted {}", bytes.size() - sizeof(Header),
                       header.num_bytes, num_bytes);
  }
  if (verify && HashOf(bytes.subspan(sizeof(Header)), 0) != header.hash) return "damaged";
  return {};
}

struct CacheFile {
  fs::path path;
  int64_t num_bytes;
  fs::file_time_type used;
};

// Finished files, least recently used first; removes what dead processes left half written.
std::vector<CacheFile> FilesOf(const std::string& folder) {
  std::vector<CacheFile> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const fs::path& path = it->path();
    const auto used = it->last_write_time(ignored);
    if (path.extension() == kSuffix) {
      files.push_back({path, static_cast<int64_t>(it->file_size(ignored)), used});
    } else if (path.filename().string().starts_with(kTempPrefix) && !ignored &&
               used + kStaleTemp < fs::file_time_type::clock::now()) {
      fs::remove(path, ignored);
    }
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.used < b.used; });
  return files;
}

}  // namespace

std::string WeightCacheHash(std::string_view text) {
  return fmt::format("{:016x}{:016x}", HashOfText(text, 1), HashOfText(text, 2));
}

std::string WeightCache::PathOf(std::string_view key) const {
  return fmt::format("{}/{}{}", options_.folder, WeightCacheHash(key), kSuffix);
}

std::optional<MappedFile> WeightCache::Find(std::string_view key, int64_t num_bytes) const {
  const std::string path = PathOf(key);
  if (options_.folder.empty() || ::access(path.c_str(), F_OK) != 0) return std::nullopt;
  Status usable = CheckPrivate(options_.folder);
  if (usable) usable = CheckPrivate(path);
  if (!usable) {
    WEIR_LOG(WARN, "weight cache not used", "why", usable.error().message);
    return std::nullopt;
  }
  auto file = MappedFile::Open(path);
  const std::string problem =
      file ? ProblemOf(*file, key, num_bytes, options_.verify) : file.error().message;
  if (problem.empty()) {
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // used now
    return std::move(*file);
  }
  WEIR_LOG(WARN, "weight cache file removed, weights are packed again", "file", path, "why",
           problem);
  ::unlink(path.c_str());
  return std::nullopt;
}

Status WeightCache::MakeRoom(int64_t num_bytes) const {
  if (num_bytes > options_.max_bytes) {
    return Err(Code::kOutOfMemory, num_bytes, " bytes, the cache may hold ", options_.max_bytes);
  }
  const std::vector<CacheFile> files = FilesOf(options_.folder);
  int64_t total = num_bytes;
  for (const CacheFile& file : files) total += file.num_bytes;
  for (const CacheFile& file : files) {
    if (total <= options_.max_bytes) break;
    std::error_code ignored;
    if (fs::remove(file.path, ignored)) {
      WEIR_LOG(INFO, "weight cache file evicted", "file", file.path.string());
    }
    total -= file.num_bytes;
  }
  struct statvfs disk = {};
  if (::statvfs(options_.folder.c_str(), &disk) != 0) {
    return Err(Code::kIo, options_.folder, ": ", std::strerror(errno));
  }
  const auto free_bytes = static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
  if (free_bytes - kSpareBytes < num_bytes) {
    return Err(Code::kOutOfMemory, options_.folder, ": ", free_bytes, " bytes free, wanted ",
               num_bytes, " and ", kSpareBytes, " to spare");
  }
  return Ok();
}

Status WeightCache::Store(std::string_view key, std::span<const std::byte> weights) const {
  Header header = {};
  if (key.size() > sizeof header.key) {
    return Err(Code::kUnsupported, "key of ", key.size(), " bytes");
  }
  WEIR_RETURN_IF_ERROR(MakeFolder(options_.folder));
  WEIR_RETURN_IF_ERROR(MakeRoom(static_cast<int64_t>(weights.size() + sizeof header)));
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.format = kFormat;
  header.key_bytes = static_cast<uint32_t>(key.size());
  header.num_bytes = static_cast<int64_t>(weights.size());
  header.hash = HashOf(weights, 0);
  key.copy(header.key, key.size());

  const std::string path =
      fmt::format("{}/{}{}-{}", options_.folder, kTempPrefix, ::getpid(), ::gettid());
  Descriptor file;
  file.fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file.fd < 0) return Err(Code::kIo, path, ": ", std::strerror(errno));
  Status status = WriteAll(file.fd, path, std::as_bytes(std::span(&header, 1)));
  if (status) status = WriteAll(file.fd, path, weights);
  // Before it gets its name: a crash must not leave a name for bytes that never reached the disk.
  if (status && ::fsync(file.fd) != 0) status = Err(Code::kIo, path, ": ", std::strerror(errno));
  if (status && ::rename(path.c_str(), PathOf(key).c_str()) != 0) {
    status = Err(Code::kIo, path, ": ", std::strerror(errno));
  }
  if (!status) ::unlink(path.c_str());
  return status;
}

WeightCacheWriter::WeightCacheWriter(WeightCacheOptions options, std::string key,
                                     std::span<const std::byte> weights)
    : thread_([options = std::move(options), key = std::move(key), weights] {
        const Status stored = WeightCache(options).Store(key, weights);
        if (stored) {
          WEIR_LOG(INFO, "packed weights kept for the next start", "folder", options.folder);
        } else {
          WEIR_LOG(WARN, "packed weights not kept", "why", stored.error().message);
        }
      }) {}

WeightCacheWriter::~WeightCacheWriter() { thread_.join(); }

}  // namespace weir
