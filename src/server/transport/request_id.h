// SPDX-License-Identifier: Apache-2.0
//
// X-Request-Id: the client's own where it can stand in a log line, else a random one.
#ifndef WEIR_SERVER_TRANSPORT_REQUEST_ID_H_
#define WEIR_SERVER_TRANSPORT_REQUEST_ID_H_

#include <string>
#include <string_view>

namespace weir {

inline constexpr size_t kMaxRequestIdBytes = 128;

// 1 to kMaxRequestIdBytes letters, digits and "-_.:/+=@".
bool IsUsableRequestId(std::string_view id);

// 32 hexadecimal digits, random enough that nobody meets another's.
std::string MakeRequestId();

std::string UsableOrNewId(std::string_view sent);

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_REQUEST_ID_H_
