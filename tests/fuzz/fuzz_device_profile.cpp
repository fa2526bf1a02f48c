// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a device profile. What is accepted must be safe to divide by and to allocate for,
// and must survive being written and read.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "attention/device_profile.h"

namespace {

void Expect(bool holds) {
  if (!holds) std::abort();
}

void CheckProfile(const weir::DeviceProfile& d) {
  Expect(!d.name.empty() && d.name.size() <= 64);
  Expect(d.sm_count >= 0 && d.sm_count <= 1 << 16);
  Expect(d.num_workers >= 1 && d.num_workers <= 1 << 16);
  Expect(d.tile_len >= 16 && d.tile_len % 16 == 0 && d.tile_len <= 4096);
  Expect(d.min_payload_tiles >= 1 && d.q_tile_rows >= 1);
  for (const double constant : {d.total_gb_s, d.worker_gb_s, d.item_us, d.launch_us, d.merge_us,
                                d.worker_gflop_s, d.paged_gflop_s}) {
    Expect(std::isfinite(constant) && constant > 0);
  }
  Expect(d.total_gb_s >= d.worker_gb_s);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto profile = weir::ParseDeviceProfile(text, "fuzz");
  if (!profile) {
    Expect(profile.error().message.size() < 1000);
    return 0;
  }
  CheckProfile(*profile);
  const std::string dumped = weir::DumpDeviceProfile(*profile);
  const auto again = weir::ParseDeviceProfile(dumped, "dumped");
  Expect(again.has_value() && weir::DumpDeviceProfile(*again) == dumped);
  return 0;
}
