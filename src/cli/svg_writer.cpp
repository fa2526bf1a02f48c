// SPDX-License-Identifier: Apache-2.0
#include "cli/svg_writer.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace weir {
namespace {

constexpr double kCharWidth = 0.6;  // of the font size, on average

void AppendTenths(std::string& out, int64_t tenths) {
  if (tenths % 10 == 0) {
    fmt::format_to(std::back_inserter(out), "{}", tenths / 10);
  } else {
    fmt::format_to(std::back_inserter(out), "{:.1f}", static_cast<double>(tenths) / 10);
  }
}

int64_t Tenths(double pixels) { return std::llround(pixels * 10); }

}  // namespace

std::string EscapeXml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c >= ' ' && c <= '~' ? c : '?';
    }
  }
  return out;
}

double TextWidth(std::string_view text, double size) {
  return static_cast<double>(text.size()) * size * kCharWidth;
}

std::string FitText(std::string_view text, double size, double width) {
  if (TextWidth(text, size) <= width) return std::string(text);
  const auto fits = static_cast<size_t>(std::max(0.0, width / (size * kCharWidth)));
  if (fits <= 3) return "";
  return std::string(text.substr(0, fits - 3)) + "...";
}

void AppendBox(std::string& path, const SvgBox& box) {
  const int64_t x = Tenths(box.x);
  const int64_t y = Tenths(box.y);
  const int64_t width = std::max<int64_t>(Tenths(box.x + box.width) - x, 1);
  const int64_t height = std::max<int64_t>(Tenths(box.y + box.height) - y, 1);
  path += 'M';
  AppendTenths(path, x);
  path += ' ';
  AppendTenths(path, y);
  path += 'h';
  AppendTenths(path, width);
  path += 'v';
  AppendTenths(path, height);
  path += 'h';
  AppendTenths(path, -width);
  path += 'z';
}

void SvgWriter::Rect(const SvgBox& box, std::string_view fill) {
  fmt::format_to(std::back_inserter(out_),
                 "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
                 "fill=\"{}\"/>\n",
                 box.x, box.y, box.width, box.height, fill);
}

void SvgWriter::Line(double x1, double y1, double x2, double y2, std::string_view style) {
  fmt::format_to(std::back_inserter(out_),
                 "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2,
                 y2, style);
}

void SvgWriter::Text(double x, double y, std::string_view text, const SvgText& style) {
  fmt::format_to(std::back_inserter(out_),
                 "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:g}\" fill=\"{}\" "
                 "text-anchor=\"{}\"{}>{}</text>\n",
                 x, y, style.size, style.color, style.anchor,
                 style.bold ? " font-weight=\"bold\"" : "", EscapeXml(text));
}

std::string SvgWriter::Finish(double width, double height, std::string_view title) const {
  return fmt::format(
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
             "viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\" "
             "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n<title>{2}</title>\n"
             "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>\n",
             width, height, EscapeXml(title)) +
         out_ + "</svg>\n";
}

std::string SvgWriter::FinishInline(double width, double height, std::string_view title) const {
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\">\n<title>{}</title>\n", width,
                     height, EscapeXml(title)) +
         out_ + "</svg>\n";
}

}  // namespace weir
