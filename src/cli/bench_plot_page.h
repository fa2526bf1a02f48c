// SPDX-License-Identifier: Apache-2.0
//
// A report as one HTML file: nothing is loaded from elsewhere, no script runs, and it reads well in
// light and dark.
#ifndef WEIR_CLI_BENCH_PLOT_PAGE_H_
#define WEIR_CLI_BENCH_PLOT_PAGE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

// Any text as text of HTML; bytes that are no UTF-8 stay as they are.
std::string EscapeHtml(std::string_view text);

class HtmlPage {
 public:
  explicit HtmlPage(std::string_view title);

  void Heading(std::string_view text);
  void Paragraph(std::string_view text);
  // Names and values, side by side as far as there is room.
  void Facts(const std::vector<std::pair<std::string, std::string>>& facts);
  // The first row is the head; all but the first column are numbers.
  void Table(const std::vector<std::vector<std::string>>& rows);
  // An inline SVG element with what it shows, in words; colours and their names.
  void Figure(std::string_view svg, std::string_view caption,
              const std::vector<std::pair<std::string, std::string>>& legend = {});

  std::string Finish() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace weir

#endif  // WEIR_CLI_BENCH_PLOT_PAGE_H_
