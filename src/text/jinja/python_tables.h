// SPDX-License-Identifier: Apache-2.0
//
// Case and printability of characters as Python 3.11 has them.
#ifndef WEIR_TEXT_JINJA_PYTHON_TABLES_H_
#define WEIR_TEXT_JINJA_PYTHON_TABLES_H_

#include <cstdint>
#include <span>

namespace weir::jinja {

// `from` becomes up to three characters; unused ones are 0.
struct CaseMapping {
  uint32_t from;
  uint32_t to[3];
};
struct CodePointRange {
  uint32_t first;
  uint32_t last;
};

// All sorted.
std::span<const CaseMapping> UpperMappings();
std::span<const CaseMapping> TitleMappings();  // where it is not the upper case
std::span<const CaseMapping> LowerMappings();
std::span<const CodePointRange> PrintableRanges();

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_PYTHON_TABLES_H_
