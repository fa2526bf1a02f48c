// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernel_table.h"

#include <array>

#include "base/error.h"

namespace weir {
namespace {

// Best first.
constexpr std::array kTables = {
#if defined(__x86_64__)
    &kAvx512Kernels,
    &kAvx2Kernels,
#endif
    &kReferenceKernels,
};

std::string NamesThatRun(const CpuFeatures& features) {
  std::string names;
  for (const KernelTable* table : kTables) {
    if (!table->runs_on(features)) continue;
    if (!names.empty()) names += ", ";
    names += table->name;
  }
  return names;
}

template <class Op>
void Fill(Op& slot, Op reference, const char* op, std::string& filled) {
  if (slot != nullptr) return;
  slot = reference;
  if (!filled.empty()) filled += ", ";
  filled += op;
}

}  // namespace

KernelChoice CompleteTable(const KernelTable& table, std::string why) {
  KernelChoice choice{table, std::move(why), ""};
  const KernelTable& reference = kReferenceKernels;
  std::string& filled = choice.from_reference;
  Fill(choice.table.embed, reference.embed, "embed", filled);
  Fill(choice.table.rms_norm, reference.rms_norm, "rms_norm", filled);
  Fill(choice.table.matmul, reference.matmul, "matmul", filled);
  Fill(choice.table.qkv_prepare, reference.qkv_prepare, "qkv_prepare", filled);
  Fill(choice.table.paged_attention, reference.paged_attention, "paged_attention", filled);
  Fill(choice.table.silu_mul, reference.silu_mul, "silu_mul", filled);
  return choice;
}

std::span<const KernelTable* const> AllKernelTables() { return kTables; }

Result<KernelChoice> ChooseKernels(std::string_view forced, const CpuFeatures& features) {
  for (const KernelTable* table : kTables) {
    const bool runs = table->runs_on(features);
    if (forced.empty() && runs) {
      return CompleteTable(*table, fmt::format("best that runs on {}", ToString(features)));
    }
    if (forced != table->name) continue;
    if (runs) return CompleteTable(*table, "forced by WEIR_KERNELS");
    return Err(Code::kInvalidArgument, "WEIR_KERNELS: ", forced, " needs ", table->needs,
               ", this CPU has ", ToString(features), "; choose one of ", NamesThatRun(features));
  }
  return Err(Code::kInvalidArgument, "WEIR_KERNELS: unknown table ", forced, ", choose one of ",
             NamesThatRun(features));
}

}  // namespace weir
