// SPDX-License-Identifier: Apache-2.0
//
// Amounts of memory as people write them.
#ifndef WEIR_CLI_BYTE_SIZE_H_
#define WEIR_CLI_BYTE_SIZE_H_

#include <cstdint>
#include <string_view>

#include <weir/result.h>

namespace weir {

// "1.5GiB", "512M", "2 GB", "1000" -> bytes. K, M, G, T, alone or as KiB, are powers of 1024; KB,
// MB, GB, TB powers of 1000; a bare number is in `unit_bytes`. `where` names the flag in messages.
Result<int64_t> ParseByteSize(std::string_view text, std::string_view where, int64_t unit_bytes);

}  // namespace weir

#endif  // WEIR_CLI_BYTE_SIZE_H_
