// SPDX-License-Identifier: Apache-2.0
//
// EngineInfo and EngineStats as JSON, under the names of include/weir.
#ifndef WEIR_SERVER_API_STATS_JSON_H_
#define WEIR_SERVER_API_STATS_JSON_H_

#include <weir/engine.h>

#include "base/json.h"

namespace weir {

Json ToJson(const EngineInfo& info);
Json ToJson(const EngineStats& stats);

}  // namespace weir

#endif  // WEIR_SERVER_API_STATS_JSON_H_
