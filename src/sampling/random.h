// SPDX-License-Identifier: Apache-2.0
//
// Random numbers by counter: draw i of a seed is a pure function of (seed, i). A sequence's text
// then does not depend on the batch, on preemption or on what other sequences draw.
#ifndef WEIR_SAMPLING_RANDOM_H_
#define WEIR_SAMPLING_RANDOM_H_

#include <array>
#include <cstdint>

namespace weir {

// Philox 4x32 with 10 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Draw `index` of `seed`: uniform in [0, 1), a multiple of 2^-53.
double UniformDraw(uint64_t seed, uint64_t index);

}  // namespace weir

#endif  // WEIR_SAMPLING_RANDOM_H_
