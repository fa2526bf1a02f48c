// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_palette.h"

#include <array>
#include <cmath>
#include <fmt/format.h>

namespace weir {
namespace {

struct Rgb {
  int red;
  int green;
  int blue;
};

// In an order in which neighbours differ in hue and lightness. Indigo is lighter than Tol's, so
// that black marks are seen on it.
constexpr std::array<Rgb, 9> kMuted = {{{0x44, 0xaa, 0x99},
                                        {0xcc, 0x66, 0x77},
                                        {0x55, 0x47, 0xa8},
                                        {0xdd, 0xcc, 0x77},
                                        {0x88, 0x22, 0x55},
                                        {0x88, 0xcc, 0xee},
                                        {0x11, 0x77, 0x33},
                                        {0xaa, 0x44, 0x99},
                                        {0x99, 0x99, 0x33}}};
constexpr Rgb kGrey = {0x9a, 0x9a, 0x9a};
constexpr std::array<double, 3> kTints = {0.0, 0.45, -0.35};  // towards white, towards black

int Mixed(int channel, double tint) {
  const double target = tint < 0 ? 0 : 255;
  return static_cast<int>(std::lround(channel + (target - channel) * std::abs(tint)));
}

Rgb ColorOf(int32_t row) {
  if (row == kNoRow) return kGrey;
  const auto index = static_cast<size_t>(row % kNumRowColors);
  const Rgb& base = kMuted[index % kMuted.size()];
  const double tint = kTints[index / kMuted.size()];
  return {Mixed(base.red, tint), Mixed(base.green, tint), Mixed(base.blue, tint)};
}

std::string PatternId(int32_t row) {
  return row == kNoRow ? "hatch" : fmt::format("hatch{}", row % kNumRowColors);
}

// Hatching that is seen on the colour.
const char* HatchColor(const Rgb& color) {
  const int lightness = (2 * color.red + 5 * color.green + color.blue) / 8;
  return lightness > 140 ? "#000000" : "#ffffff";
}

}  // namespace

std::string RowColor(int32_t row) {
  const Rgb color = ColorOf(row);
  return fmt::format("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue);
}

std::string FillFor(int32_t row, BarKind kind) {
  switch (kind) {
    case BarKind::kDecode:
      return RowColor(row);
    case BarKind::kPrefill:
      return fmt::format("url(#{})", PatternId(row));
    case BarKind::kShared:
      break;
  }
  return "url(#shared)";
}

std::string PatternFor(int32_t row, BarKind kind) {
  constexpr const char* kHatch =
      "<pattern id=\"{0}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
      "patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"{1}\"/>"
      "<rect width=\"2.2\" height=\"6\" fill=\"{2}\" fill-opacity=\"0.45\"/></pattern>\n";
  constexpr const char* kCross =
      "<pattern id=\"shared\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">"
      "<rect width=\"5\" height=\"5\" fill=\"#555555\"/>"
      "<path d=\"M0 0L5 5M5 0L0 5\" stroke=\"#ffffff\" stroke-width=\"0.9\" "
      "stroke-opacity=\"0.8\"/></pattern>\n";
  switch (kind) {
    case BarKind::kDecode:
      return "";
    case BarKind::kPrefill:
      return fmt::format(kHatch, PatternId(row), RowColor(row), HatchColor(ColorOf(row)));
    case BarKind::kShared:
      break;
  }
  return kCross;
}

}  // namespace weir
