# SPDX-License-Identifier: Apache-2.0
"""Random small templates over random values, for comparing two implementations of Jinja.

Expressions are typed, loosely: mostly what makes sense where it stands, at times anything at all.
What Weir leaves out on purpose (docs/chat-templates.md) is not generated.
"""

import random

WORDS = ["a", "b", "role", "content", "x y", "", " pad ", "Ünï", "日本", "<think>", "</think>", "A-b c",
         "it's", 'say "hi"', "\\n", "1", "-2.5", "tab\tnew\nline", "ß", "e\u0301", "😀", "\u00a0", "xaxbx",
         "\u200b\x01\x7f", "ǆ Σ"]
NAMES = ["s", "t", "n", "m", "f", "xs", "ys", "d", "ms", "nothing", "yes", "missing", "q"]
KINDS = ["str", "int", "float", "bool", "list", "dict", "any"]


class Generator:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.depth = 0
        self.loops = 0
        self.macros = []

    def pick(self, *options):
        return self.rng.choice(options)

    def chance(self, probability):
        return self.rng.random() < probability

    def word(self):
        return self.rng.choice(WORDS)

    # Values.

    def value(self, depth=0):
        kind = self.pick("str", "str", "int", "float", "bool", "none", "list", "dict")
        if kind == "str":
            return self.word()
        if kind == "int":
            return self.pick(0, 1, 2, 3, -1, 7, 10**12, -(2**40))
        if kind == "float":
            return self.pick(0.0, 0.5, -1.25, 1e16, 1e-7, 3.0, 123456.789, 1e22, 0.1, -0.0)
        if kind == "bool":
            return self.chance(0.5)
        if kind == "none" or depth > 2:
            return None
        if kind == "list":
            return [self.value(depth + 1) for _ in range(self.rng.randrange(4))]
        keys = self.rng.sample(["a", "b", "role", "content", "items", "k 1", "ü"], self.rng.randrange(4))
        return {key: self.value(depth + 1) for key in keys}

    def variables(self):
        return {"s": self.word(), "t": self.word() + self.word(), "n": self.pick(0, 1, 2, 5, -3),
                "m": self.pick(1, 3, -7), "f": self.pick(0.5, -2.5, 1e16, 2.0),
                "xs": [self.word() for _ in range(self.rng.randrange(5))],
                "ys": [self.value(1) for _ in range(self.rng.randrange(4))],
                "d": {k: self.value(1) for k in self.rng.sample(["a", "b", "role", "items"], 2)},
                "ms": [{"role": self.pick("user", "assistant", "tool"), "content": self.word(),
                        "n": self.rng.randrange(4)} for _ in range(self.rng.randrange(5))],
                "nothing": None, "yes": True}

    # Expressions.

    def literal(self, text):
        out = "".join({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "'": "\\'"}.get(c, c) for c in text)
        return "'" + out + "'"

    def expr(self, kind="any"):
        if kind == "any" or self.chance(0.04):
            kind = self.pick("str", "str", "int", "float", "bool", "list", "dict", "name")
        if self.depth > 3:
            return self.leaf(kind)
        self.depth += 1
        text = getattr(self, kind + "_expr", self.name_expr)()
        self.depth -= 1
        return text

    def leaf(self, kind):
        return {"str": lambda: self.pick("s", "t", self.literal(self.word())),
                "int": lambda: self.pick("n", "m", str(self.rng.randrange(5))),
                "float": lambda: self.pick("f", "1.5", "0.1", "2e3"),
                "bool": lambda: self.pick("true", "false", "yes", "none"),
                "list": lambda: self.pick("xs", "ys", "ms", "[]", "[1, 'b', none]"),
                "dict": lambda: self.pick("d", "{}", "{'a': 1, 'b': 'c'}")}.get(kind, self.name_expr)()

    def name_expr(self):
        return self.pick(*NAMES)

    def str_expr(self):
        e = self.expr
        return self.pick(
            lambda: self.leaf("str"),
            lambda: f"{e('str')} + {e('str')}",
            lambda: f"({e('str')} ~ {e()})",
            lambda: f"({e('str')})[{self.bound()}:{self.bound()}]",
            lambda: f"({e('str')})[{self.bound()}:{self.bound()}:{self.pick('-1', '2', '-2', '')}]",
            lambda: f"({e('str')})[{e('int')}]",
            lambda: f"({e('str')}).{self.pick('strip', 'lstrip', 'rstrip')}({self.pick('', e('str'))})",
            lambda: f"({e('str')}).{self.pick('upper', 'lower', 'title', 'capitalize')}()",
            lambda: f"({e('str')}).replace({e('str')}, {e('str')})",
            lambda: f"({e('str')}).{self.pick('removeprefix', 'removesuffix')}({e('str')})",
            lambda: f"({e('str')}).split({self.literal(self.pick('a', ' ', '</think>', 'x'))})[{self.pick('0', '-1', '1')}]",
            lambda: f"({e('str')}).join({e('list')})",
            lambda: f"({e('str')} if {e('bool')} else {e('str')})",
            lambda: f"({e('str')} if {e('bool')})",
            lambda: f"({e()}) | {self.pick('string', 'trim', 'upper', 'lower', 'title', 'capitalize')}",
            lambda: f"({e()}) | tojson{self.pick('', '(indent=2)', '(sort_keys=true)', '(ensure_ascii=true)')}",
            lambda: f"({e('list')}) | join({self.pick('', e('str'))})",
            lambda: f"({e('str')}) | replace({e('str')}, {e('str')})",
            lambda: f"({e('str')}) | trim({e('str')})",
            lambda: f"({e()}) | default({e('str')}{self.pick('', ', true')})",
            lambda: f"({e('str')}) | indent({self.pick('', '2', '2, true', '1, false, true')})",
            lambda: f"({e('str')} * {self.pick('0', '2', '3', '-1')})",
            lambda: f"'%s|%s' % ({e()}, {e('int')})",
            lambda: f"({e('list')}) | {self.pick('first', 'last')}",
            lambda: f"{self.pick('d', 'ms[0]', 'missing')}.{self.pick('role', 'content', 'a', 'zz')}",
            lambda: f"({e('str')}) | reverse",
        )()

    def bound(self):
        return self.pick("", "", "1", "-1", "2", "-3", "9", "-9")

    def int_expr(self):
        e = self.expr
        return self.pick(
            lambda: self.leaf("int"),
            lambda: f"({e('int')} {self.pick('+', '-', '*', '//', '%')} {e('int')})",
            lambda: f"({e('int')} ** {self.pick('0', '2', '3')})",
            lambda: f"-{e('int')}",
            lambda: f"({e('list')}) | {self.pick('length', 'count')}",
            lambda: f"({e('str')}) | length",
            lambda: f"({e()}) | int{self.pick('', '(7)')}",
            lambda: f"({e('int')}) | abs",
            lambda: f"({e('str')}).{self.pick('find', 'rfind', 'count')}({e('str')})",
            lambda: f"[{e('int')}, {e('int')}] | {self.pick('max', 'min', 'sum')}",
            lambda: self.pick("loop.index", "loop.index0", "loop.revindex", "loop.length")
            if self.loops else self.leaf("int"),
        )()

    def float_expr(self):
        e = self.expr
        return self.pick(
            lambda: self.leaf("float"),
            lambda: f"({e('int')} / {e('int')})",
            lambda: f"({e('float')} {self.pick('+', '-', '*', '/', '//', '%')} {e('int')})",
            lambda: f"({e()}) | float",
            lambda: f"({e('float')}) | round" + self.pick("", "(1)", "(2)", "(0, 'ceil')", "(1, 'floor')"),
        )()

    def bool_expr(self):
        e = self.expr
        test = self.pick("defined", "undefined", "none", "string", "number", "integer", "float", "mapping",
                         "iterable", "sequence", "true", "false", "boolean", "callable")
        return self.pick(
            lambda: self.leaf("bool"),
            lambda: f"({e()} is {self.pick('', 'not ')}{test})",
            lambda: f"({e('int')} is {self.pick('even', 'odd', 'divisibleby 3', 'divisibleby(2)')})",
            lambda: f"({e('str')} is {self.pick('upper', 'lower')})",
            lambda: f"({e()} {self.pick('==', '!=')} {e()})",
            lambda: f"({e('int')} {self.pick('<', '<=', '>', '>=')} {e('float')})",
            lambda: f"({e('int')} < {e('int')} <= {e('int')})",
            lambda: f"({e('str')} {self.pick('<', '>', '<=')} {e('str')})",
            lambda: f"({e('str')} {self.pick('in', 'not in')} {e('str')})",
            lambda: f"({e()} {self.pick('in', 'not in')} {e(self.pick('list', 'dict'))})",
            lambda: f"(not {e()})",
            lambda: f"({e()} {self.pick('and', 'or')} {e()})",
            lambda: f"({e('str')}).{self.pick('startswith', 'endswith')}({e('str')})",
            lambda: f"({e('str')}).startswith(('a', {e('str')}))",
            lambda: f"({e('str')}).{self.pick('isupper', 'islower', 'isspace')}()",
            lambda: self.pick("loop.first", "loop.last", "loop.previtem is defined", "loop.nextitem is defined")
            if self.loops else self.leaf("bool"),
        )()

    def list_expr(self):
        e = self.expr
        test = self.pick("'equalto', 'user'", "'==', 1", "'ne', 'tool'", "'string'", "'defined'", "'in', ['user', 1]")
        return self.pick(
            lambda: self.leaf("list"),
            lambda: f"[{e()}, {e()}]",
            lambda: f"({e()}, {e()})",
            lambda: f"({e('list')} + {e('list')})",
            lambda: f"({e('list')})[{self.bound()}:{self.bound()}:{self.pick('', '-1', '2')}]",
            lambda: f"({e('str')}).split({self.pick('', e('str'), 'none, 1', repr('a') + ', 1')})",
            lambda: f"({e('str')}).rsplit('a', 1)",
            lambda: f"({e('str')}).{self.pick('splitlines()', 'partition(' + repr('a') + ')')}",
            lambda: f"range({e('int')})",
            lambda: f"range({e('int')}, {self.pick('4', '-3')}, {self.pick('1', '-1', '2')})",
            lambda: f"({e('dict')}).{self.pick('items', 'keys', 'values')}() | list",
            lambda: f"({e('dict')}) | {self.pick('items | list', 'dictsort', 'list')}",
            lambda: f"({e('str')}) | list",
            lambda: f"ms | {self.pick('selectattr', 'rejectattr')}('{self.pick('role', 'content', 'n')}', {test}) | list",
            lambda: f"ms | map(attribute='{self.pick('role', 'content', 'n', 'zz')}') | list",
            lambda: f"ms | map(attribute='zz', default='q') | list",
            lambda: f"xs | map('{self.pick('upper', 'trim', 'length', 'string')}') | list",
            lambda: f"({e('list')}) | {self.pick('select', 'reject')}({self.pick('', repr('string'), repr('none'))}) | list",
            lambda: f"xs | {self.pick('sort', 'unique | list', 'reverse | list', 'sort(reverse=true)', 'sort(case_sensitive=true)')}",
            lambda: "ms | sort(attribute='n')",
        )()

    def dict_expr(self):
        e = self.expr
        return self.pick(
            lambda: self.leaf("dict"),
            lambda: "{" + f"{e('str')}: {e()}, 'z': {e()}" + "}",
            lambda: f"dict(a={e()}, b={e()})",
            lambda: "ms[0]", lambda: "ys[-1]",
            lambda: f"d.get({e('str')}, {{}})",
        )()

    # Statements.

    def text(self):
        return self.pick("T", "\n", "  \n", " x ", "\n\n", "end.", "", "{", "}", " {", "%")

    def open(self, inside):
        return self.pick("{%", "{%-", "{%", "{%+") + " " + inside + " " + self.pick("%}", "-%}", "%}", "+%}")

    def body(self, depth):
        return "".join(self.statement(depth + 1) for _ in range(self.rng.randrange(1, 3)))

    def statement(self, depth=0):
        options = [self.text, self.text, self.print, self.print, self.print, self.assign]
        if depth < 3:
            options += [lambda: self.branch(depth), lambda: self.loop(depth), lambda: self.loop(depth),
                        lambda: self.block_set(depth), lambda: self.scoped(depth)]
        if depth == 0:
            options += [self.macro, self.counter, self.raw]
        if self.loops and self.chance(0.2):
            return self.open(f"if {self.expr('bool')}") + self.open(self.pick("break", "continue")) + self.open("endif")
        return self.rng.choice(options)()

    def print(self):
        if self.macros and self.chance(0.2):
            return "{{ " + self.rng.choice(self.macros) + f"({self.expr()}{self.pick('', ', q=' + self.expr())})" + " }}"
        return self.pick("{{", "{{-", "{{") + " " + self.expr() + " " + self.pick("}}", "-}}", "}}")

    def assign(self):
        if self.chance(0.2):
            return self.open(f"set s, t = {self.expr('str')}, {self.expr('str')}")
        kind, name = self.pick(("str", "s"), ("int", "n"), ("list", "ys"), ("dict", "d"), ("any", "q"))
        return self.open(f"set {name} = {self.expr(kind)}")

    def branch(self, depth):
        out = self.open(f"if {self.expr('bool')}") + self.body(depth)
        if self.chance(0.4):
            out += self.open(f"elif {self.expr()}") + self.body(depth)
        if self.chance(0.5):
            out += self.open("else") + self.body(depth)
        return out + self.open("endif")

    def loop(self, depth):
        head = self.pick(
            lambda: f"for x in {self.expr('list')}", lambda: "for m in ms", lambda: "for s in xs",
            lambda: f"for k, v in ({self.expr('dict')}).items()", lambda: "for c in t", lambda: "for k in d",
            lambda: f"for x in {self.expr('list')} if {self.pick('x', 'x is string', 'x != s')}",
            lambda: "for m in ms[::-1]")()
        self.loops += 1
        out = self.open(head) + self.body(depth)
        self.loops -= 1
        if self.chance(0.3):
            out += self.open("else") + self.body(depth)
        return out + self.open("endfor")

    def block_set(self, depth):
        loops, self.loops = self.loops, 0
        body = self.open("set s" + self.pick("", " | upper", " | trim")) + self.body(depth) + self.open("endset")
        self.loops = loops
        return body

    def scoped(self, depth):
        loops, self.loops = self.loops, 0
        name = self.pick("generation", "filter upper", f"with q = {self.expr()}, s = 'w'")
        body = self.open(name) + self.body(depth) + self.open("end" + name.split()[0])
        self.loops = loops
        return body

    def macro(self):
        name = f"mac{len(self.macros)}"
        body = self.open(f"macro {name}(p, q={self.expr()})") + self.body(2) + "{{ p }}{{ q }}" + self.open("endmacro")
        self.macros.append(name)
        return body

    def counter(self):
        return (self.open("set ns = namespace(i=0, last='')") + self.open(f"for x in {self.expr('list')}") +
                self.open("set ns.i = ns.i + 1") + self.open(f"set ns.last = {self.expr('str')}") +
                self.open("endfor") + "{{ ns.i }}{{ ns.last }}")

    def raw(self):
        return self.pick("{% raw %}", "{%- raw -%}", "{%+ raw %}") + " {{ x }} {% if %}\n " + self.pick(
            "{% endraw %}", "{%- endraw -%}\n", " {% endraw +%}\n") + self.pick("{# c #}\n", " {#- c -#} \n", "")


def cases(count, seed):
    for i in range(count):
        generator = Generator(seed * 1_000_003 + i)
        # A name that a template both takes from outside and assigns to is assigned first: Jinja
        # forgets the outside value in some orders.
        template = "{%- set s, t, n, ys, d, q = s, t, n, ys, d, s -%}" + "".join(generator.statement() for _ in range(generator.rng.randrange(1, 6)))
        yield {"name": f"random {seed}/{i}", "template": template, "variables": generator.variables()}
