// SPDX-License-Identifier: Apache-2.0
//
// What a template can do, whose bytes its output holds, and where it is stopped. That it prints
// what Python's Jinja prints is shown by tests/chat_templates.
#include "text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace weir {
namespace {

using testing::HasSubstr;

std::string Render(std::string_view source, const Json& variables = Json::object(),
                   const RenderOptions& options = {}) {
  const auto parsed = ChatTemplate::Parse(source, "T", {{"bos_token", "<s>"}});
  if (!parsed) return "parse error: " + parsed.error().message;
  const auto rendered = parsed->RenderJson(variables, options);
  return rendered ? rendered->text : "error: " + rendered.error().message;
}

// The output with "[" and "]" around what users wrote.
std::string Marked(std::string_view source, const Json& variables) {
  const auto parsed = ChatTemplate::Parse(source, "T", {{"bos_token", "<s>"}});
  if (!parsed) return "parse error: " + parsed.error().message;
  const auto rendered = parsed->RenderJson(variables);
  if (!rendered) return "error: " + rendered.error().message;
  std::string marked;
  size_t done = 0;
  for (const TextSpan& span : rendered->user) {
    marked += rendered->text.substr(done, span.begin - done);
    marked += "[" + rendered->text.substr(span.begin, span.end - span.begin) + "]";
    done = span.end;
  }
  return marked + rendered->text.substr(done);
}

TEST(ChatTemplate, TellsTheTemplateFromTheRequest) {
  const Json variables = {{"s", " aXa "}, {"n", 7}, {"xs", {"p", "q"}}, {"d", {{"k", "v"}}}};
  EXPECT_EQ(Marked("a{{ s }}b", variables), "a[ aXa ]b");
  EXPECT_EQ(Marked("{{ '<' + s + '>' }}", variables), "<[ aXa ]>");
  EXPECT_EQ(Marked("{{ '<' ~ n ~ '>' }}", variables), "<[7]>");
  EXPECT_EQ(Marked("{{ n + 1 }}{{ 1 + 1 }}{{ xs | length }}", variables), "[8]22");
  EXPECT_EQ(Marked("{{ s | trim }}{{ s.strip() | upper }}", variables), "[aXaAXA]");
  EXPECT_EQ(Marked("{{ ('<' + s + '>')[1:4] }}", variables), "[ aX]");
  EXPECT_EQ(Marked("{{ ('<' + s + '>')[::-1] }}", variables), ">[ aXa ]<");
  EXPECT_EQ(Marked("{{ s.split('X')[0] + '|' }}", variables), "[ a]|");
  EXPECT_EQ(Marked("{{ s | replace('X', '<t>') }}", variables), "[ a]<t>[a ]");
  EXPECT_EQ(Marked("{{ xs | join('<t>') }}", variables), "[p]<t>[q]");
  EXPECT_EQ(Marked("{{ '%s|' % s }}{{ s * 2 }}", variables), "[ aXa ]|[ aXa  aXa ]");
  EXPECT_EQ(Marked("{% set t %}<{{ s }}>{% endset %}{{ t }}", variables), "<[ aXa ]>");
  EXPECT_EQ(Marked("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(s) }}", variables), "<[ aXa ]>");
  EXPECT_EQ(Marked("{% filter upper %}a{{ s }}b{% endfilter %}", variables), "A[ AXA ]B");
  EXPECT_EQ(Marked("{% set ns = namespace(t='<') %}{% set ns.t = ns.t + s %}{{ ns.t }}", variables),
            "<[ aXa ]");
  EXPECT_EQ(Marked("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", variables),
            "[k]=[v];");
  EXPECT_EQ(Marked("<{{ d | tojson }}>", variables), "<[{\"k\": \"v\"}]>");
  EXPECT_EQ(Marked("{{ d.get('none', '<t>') }}{{ zz | default('<t>') }}", variables), "<t><t>");
}

// What the template chooses by looking at the user's text is still the template's.
TEST(ChatTemplate, ChoicesAreTheTemplates) {
  EXPECT_EQ(Marked("{{ '<a>' if r == 'u' else '<b>' }}{{ {'u': '<c>'}[r] }}", {{"r", "u"}}),
            "<a><c>");
}

TEST(ChatTemplate, ConstantsAreTrustedUnlessTheRequestHidesThem) {
  EXPECT_EQ(Marked("{{ bos_token }}", Json::object()), "<s>");
  EXPECT_EQ(Marked("{{ bos_token }}", {{"bos_token", "<t>"}}), "[<t>]");
}

TEST(ChatTemplate, ErrorsNameTheLine) {
  EXPECT_THAT(Render("a\n{{ 1 + }}"), HasSubstr("T: line 2: found }}, wanted an expression"));
  EXPECT_THAT(Render("{% if x %}\n\n"),
              HasSubstr("found the end of the template, wanted endif for the block of line 1"));
  EXPECT_THAT(Render("\n{% include 'x' %}"), HasSubstr("line 2: found include"));
  EXPECT_THAT(Render("{{ 'a }}"), HasSubstr("line 1: string without its closing '"));
  EXPECT_THAT(Render("{{ a b }}"), HasSubstr("found b, wanted }}"));
  EXPECT_THAT(Render("{{ (1] }}"), HasSubstr("found ], wanted )"));
  EXPECT_THAT(Render("{{ x.y.z }}"), HasSubstr("line 1: x is undefined"));
  EXPECT_THAT(Render("\n\n{{ 1 + 'a' }}"), HasSubstr("line 3: + between int and string"));
  EXPECT_THAT(Render("{{ 1 | nope }}"), HasSubstr("no filter nope"));
  EXPECT_THAT(Render("{{ raise_exception('no ' ~ x) }}", {{"x", "tools"}}),
              HasSubstr("the template refuses this conversation: no tools"));
  const auto parsed = ChatTemplate::Parse("{{ x.y.z }}", "T");
  EXPECT_EQ(parsed->RenderJson(Json::object()).error().code, Code::kInvalidRequest);
  EXPECT_EQ(ChatTemplate::Parse("{%", "T").error().code, Code::kInvalidModel);
}

TEST(ChatTemplate, VariablesMustBeAJsonObject) {
  const auto parsed = ChatTemplate::Parse("{{ x }}", "T");
  EXPECT_EQ(parsed->Render(R"({"x": "y"})").value_or(TypedText()).text, "y");
  EXPECT_FALSE(parsed->Render("[1]"));
  EXPECT_FALSE(parsed->Render("{"));
  EXPECT_FALSE(parsed->RenderJson(Json(3)));
  EXPECT_EQ(parsed->Render("{").error().code, Code::kInvalidRequest);
  EXPECT_FALSE(parsed->RenderJson(Json{{"x", "\xFF"}}));
  EXPECT_THAT(Render("{{ x }}", {{"x", UINT64_MAX}}), HasSubstr("above 2^63 - 1"));
  Json deep = 1;
  for (int i = 0; i < 100; ++i) deep = Json::array({deep});
  EXPECT_THAT(Render("{{ x }}", {{"x", deep}}), HasSubstr("nested deeper than 64 levels"));
}

// Nothing reaches behind the data.
TEST(ChatTemplate, HasNoReflection) {
  for (const char* source :
       {"{{ ''.__class__.__mro__ }}", "{{ x.__init__.__globals__ }}", "{{ x['__class__'].y }}",
        "{{ cycler.__init__ }}", "{{ self._TemplateReference__context }}", "{{ x.append(1) }}",
        "{{ d.update({'a': 1}) }}", "{{ d.pop('a') }}", "{{ lipsum.__globals__ }}",
        "{{ '%s'.format(x).y }}", "{{ x|attr('__class__') }}"}) {
    EXPECT_THAT(Render(source, {{"x", Json::array()}, {"d", {{"a", 1}}}}), HasSubstr("error: "))
        << source;
  }
}

TEST(ChatTemplate, StopsWhatRunsOrGrowsWithoutEnd) {
  const std::string loop = "{% for i in range(100000) %}";
  const std::string three = loop + loop + loop;
  for (const std::string& source : std::vector<std::string>{
           three + "{% endfor %}{% endfor %}{% endfor %}",
           "{{ 'x' * 1000000000 }}",
           "{{ 'x' * 9223372036854775807 }}",
           "{{ [1] * 9223372036854775807 }}",
           "{{ range(1000000) }}",
           "{{ range(-9223372036854775807, 9223372036854775807) | list }}",
           "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
           "{% macro m(n) %}{{ m(n) ~ m(n) }}{% endmacro %}{{ m(1) }}",
           "{% set ns = namespace(s='xx') %}" + loop + "{% set ns.s = ns.s + ns.s %}{% endfor %}",
           "{% set ns = namespace(x=[]) %}" + loop +
               "{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
           "{% set ns = namespace(x=[]) %}{% set ns.x = [ns] %}{{ ns.x | tojson }}",
           "{{ 9223372036854775807 + 1 }}",
           "{{ 10 ** 100 }}",
           "{{ -9223372036854775807 - 2 }}",
           "{{ 1 // 0 }}",
           "{{ x | tojson(indent=1000000000) }}" + three + "{% endfor %}{% endfor %}{% endfor %}",
       }) {
    EXPECT_THAT(Render(source, {{"x", {{"a", {{"b", 1}}}}}}), HasSubstr("error: ")) << source;
  }
}

TEST(ChatTemplate, BoundsNesting) {
  const auto repeated = [](const std::string& text, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += text;
    return all;
  };
  for (const std::string& source : std::vector<std::string>{
           "{{ " + repeated("(", 100000) + " }}", "{{ " + repeated("[", 100000),
           "{{ " + repeated("not ", 100000) + "x }}", "{{ " + repeated("-", 100000) + "1 }}",
           "{{ x" + repeated(".a", 100000) + " }}", "{{ x" + repeated("|trim", 100000) + " }}",
           "{{ 1" + repeated("+1", 100000) + " }}", "{{ " + repeated("x if ", 100000) + "x }}",
           "{{ 1" + repeated(" if 1 else 1", 100000) + " }}", repeated("{% if x %}", 100000),
           repeated("{% for x in y %}", 100000), "{% set " + repeated("(", 100000) + "x = 1 %}",
           "{{ " + repeated("{1:", 100000) + "}}"}) {
    EXPECT_THAT(Render(source), HasSubstr("parse error: ")) << source.substr(0, 40);
  }
}

TEST(ChatTemplate, ClockComesFromTheOptions) {
  std::tm date = {};
  date.tm_year = 124;
  date.tm_mon = 6;
  date.tm_mday = 26;
  EXPECT_EQ(Render("{{ strftime_now('%d %b %Y') }}", Json::object(), {.now = date}), "26 Jul 2024");
}

TEST(ChatTemplate, ThreadsShareIt) {
  const auto parsed = ChatTemplate::Parse("{% for m in messages %}<{{ m }}>{% endfor %}", "T");
  ASSERT_TRUE(parsed);
  std::vector<std::thread> threads;
  std::vector<std::string> texts(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int run = 0; run < 50; ++run) {
        texts[i] = parsed->RenderJson(Json{{"messages", {std::to_string(i), "x"}}})->text;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(texts[i], "<" + std::to_string(i) + "><x>");
}

}  // namespace
}  // namespace weir
