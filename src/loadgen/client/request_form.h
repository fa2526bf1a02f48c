// SPDX-License-Identifier: Apache-2.0
//
// Requests of a load as bytes: the JSON that `vllm bench serve` sends to the same kind of server,
// and its headers.
#ifndef WEIR_LOADGEN_CLIENT_REQUEST_FORM_H_
#define WEIR_LOADGEN_CLIENT_REQUEST_FORM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/result.h>

#include "base/json.h"
#include "loadgen/client/url.h"
#include "loadgen/workload/workload.h"

namespace weir::loadgen {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct RequestForm {
  Url server;
  std::string endpoint = "/v1/completions";
  bool chat = false;
  std::string model;
  Headers headers;      // of the user; stand in for those of the same name
  std::string api_key;  // as a bearer token; empty: none
  bool ignore_eos = false;
  std::optional<int64_t> logprobs;
  Json extra = Json::object();  // members that are added to, or stand in for, those of every body
};

Json BodyOf(const RequestForm& form, const WorkloadRequest& request);
std::string WireOf(const RequestForm& form, const WorkloadRequest& request);

// Any request. `path` follows the server's own path.
std::string RequestText(const Url& server, std::string_view method, std::string_view path,
                        const Headers& headers, std::string_view body);

// User headers by "NAME=VALUE".
Result<Headers> ParseHeaders(const std::vector<std::string>& texts);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_REQUEST_FORM_H_
