// SPDX-License-Identifier: Apache-2.0
//
// The printed result: vLLM's block word for word, then what Weir adds.
#ifndef WEIR_LOADGEN_REPORT_RESULT_TEXT_H_
#define WEIR_LOADGEN_REPORT_RESULT_TEXT_H_

#include <string>

#include "loadgen/serve/serve.h"

namespace weir::loadgen {

std::string ResultText(const ServeOptions& options, const ServeResult& result);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_REPORT_RESULT_TEXT_H_
