// SPDX-License-Identifier: Apache-2.0
//
// What this CPU can execute, with the operating system's consent (XCR0) where registers are wider.
#ifndef WEIR_TENSOR_CPU_FEATURES_H_
#define WEIR_TENSOR_CPU_FEATURES_H_

#include <string>

namespace weir {

struct CpuFeatures {
  bool avx2 = false;    // with FMA and F16C
  bool avx512 = false;  // F, BW, DQ and VL
  bool avx512_bf16 = false;
  bool avx512_vnni = false;
  bool amx_bf16 = false;
};

CpuFeatures DetectCpuFeatures();
std::string CpuModelName();                      // "AMD EPYC", or "unknown"
std::string ToString(const CpuFeatures& found);  // "avx2 avx512 avx512_bf16"

}  // namespace weir

#endif  // WEIR_TENSOR_CPU_FEATURES_H_
