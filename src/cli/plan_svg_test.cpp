// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_svg.h"

#include <cctype>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

TimelinePanel Panel(std::string name, int32_t num_workers, double total_us) {
  TimelinePanel panel{.name = std::move(name),
                      .summary = "a summary",
                      .num_workers = num_workers,
                      .launch_us = 3,
                      .items_end_us = total_us - 2,
                      .total_us = total_us,
                      .floor_us = total_us / 2};
  for (int32_t worker = 0; worker < num_workers; ++worker) {
    panel.items.push_back({.row = worker,
                           .kind = worker % 2 == 0 ? BarKind::kDecode : BarKind::kPrefill,
                           .merges = worker == 0,
                           .worker = worker,
                           .begin_us = 3,
                           .end_us = total_us - 2});
  }
  return panel;
}

Timeline TwoPanels() {
  return {.title = "A step",
          .subtitle = "a device",
          .panels = {Panel("slow", 4, 100), Panel("fast", 4, 50)},
          .rows = {{0, 1, BarKind::kDecode, "1 decode"}, {1, 3, BarKind::kPrefill, "3 prefills"}}};
}

// Reads one tag at `at`, just behind its "<": "name", then attributes in quotes, then "/" where it
// closes itself. Returns the name and sets `at` behind the ">"; empty when something is wrong.
std::string ReadTag(const std::string& svg, size_t& at, bool& closes_itself) {
  const auto is_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-';
  };
  const auto read_name = [&] {
    const size_t begin = at;
    while (at < svg.size() && (is_name(svg[at]) || svg[at] == ':')) ++at;
    return svg.substr(begin, at - begin);
  };
  const std::string name = read_name();
  while (at < svg.size() && svg[at] == ' ') {
    ++at;
    if (read_name().empty() || svg.compare(at, 2, "=\"") != 0) return "";
    at = svg.find_first_of("\"<", at + 2);
    if (at == std::string::npos || svg[at] == '<') return "";
    ++at;
  }
  closes_itself = at < svg.size() && svg[at] == '/';
  at += closes_itself;
  return at < svg.size() && svg[at++] == '>' ? name : "";
}

// Every element closes, in order, and there is one root.
bool IsWellFormed(const std::string& svg) {
  constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  if (svg.compare(0, kDeclaration.size(), kDeclaration) != 0) return false;
  std::vector<std::string> open;
  int num_roots = 0;
  for (size_t at = kDeclaration.size(); (at = svg.find_first_of("<>", at)) != std::string::npos;) {
    if (svg[at++] == '>') return false;
    const bool closes = at < svg.size() && svg[at] == '/';
    at += closes;
    bool closes_itself = false;
    const std::string name = ReadTag(svg, at, closes_itself);
    if (name.empty()) return false;
    num_roots += open.empty();
    if (!closes) open.push_back(name);
    if (open.empty() || open.back() != name) return false;
    if (closes || closes_itself) open.pop_back();
  }
  return open.empty() && num_roots == 1;
}

struct Label {
  double x, y, size;
  std::string anchor, text;
};

std::vector<Label> Labels(const std::string& svg) {
  const std::regex text(
      R"rx(<text x="([-\d.]+)" y="([-\d.]+)" font-size="([\d.]+)" fill="[^"]*" )rx"
      R"rx(text-anchor="(\w+)"[^>]*>([^<]*)</text>)rx");
  std::vector<Label> labels;
  for (std::sregex_iterator it(svg.begin(), svg.end(), text), end; it != end; ++it) {
    labels.push_back(
        {std::stod((*it)[1]), std::stod((*it)[2]), std::stod((*it)[3]), (*it)[4], (*it)[5]});
  }
  return labels;
}

