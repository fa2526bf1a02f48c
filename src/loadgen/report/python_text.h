// SPDX-License-Identifier: Apache-2.0
//
// Numbers as Python prints them, for text and file names that other tools read.
#ifndef WEIR_LOADGEN_REPORT_PYTHON_TEXT_H_
#define WEIR_LOADGEN_REPORT_PYTHON_TEXT_H_

#include <string>

namespace weir::loadgen {

std::string PythonFloat(double value);    // repr: "1.0", "2.5", "inf"
std::string PercentName(double percent);  // "99", "99.9"

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_REPORT_PYTHON_TEXT_H_
