// SPDX-License-Identifier: Apache-2.0
//
// Records as JSON, as `GET /weir/steps?since=N` answers them and as trace files hold them. Fields
// are those of include/weir/stats.h under the same names; classes of rows are spelled out:
//
//   step     {"step": 7, "begin_us": 81, "num_seqs": {"decode": 4, "fresh_prefill": 0, ...},
//             "num_tokens": {...}, "num_splits": 0, ..., "limit": "itl_budget", "captured": false,
//             "predicted_us": 231.5, ..., "total_us": 240.2}
//   row      {"step": 7, "request": 3, "index": 0, "class": "decode", "q_len": 1, "kv_len": 812}
//   request  {"request": 3, "label": "chat-17", "arrived_us": 12, "num_prompt": 800,
//             "num_outputs": 1}
//   cost     {"step_us": 25000.0, ..., "hidden_tokens": 8, ...}
#ifndef WEIR_ENGINE_STEP_JSON_H_
#define WEIR_ENGINE_STEP_JSON_H_

#include <cstdint>

#include <weir/engine.h>
#include <weir/result.h>
#include <weir/stats.h>

#include "base/json.h"

namespace weir {

Json ToJson(const StepRecord& step);
Json ToJson(const RowRecord& row);
Json ToJson(const RequestRecord& request);
Json ToJson(const StepCost& cost);

// The whole answer: {"steps": [...], "rows": [...], "requests": [...], "cost": {...},
// "next": N}. Steps from number `since` on, at most `max_steps`, the earliest first, with all of
// their rows that are still held; `next` is what to ask for afterwards.
Json StepsAnswer(const Engine& engine, int64_t since, int32_t max_steps);

// The other way. `where` names the source in messages; anything malformed is kInvalidRequest.
Result<StepRecord> StepFromJson(const Json& json, std::string_view where);
Result<RowRecord> RowFromJson(const Json& json, std::string_view where);
Result<RequestRecord> RequestFromJson(const Json& json, std::string_view where);
Result<StepCost> CostFromJson(const Json& json, std::string_view where);

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_JSON_H_
