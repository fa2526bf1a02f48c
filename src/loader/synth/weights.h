// SPDX-License-Identifier: Apache-2.0
//
// A synthetic model's weights as a WeightSource: nothing is stored, rows are made when asked for.
#ifndef WEIR_LOADER_SYNTH_WEIGHTS_H_
#define WEIR_LOADER_SYNTH_WEIGHTS_H_

#include <cstdint>
#include <memory>

#include "loader/synth/preset.h"
#include "loader/weight_source.h"

namespace weir {

// Values as values.h defines them; norms are ones.
std::unique_ptr<WeightSource> MakeSynthWeights(const SynthPreset& preset, uint64_t seed);

}  // namespace weir

#endif  // WEIR_LOADER_SYNTH_WEIGHTS_H_
