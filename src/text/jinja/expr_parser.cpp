// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/expr_parser.h"

#include <algorithm>
#include <array>

#include "text/jinja/parser.h"

namespace weir::jinja {

// Counts how deep the parser's own functions call each other.
class NestingGuard {
 public:
  explicit NestingGuard(ExprParser& parser) : parser_(parser) {
    if (++parser_.nesting_ > kMaxNesting) {
      parser_.tokens_.Fail(parser_.tokens_.Peek().line,
                           fmt::format("nested deeper than {} levels", kMaxNesting));
    }
  }
  ~NestingGuard() { --parser_.nesting_; }
  NestingGuard(const NestingGuard&) = delete;
  NestingGuard& operator=(const NestingGuard&) = delete;

 private:
  ExprParser& parser_;
};

Expr ExprParser::Node(ExprKind kind, std::vector<const Expr*> operands, std::string name) const {
  const int32_t line =
      operands.empty() || operands[0] == nullptr ? tokens_.Peek().line : operands[0]->line;
  return {.kind = kind,
          .line = line,
          .depth = 1,
          .name = std::move(name),
          .value = {},
          .ops = {},
          .operands = std::move(operands),
          .keywords = {}};
}

const Expr* ExprParser::Add(Expr node) {
  for (const Expr* operand : node.operands) {
    if (operand != nullptr) node.depth = std::max(node.depth, operand->depth + 1);
  }
  for (const auto& [name, value] : node.keywords) {
    node.depth = std::max(node.depth, value->depth + 1);
  }
  if (node.depth > kMaxNesting) {
    tokens_.Fail(node.line, fmt::format("expression deeper than {} levels", kMaxNesting));
  }
  return &ast_.exprs.emplace_back(std::move(node));
}

const Expr* ExprParser::Constant(Value value) {
  Expr node = Node(ExprKind::kConst);
  node.value = value;
  return Add(std::move(node));
}

const Expr* ExprParser::TextConstant(std::string text) {
  return Constant(TextValue(&ast_.texts.emplace_back(text, Origin::kTrusted)));
}

const Expr* ExprParser::Parse() {
  const NestingGuard guard(*this);
  const Expr* left = ParseOr();
  while (tokens_.SkipName("if")) {
    const Expr* condition = ParseOr();
    const Expr* otherwise = tokens_.SkipName("else") ? Parse() : nullptr;
    left = Add(Node(ExprKind::kIf, {left, condition, otherwise}));
  }
  return left;
}

const Expr* ExprParser::ParseTuple(bool with_if) {
  const auto parse_one = [&] { return with_if ? Parse() : ParseOr(); };
  const Expr* first = parse_one();
  if (!tokens_.AtOperator(",")) return first;
  std::vector<const Expr*> items = {first};
  while (tokens_.SkipOperator(",")) {
    const TokenKind kind = tokens_.Peek().kind;
    if (kind == TokenKind::kPrintEnd || kind == TokenKind::kBlockEnd || tokens_.AtOperator(")")) {
      break;
    }
    items.push_back(parse_one());
  }
  return Add(Node(ExprKind::kTuple, std::move(items)));
}

const Expr* ExprParser::ParseOr() {
  const Expr* left = ParseAnd();
  while (tokens_.SkipName("or")) left = Add(Node(ExprKind::kOr, {left, ParseAnd()}));
  return left;
}

const Expr* ExprParser::ParseAnd() {
  const Expr* left = ParseNot();
  while (tokens_.SkipName("and")) left = Add(Node(ExprKind::kAnd, {left, ParseNot()}));
  return left;
}

const Expr* ExprParser::ParseNot() {
  const NestingGuard guard(*this);
  if (!tokens_.failed() && tokens_.SkipName("not")) return Add(Node(ExprKind::kNot, {ParseNot()}));
  return ParseCompare();
}

bool ExprParser::ParseCompareOp(Op& op) {
  struct Spelling {
    std::string_view text;
    Op op;
  };
  constexpr std::array<Spelling, 6> kSpellings = {{{"==", Op::kEqual},
                                                   {"!=", Op::kNotEqual},
                                                   {"<", Op::kLess},
                                                   {"<=", Op::kLessEqual},
                                                   {">", Op::kGreater},
                                                   {">=", Op::kGreaterEqual}}};
  for (const Spelling& spelling : kSpellings) {
    if (tokens_.SkipOperator(spelling.text)) {
      op = spelling.op;
      return true;
    }
  }
  if (tokens_.SkipName("in")) {
    op = Op::kIn;
    return true;
  }
  if (tokens_.AtName("not") && tokens_.Peek(1).Is(TokenKind::kName, "in")) {
    tokens_.Next();
    tokens_.Next();
    op = Op::kNotIn;
    return true;
  }
  return false;
}

const Expr* ExprParser::ParseCompare() {
  const Expr* left = ParseSum();
  std::vector<const Expr*> operands = {left};
  std::vector<Op> ops;
  for (Op op; ParseCompareOp(op);) {
    ops.push_back(op);
    operands.push_back(ParseSum());
  }
  if (ops.empty()) return left;
  Expr node = Node(ExprKind::kCompare, std::move(operands));
  node.ops = std::move(ops);
  return Add(std::move(node));
}

const Expr* ExprParser::ParseSum() {
  const Expr* left = ParseConcat();
  while (tokens_.AtOperator("+") || tokens_.AtOperator("-")) {
    const Op op = tokens_.Next().text == "+" ? Op::kAdd : Op::kSub;
    Expr node = Node(ExprKind::kBinary, {left, ParseConcat()});
    node.ops = {op};
    left = Add(std::move(node));
  }
  return left;
}

const Expr* ExprParser::ParseConcat() {
  const Expr* left = ParseProduct();
  if (!tokens_.AtOperator("~")) return left;
  std::vector<const Expr*> operands = {left};
  while (tokens_.SkipOperator("~")) operands.push_back(ParseProduct());
  return Add(Node(ExprKind::kConcat, std::move(operands)));
}

const Expr* ExprParser::ParseProduct() {
  const Expr* left = ParsePower();
  for (;;) {
    Op op;
    if (tokens_.SkipOperator("*")) {
      op = Op::kMul;
    } else if (tokens_.SkipOperator("/")) {
      op = Op::kDiv;
    } else if (tokens_.SkipOperator("//")) {
      op = Op::kFloorDiv;
    } else if (tokens_.SkipOperator("%")) {
      op = Op::kMod;
    } else {
      return left;
    }
    Expr node = Node(ExprKind::kBinary, {left, ParsePower()});
    node.ops = {op};
    left = Add(std::move(node));
  }
}

// Unlike Python's, Jinja's ** groups to the left.
const Expr* ExprParser::ParsePower() {
  const Expr* left = ParseUnary(/*with_filter=*/true);
  while (tokens_.SkipOperator("**")) {
    Expr node = Node(ExprKind::kBinary, {left, ParseUnary(/*with_filter=*/true)});
    node.ops = {Op::kPow};
    left = Add(std::move(node));
  }
  return left;
}

const Expr* ExprParser::ParseUnary(bool with_filter) {
  const NestingGuard guard(*this);
  const Expr* node;
  if (tokens_.SkipOperator("-")) {
    node = Add(Node(ExprKind::kNegate, {ParseUnary(/*with_filter=*/false)}));
  } else if (tokens_.SkipOperator("+")) {
    node = Add(Node(ExprKind::kPlus, {ParseUnary(/*with_filter=*/false)}));
  } else {
    node = ParsePrimary();
  }
  node = ParsePostfix(node);
  return with_filter ? ParseFilterOrTest(node) : node;
}

const Expr* ExprParser::ParsePrimary() {
  const Token& token = tokens_.Peek();
  switch (token.kind) {
    case TokenKind::kName: {
      const std::string name = tokens_.Next().text;
      if (name == "true" || name == "True") return Constant(Bool(true));
      if (name == "false" || name == "False") return Constant(Bool(false));
      if (name == "none" || name == "None") return Constant(None());
      return Add(Node(ExprKind::kName, {}, name));
    }
    case TokenKind::kString:
      return ParseStrings();
    case TokenKind::kInt:
      return Constant(Int(tokens_.Next().int_value));
    case TokenKind::kFloat:
      return Constant(Float(tokens_.Next().float_value));
    default:
      break;
  }
  if (tokens_.SkipOperator("(")) return ParseParenthesis();
  if (tokens_.SkipOperator("[")) return ParseListLiteral();
  if (tokens_.SkipOperator("{")) return ParseDictLiteral();
  tokens_.FailWanted("an expression");
  return Constant(None());
}

// Strings side by side are one.
const Expr* ExprParser::ParseStrings() {
  std::string text;
  while (tokens_.Peek().kind == TokenKind::kString) text += tokens_.Next().text;
  return TextConstant(std::move(text));
}

const Expr* ExprParser::ParseParenthesis() {
  if (tokens_.SkipOperator(")")) return Add(Node(ExprKind::kTuple));
  const Expr* inside = ParseTuple(/*with_if=*/true);
  tokens_.WantOperator(")");
  return inside;
}

const Expr* ExprParser::ParseListLiteral() {
  std::vector<const Expr*> items;
  while (!tokens_.failed() && !tokens_.AtOperator("]")) {
    items.push_back(Parse());
    if (!tokens_.AtOperator("]")) tokens_.WantOperator(",");
  }
  tokens_.WantOperator("]");
  return Add(Node(ExprKind::kList, std::move(items)));
}

const Expr* ExprParser::ParseDictLiteral() {
  std::vector<const Expr*> items;
  while (!tokens_.failed() && !tokens_.AtOperator("}")) {
    items.push_back(Parse());
    tokens_.WantOperator(":");
    items.push_back(Parse());
    if (!tokens_.AtOperator("}")) tokens_.WantOperator(",");
  }
  tokens_.WantOperator("}");
  return Add(Node(ExprKind::kDict, std::move(items)));
}

const Expr* ExprParser::ParsePostfix(const Expr* left) {
  for (;;) {
    if (tokens_.SkipOperator(".")) {
      left = ParseDot(left);
    } else if (tokens_.SkipOperator("[")) {
      left = ParseSubscript(left);
    } else if (tokens_.AtOperator("(")) {
      left = ParseCall(left);
    } else {
      return left;
    }
  }
}

const Expr* ExprParser::ParseDot(const Expr* left) {
  if (tokens_.Peek().kind == TokenKind::kInt) {
    const Expr* index = Constant(Int(tokens_.Next().int_value));
    return Add(Node(ExprKind::kItem, {left, index}));
  }
  std::string name = tokens_.WantAnyName("the name of an attribute");
  return Add(Node(ExprKind::kAttr, {left}, std::move(name)));
}

const Expr* ExprParser::ParseIndex() {
  return tokens_.AtOperator(":") || tokens_.AtOperator("]") ? nullptr : Parse();
}

const Expr* ExprParser::ParseSubscript(const Expr* left) {
  const Expr* begin = ParseIndex();
  if (!tokens_.SkipOperator(":")) {
    if (begin == nullptr) tokens_.FailWanted("an index");
    tokens_.WantOperator("]");
    return Add(Node(ExprKind::kItem, {left, begin}));
  }
  const Expr* end = ParseIndex();
  const Expr* step = tokens_.SkipOperator(":") ? ParseIndex() : nullptr;
  tokens_.WantOperator("]");
  return Add(Node(ExprKind::kSlice, {left, begin, end, step}));
}

const Expr* ExprParser::ParseFilterOrTest(const Expr* left) {
  for (;;) {
    if (tokens_.SkipOperator("|")) {
      left = ParseFilter(left);
    } else if (tokens_.SkipName("is")) {
      left = ParseTest(left);
    } else if (tokens_.AtOperator("(")) {
      left = ParseCall(left);
    } else {
      return left;
    }
  }
}

const Expr* ExprParser::ParseFilters(const Expr* input) {
  do {
    input = ParseFilter(input);
  } while (tokens_.SkipOperator("|"));
  return input;
}

const Expr* ExprParser::ParseFilter(const Expr* left) {
  Expr node = Node(ExprKind::kFilter, {left}, tokens_.WantAnyName("the name of a filter"));
  if (tokens_.AtOperator("(")) ParseArguments(node);
  return Add(std::move(node));
}

const Expr* ExprParser::ParseTest(const Expr* left) {
  const bool negated = tokens_.SkipName("not");
  Expr node = Node(ExprKind::kTest, {left}, tokens_.WantAnyName("the name of a test"));
  const Token& next = tokens_.Peek();
  const bool is_word = next.kind == TokenKind::kName && next.text != "else" && next.text != "or" &&
                       next.text != "and";
  if (tokens_.AtOperator("(")) {
    ParseArguments(node);
  } else if (is_word || next.kind == TokenKind::kString || next.kind == TokenKind::kInt ||
             next.kind == TokenKind::kFloat || tokens_.AtOperator("[") || tokens_.AtOperator("{")) {
    if (tokens_.AtName("is")) tokens_.FailWanted("and or or between tests");
    node.operands.push_back(ParsePostfix(ParsePrimary()));
  }
  const Expr* test = Add(std::move(node));
  return negated ? Add(Node(ExprKind::kNot, {test})) : test;
}

const Expr* ExprParser::ParseCall(const Expr* callee) {
  Expr node = Node(ExprKind::kCall, {callee});
  ParseArguments(node);
  return Add(std::move(node));
}

void ExprParser::ParseArguments(Expr& call) {
  tokens_.WantOperator("(");
  while (!tokens_.failed() && !tokens_.AtOperator(")")) {
    if (tokens_.AtOperator("*") || tokens_.AtOperator("**")) {
      tokens_.FailWanted("an argument: unpacking is not supported");
    } else if (tokens_.Peek().kind == TokenKind::kName &&
               tokens_.Peek(1).Is(TokenKind::kOperator, "=")) {
      std::string name = tokens_.Next().text;
      tokens_.Next();
      call.keywords.emplace_back(std::move(name), Parse());
    } else {
      if (!call.keywords.empty()) tokens_.FailWanted("an argument with a name, as before");
      call.operands.push_back(Parse());
    }
    if (!tokens_.AtOperator(")")) tokens_.WantOperator(",");
  }
  tokens_.WantOperator(")");
}

}  // namespace weir::jinja
