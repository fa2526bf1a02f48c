// SPDX-License-Identifier: Apache-2.0
//
// A backend is a table of typed function pointers. Tables stand in a list written by hand, best
// first; the first that runs on the machine is used, or the one that WEIR_KERNELS names. A CPU
// table may leave a slot null: the reference fills it when the table is chosen, and a log line says
// so.
#ifndef WEIR_KERNELS_KERNEL_TABLE_H_
#define WEIR_KERNELS_KERNEL_TABLE_H_

#include <span>
#include <string>
#include <string_view>

#include <weir/result.h>

#include "kernels/embed.h"
#include "kernels/matmul.h"
#include "kernels/paged_attention.h"
#include "kernels/qkv_prepare.h"
#include "kernels/rms_norm.h"
#include "kernels/silu_mul.h"
#include "tensor/cpu_features.h"
#include "tensor/stream.h"

namespace weir {

struct KernelTable {
  const char* name;   // "cpu/avx512"
  const char* needs;  // the features in words, for messages
  bool (*runs_on)(const CpuFeatures&);
  void (*embed)(const EmbedArgs&, Stream);
  void (*rms_norm)(const RmsNormArgs&, Stream);
  void (*matmul)(const MatmulArgs&, Stream);
  void (*qkv_prepare)(const QkvPrepareArgs&, Stream);
  void (*paged_attention)(const PagedAttentionArgs&, Stream);
  void (*silu_mul)(const SiluMulArgs&, Stream);
};

extern const KernelTable kReferenceKernels;
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;

// All tables, best first. The reference runs everywhere and stands last.
std::span<const KernelTable* const> AllKernelTables();

struct KernelChoice {
  KernelTable table;  // complete: no slot is null
  std::string why;
  std::string from_reference;  // the ops that the reference fills, comma separated
};

// `table` with its null slots taken from the reference.
KernelChoice CompleteTable(const KernelTable& table, std::string why);

// `forced` is a table's name, or empty for the best. A name that is unknown or that this machine
// cannot run is an error that lists what can be chosen.
Result<KernelChoice> ChooseKernels(std::string_view forced, const CpuFeatures& features);

}  // namespace weir

#endif  // WEIR_KERNELS_KERNEL_TABLE_H_
