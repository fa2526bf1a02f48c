// SPDX-License-Identifier: Apache-2.0
//
// What planning needs to know of a device: how many workers it has and what they reach. The
// constants are those of the fluid model (fluid_model.h). Over-estimating worker_gb_s or merge_us
// costs far more than under-estimating them: round both down.
#ifndef WEIR_ATTENTION_DEVICE_PROFILE_H_
#define WEIR_ATTENTION_DEVICE_PROFILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

namespace weir {

struct DeviceProfile {
  std::string name;
  int32_t sm_count;           // multiprocessors of a GPU, threads of a CPU; 0: unknown
  int32_t num_workers;        // that take items at the same time: multiprocessors x resident blocks
  int32_t tile_len;           // tokens that planning counts in, a multiple of 16
  int32_t min_payload_tiles;  // no row is cut into smaller pieces than this to balance load
  int32_t q_tile_rows;        // query rows x heads that one item of a prefill packs
  double total_gb_s;          // all workers reading keys and values
  double worker_gb_s;         // one worker alone
  double item_us;             // fixed cost of an item
  double launch_us;           // of a call
  double merge_us;            // fixed cost where any row is split
  double worker_gflop_s;      // one worker in a prefill item
  double paged_gflop_s;       // one worker in a prefill item that reads pages
  std::map<std::string, std::string> sources;  // of each constant: where its value is from
};

// Profiles that come with the program: one JSON file each under src/attention/profiles. "cpu" is
// one thread, beside what all threads together can read.
std::vector<std::string> BuiltinProfileNames();
Result<DeviceProfile> BuiltinProfile(std::string_view name);

// Reads a profile in the format of those files. Every constant must be there, positive (sm_count
// may be 0) and finite, and so must a text in "sources" for each; total_gb_s is at least
// worker_gb_s; unknown fields are refused. `where` names the text in messages.
Result<DeviceProfile> ParseDeviceProfile(std::string_view json, std::string_view where);
std::string DumpDeviceProfile(const DeviceProfile& profile);

// The built-in profile of a CPU for this many threads, where nothing was measured.
DeviceProfile DefaultCpuProfile(int32_t num_threads);

}  // namespace weir

#endif  // WEIR_ATTENTION_DEVICE_PROFILE_H_
