// SPDX-License-Identifier: Apache-2.0
//
// For tests: a machine whose steps take a known time, with noise, drift and other processes.
#ifndef WEIR_ENGINE_SIMULATED_MACHINE_H_
#define WEIR_ENGINE_SIMULATED_MACHINE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

#include "engine/step_load.h"

namespace weir {

struct MachineSpec {
  double weight_gb = 0.88;  // of the layers; the head comes on top
  double head_gb = 0.31;
  double gb_s = 33;
  double gflop_s = 600;  // that products reach
  double attn_gflop_s = 450;
  double fixed_us = 300;
  double noise = 0.04;         // standard deviation of a step's log time
  double drift = 0;            // amplitude of a slow change of speed
  double outlier_share = 0;    // of steps, each 2 to 5 times as long
  double key_bytes = 114'688;  // of a token in all layers
  double pair_flops = 229'376;
};

class SimulatedMachine {
 public:
  SimulatedMachine(const MachineSpec& spec, uint64_t seed) : spec_(spec), random_(seed) {}

  // Without noise. Reading the weights and computing overlap, but not where both are near equal:
  // a smooth maximum, which no piecewise linear model is exact for.
  double MeanUs(const StepLoad& load) const {
    const double bytes_per_us = spec_.gb_s * 1e3;
    const double read_us = spec_.weight_gb * 1e9 / bytes_per_us;
    const double compute_us = load.tokens() * spec_.weight_gb * 1e9 / (spec_.gflop_s * 1e3);
    const double linear_us = std::pow(std::pow(read_us, 3) + std::pow(compute_us, 3), 1.0 / 3);
    const double head_us = load.num_logits == 0 ? 0 : spec_.head_gb * 1e9 / bytes_per_us;
    const double keys_us = static_cast<double>(load.decode_keys) * spec_.key_bytes / bytes_per_us;
    const double pairs_us = static_cast<double>(load.fresh_pairs + load.cached_pairs) *
                            spec_.pair_flops / (spec_.attn_gflop_s * 1e3);
    return spec_.fixed_us + linear_us + head_us + keys_us + pairs_us + 150 * load.num_logits;
  }

  double Run(const StepLoad& load) {
    ++num_steps_;
    double us = MeanUs(load) * std::exp(spec_.noise * normal_(random_));
    us *= 1 + spec_.drift * std::sin(static_cast<double>(num_steps_) / 150);
    if (uniform_(random_) < spec_.outlier_share) us *= 2 + 3 * uniform_(random_);
    return us;
  }

  MachineSpec& spec() { return spec_; }

 private:
  MachineSpec spec_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  std::uniform_real_distribution<double> uniform_;
  int64_t num_steps_ = 0;
};

}  // namespace weir

#endif  // WEIR_ENGINE_SIMULATED_MACHINE_H_
