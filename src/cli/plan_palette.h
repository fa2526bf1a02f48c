// SPDX-License-Identifier: Apache-2.0
//
// Colours of rows that colour-blind people tell apart too (Paul Tol's muted scheme), and how a bar
// is filled: decodes plain, prefills hatched, items of a shared prefix cross-hatched in grey.
#ifndef WEIR_CLI_PLAN_PALETTE_H_
#define WEIR_CLI_PLAN_PALETTE_H_

#include <cstdint>
#include <string>

#include "cli/plan_bars.h"

namespace weir {

// 9 colours, then the same lighter, then darker; then from the start.
inline constexpr int32_t kNumRowColors = 27;
inline constexpr int32_t kNoRow = -1;  // grey, for explanations

std::string RowColor(int32_t row);  // "#rrggbb"

// Value of a fill attribute. Patterns must have been defined with PatternFor.
std::string FillFor(int32_t row, BarKind kind);

// The <pattern> element that FillFor refers to; empty for plain fills.
std::string PatternFor(int32_t row, BarKind kind);

}  // namespace weir

#endif  // WEIR_CLI_PLAN_PALETTE_H_
