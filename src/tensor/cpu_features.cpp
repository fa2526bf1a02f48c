// SPDX-License-Identifier: Apache-2.0
#include "tensor/cpu_features.h"

#include <fstream>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace weir {

#if defined(__x86_64__)
namespace {

unsigned long long EnabledStates() {
  unsigned low = 0;
  unsigned high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<unsigned long long>(high) << 32) | low;
}

bool Bit(unsigned word, int bit) { return ((word >> bit) & 1u) != 0; }

}  // namespace

CpuFeatures DetectCpuFeatures() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  CpuFeatures found;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return found;
  const bool fma = Bit(ecx, 12);
  const bool f16c = Bit(ecx, 29);
  if (!Bit(ecx, 27)) return found;  // no XGETBV: the system saves no wide registers
  const unsigned long long states = EnabledStates();
  const bool ymm = (states & 0x6) == 0x6;
  const bool zmm = (states & 0xE6) == 0xE6;
  const bool tiles = (states & 0x60000) == 0x60000;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return found;
  found.avx2 = ymm && fma && f16c && Bit(ebx, 5);
  found.avx512 = found.avx2 && zmm && Bit(ebx, 16) && Bit(ebx, 17) && Bit(ebx, 30) && Bit(ebx, 31);
  found.avx512_vnni = found.avx512 && Bit(ecx, 11);
  found.amx_bf16 = tiles && Bit(edx, 22) && Bit(edx, 24);
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) == 0) return found;
  found.avx512_bf16 = found.avx512 && Bit(eax, 5);
  return found;
}
#else
CpuFeatures DetectCpuFeatures() { return {}; }
#endif

std::string CpuModelName() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string ToString(const CpuFeatures& found) {
  std::string text;
  const auto add = [&](bool has, const char* name) {
    if (!has) return;
    if (!text.empty()) text += ' ';
    text += name;
  };
  add(found.avx2, "avx2");
  add(found.avx512, "avx512");
  add(found.avx512_vnni, "avx512_vnni");
  add(found.avx512_bf16, "avx512_bf16");
  add(found.amx_bf16, "amx_bf16");
  return text.empty() ? "none" : text;
}

}  // namespace weir