// The width that common fonts need for digits and lower case, a little less than what the layout
// reserves.
bool Overlap(const Label& a, const Label& b) {
  const auto left = [](const Label& l, double width) {
    return l.anchor == "end" ? l.x - width : l.anchor == "middle" ? l.x - width / 2 : l.x;
  };
  const double a_width = static_cast<double>(a.text.size()) * a.size * 0.55;
  const double b_width = static_cast<double>(b.text.size()) * b.size * 0.55;
  const double a_left = left(a, a_width);
  const double b_left = left(b, b_width);
  const bool beside = a_left + a_width <= b_left || b_left + b_width <= a_left;
  const bool above = a.y <= b.y - b.size * 0.8 || b.y <= a.y - a.size * 0.8;
  return !beside && !above;
}

void ExpectNoOverlap(const std::string& svg) {
  const auto labels = Labels(svg);
  EXPECT_GT(labels.size(), 5u);
  for (size_t i = 0; i < labels.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(Overlap(labels[i], labels[j]))
          << '"' << labels[i].text << "\" and \"" << labels[j].text << '"';
    }
  }
}

TEST(PlanSvg, IsWellFormedAndNamesWhatItShows) {
  const std::string svg = ToSvg(TwoPanels());
  EXPECT_TRUE(IsWellFormed(svg));
  for (const char* text :
       {"A step", "a device", "slow", "fast", "a summary", "end 100.0", "end 50.0", "floor 50.0",
        "floor 25.0", "row 0: 1 decode", "rows 1-3: 3 prefills", ">us<"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  ExpectNoOverlap(svg);
}

TEST(PlanSvg, TheCheckOfWellFormednessCanFail) {
  const std::string head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  EXPECT_TRUE(IsWellFormed(head + "<svg a1=\"b\"><g/>text</svg>\n"));
  EXPECT_FALSE(IsWellFormed("<svg/>"));
  for (const char* text :
       {"", "<svg>", "<svg></g></svg>", "<svg/><svg/>", "<svg>a<b</svg>", "</svg>",
        "<svg><a></svg></a>", "<svg b=\"<\"/>", "<svg b=1/>", "<svg>></svg>"}) {
    EXPECT_FALSE(IsWellFormed(head + text)) << text;
  }
}

// The panel of half the time is half as wide.
TEST(PlanSvg, AllPanelsHaveOneScale) {
  const auto labels = Labels(ToSvg(TwoPanels()));
  const auto x_of = [&](const std::string& text) {
    for (const Label& label : labels) {
      if (label.text == text) return label.x;
    }
    ADD_FAILURE() << text;
    return 0.0;
  };
  std::vector<double> zeros;
  for (const Label& label : labels) {
    if (label.text == "0" && label.anchor == "middle") zeros.push_back(label.x);
  }
  ASSERT_EQ(zeros.size(), 2u);
  EXPECT_EQ(zeros[0], zeros[1]);
  const double long_end = x_of("end 100.0") - zeros[0];
  const double short_end = x_of("end 50.0") - zeros[0];
  EXPECT_NEAR(long_end, 2 * short_end, 5);  // labels stand 4 pixels beside their lines
}

TEST(PlanSvg, TextsThatAreNoXmlAreEscaped) {
  Timeline timeline = TwoPanels();
  timeline.title = "</svg><script>&";
  timeline.subtitle = std::string("\x01\xff\0]]>", 6);
  timeline.panels[0].name = "\"'<a>";
  timeline.rows[0].label = "<!-- &amp; -->";
  const std::string svg = ToSvg(timeline);
  EXPECT_TRUE(IsWellFormed(svg));
  EXPECT_THAT(svg, Not(HasSubstr("<script>")));
}

TEST(PlanSvg, LongTextsAreCut) {
  Timeline timeline = TwoPanels();
  timeline.title = std::string(10000, 'm');
  timeline.subtitle = std::string(10000, 'm');
  timeline.panels[0].summary = std::string(10000, 'm');
  timeline.rows[0].label = std::string(10000, 'm');
  const std::string svg = ToSvg(timeline);
  for (const Label& label : Labels(svg)) EXPECT_LT(label.text.size(), 400u);
  ExpectNoOverlap(svg);
}

TEST(PlanSvg, ALegendOfManyGroupsEndsInDots) {
  Timeline timeline = TwoPanels();
  timeline.rows.clear();
  for (int32_t i = 0; i < 40; ++i) {
    timeline.rows.push_back({.first_row = i,
                             .num_rows = 1,
                             .kind = BarKind::kDecode,
                             .label = "1 decode at " + std::to_string(1000 + i)});
  }
  const std::string svg = ToSvg(timeline);
  EXPECT_THAT(svg, HasSubstr("1 decode at 1011"));
  EXPECT_THAT(svg, Not(HasSubstr("1 decode at 1012")));
  EXPECT_THAT(svg, HasSubstr("... 28 more groups"));
  ExpectNoOverlap(svg);
}

TEST(PlanSvg, EveryPatternThatIsUsedIsDefined) {
  Timeline timeline = TwoPanels();
  timeline.panels[0].items[1].kind = BarKind::kShared;
  const std::string svg = ToSvg(timeline);
  const std::regex use(R"(url\(#(\w+)\))");
  for (std::sregex_iterator it(svg.begin(), svg.end(), use), end; it != end; ++it) {
    EXPECT_THAT(svg, HasSubstr("<pattern id=\"" + (*it)[1].str() + "\""));
  }
  EXPECT_THAT(svg, HasSubstr("shared prefix"));
}

TEST(PlanSvg, LabelsDoNotOverlapWhateverTheTimes) {
  for (const double total : {1e-4, 0.5, 9.5, 123.4, 5e7}) {
    for (const double floor_part : {0.0, 0.001, 0.5, 0.99, 1.0}) {
      Timeline timeline = TwoPanels();
      timeline.panels[0] = Panel("slow", 3, total);
      timeline.panels[1] = Panel("fast", 3, total / 1000);
      for (TimelinePanel& panel : timeline.panels) panel.floor_us = panel.total_us * floor_part;
      ExpectNoOverlap(ToSvg(timeline));
    }
  }
}

TEST(PlanSvg, AnyNumberOfWorkersFits) {
  for (const int32_t num_workers : {1, 2, 16, 17, 64, 264, 401, 4096, 65536}) {
    Timeline timeline = TwoPanels();
    for (TimelinePanel& panel : timeline.panels) panel = Panel("p", num_workers, 100);
    const std::string svg = ToSvg(timeline);
    EXPECT_TRUE(IsWellFormed(svg)) << num_workers;
    ExpectNoOverlap(svg);
    std::smatch height;
    ASSERT_TRUE(std::regex_search(svg, height, std::regex(R"rx(height="(\d+)" viewBox)rx")));
    EXPECT_LT(std::stod(height[1]), 1200) << num_workers;
  }
}

TEST(PlanSvg, AMillionItemsFitInTwoMegabytes) {
  Timeline timeline = TwoPanels();
  for (TimelinePanel& panel : timeline.panels) {
    panel.num_workers = 264;
    panel.items.clear();
    for (int32_t i = 0; i < 500000; ++i) {
      const int32_t round = i / 264;
      const double begin_us = 3 + round * 0.05;
      panel.items.push_back({.row = i % 1000,
                             .kind = BarKind::kDecode,
                             .merges = i % 3 == 0,
                             .worker = i % 264,
                             .begin_us = begin_us,
                             .end_us = begin_us + 0.05});
    }
  }
  EXPECT_LT(ToSvg(timeline).size(), 2u << 20);
}

TEST(PlanSvg, NothingToShowIsStillAPicture) {
  EXPECT_TRUE(IsWellFormed(ToSvg({})));
  Timeline idle{.title = "t", .panels = {{.name = "p", .num_workers = 2}}};
  EXPECT_TRUE(IsWellFormed(ToSvg(idle)));
}

}  // namespace
}  // namespace weir
