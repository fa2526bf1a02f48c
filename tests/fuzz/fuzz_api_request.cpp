// SPDX-License-Identifier: Apache-2.0
//
// Bodies of requests: any bytes either read as a request whose every number is in range, or are an
// error that says so. The first byte chooses the route.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "sampling/sampler.h"
#include "server/api/generation_request.h"
#include "server/api/json_budget.h"

namespace weir {
namespace {

void CheckRequest(const ApiResult<GenerationRequest>& request, const RequestLimits& limits) {
  if (!request) {
    const ApiError& error = request.error();
    WEIR_CHECK(error.status >= 400 && error.status < 500);
    WEIR_CHECK(!error.message.empty() && error.message.size() < 400);
    WEIR_CHECK(!Json::parse(DumpJson(ErrorJson(error)), nullptr, false).is_discarded());
    return;
  }
  WEIR_CHECK(request->n >= 1 && request->n <= limits.options.max_n);
  SamplingParams params = request->sampling;
  // Without max_tokens it is what the context has room for, which is known later.
  if (!request->max_tokens) params.min_tokens = 0;
  params.max_tokens = std::max(request->max_tokens.value_or(1), 1);
  WEIR_CHECK(ValidateSampling(params, limits.engine.vocab_size).has_value());
}

void ReadBody(uint8_t route, std::string_view text, const RequestLimits& limits) {
  WEIR_CHECK(CountJsonValues(text) >= 1);
  const ApiResult<Json> body = ParseBody(text);
  if (!body) return CheckRequest(tl::unexpected(body.error()), limits);
  if (route % 3 == 0) return CheckRequest(ParseCompletion(*body, limits), limits);
  if (route % 3 == 1) return CheckRequest(ParseChat(*body, limits), limits);
  FieldReader fields(*body, kTokenizeBody);
  ReadModel(fields, limits);
  if (fields.Find("messages") != nullptr) ReadChatInput(fields, limits);
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const weir::ApiOptions options;
  const weir::EngineInfo engine = {.vocab_size = 300, .max_model_len = 1000};
  const std::vector<std::string> names = {"fake"};
  weir::ReadBody(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1},
                 {options, engine, names});
  return 0;
}
