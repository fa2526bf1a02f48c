// SPDX-License-Identifier: Apache-2.0
//
// A result under vLLM's keys, with Weir's own under "weir", and the name of its file.
#ifndef WEIR_LOADGEN_REPORT_RESULT_JSON_H_
#define WEIR_LOADGEN_REPORT_RESULT_JSON_H_

#include <string>

#include "base/json.h"
#include "loadgen/serve/serve.h"

namespace weir::loadgen {

struct ResultJsonOptions {
  std::string date;       // "20260131-235959"
  bool detailed = false;  // arrays with an entry for every request
  int64_t run = 0;        // of several
  int64_t num_runs = 1;
};

Json ResultJson(const ServeOptions& options, const ServeResult& result,
                const ResultJsonOptions& json_options);

// "openai-inf" "qps-concurrency8-MODEL-DATE.json".
std::string ResultFileName(const ServeOptions& options, const std::string& model_id,
                           const std::string& date);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_REPORT_RESULT_JSON_H_
