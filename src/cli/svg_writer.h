// SPDX-License-Identifier: Apache-2.0
//
// The few marks that a picture is made of, as SVG text. Coordinates are pixels from the top left.
#ifndef WEIR_CLI_SVG_WRITER_H_
#define WEIR_CLI_SVG_WRITER_H_

#include <string>
#include <string_view>

namespace weir {

struct SvgBox {
  double x;
  double y;
  double width;
  double height;
};

struct SvgText {
  double size = 12;
  std::string_view color = "#333";
  std::string_view anchor = "start";  // or "middle", "end"
  bool bold = false;
};

class SvgWriter {
 public:
  void Raw(std::string_view text) { out_ += text; }
  void Rect(const SvgBox& box, std::string_view fill);
  void Line(double x1, double y1, double x2, double y2, std::string_view style);
  void Text(double x, double y, std::string_view text, const SvgText& style = {});

  // The whole document.
  std::string Finish(double width, double height, std::string_view title) const;

  // An element of an HTML page, without a background: the page's own colours may be used as
  // "var(--name)".
  std::string FinishInline(double width, double height, std::string_view title) const;

 private:
  std::string out_;
};

// For text and attributes. What XML 1.0 does not allow, and bytes that are no ASCII, become "?".
std::string EscapeXml(std::string_view text);

// About what a sans-serif font takes, rather more than less.
double TextWidth(std::string_view text, double size);
// Cut with "..." where it is wider.
std::string FitText(std::string_view text, double size, double width);

// A rectangle as a piece of a path, in tenths of a pixel, which is what keeps big pictures small.
void AppendBox(std::string& path, const SvgBox& box);

}  // namespace weir

#endif  // WEIR_CLI_SVG_WRITER_H_
