// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_plot_page.h"

namespace weir {
namespace {

// Okabe and Ito's colours, which colour-blind people tell apart, lighter on dark ground.
constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ground: #fdfdfc; --ink: #1f2328; --soft: #5d646d;
  --grid: #dcdfe3; --line: #c9cdd2; --a: #0072b2; --b: #d55e00; --c: #009e73; --d: #9a6fb0;
  --e: #b08900; --wait: #aab1b9; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --ink: #e4e7ea; --soft: #a0a8b1;
  --grid: #2c3239; --line: #3a414a; --a: #56b4e9; --b: #f0883e; --c: #2fc39a; --d: #c9a3dc;
  --e: #e0b93c; --wait: #59626c; } }
body { background: var(--ground); color: var(--ink); margin: 0 auto; max-width: 64rem;
  padding: 1.5rem; font: 15px/1.5 system-ui, Helvetica, Arial, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .4rem; }
p, figcaption { color: var(--soft); margin: .3rem 0; max-width: 48rem; overflow-wrap: anywhere; }
figure { margin: .6rem 0 1.4rem; }
svg { width: 100%; height: auto; display: block; font-family: inherit; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .5rem 1.2rem;
  margin: .8rem 0; }
dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; font-size: 1.05rem;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; } th { color: var(--soft); font-weight: 500; font-size: .85rem; }
th:first-child, td:first-child { text-align: left; }
.key { display: inline-block; margin-right: 1rem; } .key i { display: inline-block; width: .8rem;
  height: .8rem; margin-right: .35rem; vertical-align: -.08rem; border-radius: 2px; }
)";

}  // namespace

std::string EscapeHtml(std::string_view text) {
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
        out += c;
    }
  }
  return out;
}

HtmlPage::HtmlPage(std::string_view title) : title_(EscapeHtml(title)) {}

void HtmlPage::Heading(std::string_view text) { body_ += "<h2>" + EscapeHtml(text) + "</h2>\n"; }

void HtmlPage::Paragraph(std::string_view text) { body_ += "<p>" + EscapeHtml(text) + "</p>\n"; }

void HtmlPage::Facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  body_ += "<dl>\n";
  for (const auto& [name, value] : facts) {
    body_ += "<div><dt>" + EscapeHtml(name) + "</dt><dd>" + EscapeHtml(value) + "</dd></div>\n";
  }
  body_ += "</dl>\n";
}

void HtmlPage::Table(const std::vector<std::vector<std::string>>& rows) {
  body_ += "<div class=\"wide\"><table>\n";
  for (size_t i = 0; i < rows.size(); ++i) {
    body_ += "<tr>";
    for (const std::string& cell : rows[i]) {
      body_ += i == 0 ? "<th>" + EscapeHtml(cell) + "</th>" : "<td>" + EscapeHtml(cell) + "</td>";
    }
    body_ += "</tr>\n";
  }
  body_ += "</table></div>\n";
}

void HtmlPage::Figure(std::string_view svg, std::string_view caption,
                      const std::vector<std::pair<std::string, std::string>>& legend) {
  body_ += "<figure>\n";
  body_ += svg;
  body_ += "<figcaption>";
  for (const auto& [color, name] : legend) {
    body_ += "<span class=\"key\"><i style=\"background:" + EscapeHtml(color) + "\"></i>" +
             EscapeHtml(name) + "</span>";
  }
  body_ += legend.empty() ? "" : "<br>";
  body_ += EscapeHtml(caption) + "</figcaption>\n</figure>\n";
}

std::string HtmlPage::Finish() const {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         title_ + "</title>\n<style>" + std::string(kStyle) + "</style>\n</head>\n<body>\n<h1>" +
         title_ + "</h1>\n" + body_ + "</body>\n</html>\n";
}

}  // namespace weir
