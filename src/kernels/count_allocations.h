// SPDX-License-Identifier: Apache-2.0
//
// For tests: a program that links count_allocations.cpp counts its calls of operator new.
#ifndef WEIR_KERNELS_COUNT_ALLOCATIONS_H_
#define WEIR_KERNELS_COUNT_ALLOCATIONS_H_

#include <stdint.h>

namespace weir {

int64_t NumAllocations();  // since the start of the program, in all threads

}  // namespace weir

#endif  // WEIR_KERNELS_COUNT_ALLOCATIONS_H_
