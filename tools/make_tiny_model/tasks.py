# SPDX-License-Identifier: Apache-2.0
"""Generates the training data and the held-out set.

A document is a list of pieces `(text, weight)`. The texts joined are the document; a weight
above zero marks what the model has to produce. The weight `END_OF_TEXT` says that the model
should stop here, although in the document more text follows. Training and held-out examples are kept apart
by a hash of the example itself (`is_held_out`), not by chance: a held-out sum, list or
key-value pairing cannot occur in training whatever the seed.
"""

import random
import zlib

from weir_facts import ACKNOWLEDGED, FACTS, SYSTEM_PROMPTS, UNKNOWN
from words import (ADJECTIVES, KEYS, LETTERS, MOVES, NAMES, PEOPLE, PLACE_ADJECTIVES, PLACES,
                   SEASONS, SEEN, SPEECH, TO, VALUES, WEATHER, WEATHER_VERBS, WHEN)

END = "<|im_end|>"
END_OF_TEXT = "<|endoftext|>"


def is_held_out(example, one_in):
    return zlib.crc32(example.encode()) % one_in == 0


# Chat markup.

def user_turn(text):
    return f"<|im_start|>user\n{text}{END}\n<|im_start|>assistant\n"


def system_turn(text):
    return f"<|im_start|>system\n{text}{END}\n"


def answered(text, answer, weight=1.0):
    """One user turn and its answer, as pieces."""
    return [(user_turn(text), 0.0), (answer + END, weight), ("\n", 0.0)]


# Filler: English-like sentences from a small grammar.

def person(rng):
    if rng.random() < 0.25:
        return rng.choice(NAMES)
    return f"the {rng.choice(ADJECTIVES)} {rng.choice(PEOPLE)}"


def place(rng):
    return f"the {rng.choice(PLACE_ADJECTIVES)} {rng.choice(PLACES)}"


def sentence(rng):
    kind = rng.randrange(6)
    if kind == 0:
        text = f"{person(rng)} {rng.choice(MOVES)} {rng.choice(TO)} {place(rng)}"
    elif kind == 1:
        text = f"{person(rng)} {rng.choice(SEEN)} {person(rng)} in {place(rng)}"
    elif kind == 2:
        text = f"{person(rng)} {rng.choice(SPEECH)} {rng.choice(WHEN)}"
    elif kind == 3:
        text = f"in the {rng.choice(SEASONS)} {person(rng)} {rng.choice(SPEECH)} in {place(rng)}"
    elif kind == 4:
        text = f"the {rng.choice(WEATHER)} {rng.choice(WEATHER_VERBS)} {rng.choice(WHEN)}"
    else:
        text = (f"{person(rng)} {rng.choice(SEEN)} {person(rng)} "
                f"{rng.choice(('and', 'but'))} {rng.choice(SPEECH)} {rng.choice(WHEN)}")
    return text[0].upper() + text[1:] + "."


# Recall.

def pairing_is_held_out(key, value):
    return is_held_out(f"{key}={value}", 10)


def draw_value(rng, key, held_out=False):
    """A value for `key`, of the pairings in training or of the held-out ones."""
    while True:
        value = rng.choice(VALUES)
        if pairing_is_held_out(key, value) == held_out:
            return value


def statement(rng, key, value):
    return f"{'Remember' if rng.random() < 0.15 else 'remember'}: {key} = {value}."


def question(rng, key):
    return f"{'What' if rng.random() < 0.15 else 'what'} is {key}?"


def context(rng, facts, num_filler):
    """The statements of `facts` and `num_filler` sentences in random order, as one text."""
    items = [statement(rng, k, v) for k, v in facts] + [sentence(rng) for _ in range(num_filler)]
    rng.shuffle(items)
    out = []
    for item in items[:-1]:
        out += [item, "\n" if rng.random() < 0.1 else " "]
    return "".join(out + items[-1:])


# Recall has few tokens to learn from, so each counts more; a phrase counts less.
RECALL_WEIGHT, CHAT_WEIGHT = 3.0, 0.3

# Rough token counts, used to aim at a length.
FACT_TOKENS, SENTENCE_TOKENS, CHAT_QUERY_TOKENS, RAW_QUERY_TOKENS = 6, 8.5, 15, 6


def recall_document(rng, budget, dense=0.0):
    """Many facts and many questions in about `budget` tokens, as chat or as plain text.

    Dense documents teach recall fast; the others look like the real use. `dense` is the share
    of the former.
    """
    is_dense = rng.random() < dense
    chat = rng.random() < (0.35 if is_dense else 0.6)
    query_tokens = CHAT_QUERY_TOKENS if chat else RAW_QUERY_TOKENS
    query_share = rng.uniform(0.4, 0.6) if is_dense else rng.uniform(0.15, 0.5)
    facts_share = rng.uniform(0.8, 1.0) if is_dense else rng.uniform(0.1, 1.0)
    body = budget * (1 - query_share)
    num_facts = max(1, min(int(body * facts_share / FACT_TOKENS), len(KEYS)))
    num_filler = int((body - num_facts * FACT_TOKENS) / SENTENCE_TOKENS)
    num_queries = max(1, int(budget * query_share / query_tokens))

    keys = rng.sample(KEYS, num_facts)
    facts = [(k, draw_value(rng, k)) for k in keys]
    # Each fact is asked about once before any is asked about again.
    asked = []
    while len(asked) < num_queries:
        asked += rng.sample(facts, min(num_facts, num_queries - len(asked)))
    write = chat_recall if chat else raw_recall
    return write(rng, facts, num_filler, asked)


def chat_recall(rng, facts, num_filler, asked):
    pieces = [(system_turn(rng.choice(SYSTEM_PROMPTS)), 0.0)] if rng.random() < 0.15 else []
    text = context(rng, facts, num_filler)
    if rng.random() < 0.15:
        pieces += answered(text, ACKNOWLEDGED, CHAT_WEIGHT)
        text = ""
    else:
        text += rng.choice("\n\n ")
    for key, value in asked:
        pieces += answered(text + question(rng, key), value, RECALL_WEIGHT)
        text = ""
    return pieces


def raw_recall(rng, facts, num_filler, asked):
    pieces = [(context(rng, facts, num_filler) + "\n", 0.0)]
    # Asking in the words of the statement is the plainest form of recall.
    as_statement = rng.random() < 0.35
    for key, value in asked:
        if as_statement:
            pieces += [(f"remember: {key} =", 0.0), (f" {value}", RECALL_WEIGHT), (".\n", END_OF_TEXT)]
        else:
            pieces += [(question(rng, key), 0.0), (f" {value}", RECALL_WEIGHT), ("\n", END_OF_TEXT)]
    return pieces


# Arithmetic.

def product_is_held_out(a, b):
    """Only one order of a pair is held out: the product of the other order is in training."""
    return a != b and is_held_out(f"{min(a, b)}*{max(a, b)}", 6) and (
        (a < b) == (zlib.crc32(f"order {min(a, b)} {max(a, b)}".encode()) % 2 == 0))


def sum_is_held_out(op, a, b):
    if op == "*":
        return product_is_held_out(a, b)
    if op == "+":
        a, b = min(a, b), max(a, b)
    return is_held_out(f"{a}{op}{b}", 10)


def draw_arithmetic(rng, held_out=False, op=None):
    """(expression, result)"""
    while True:
        o = op or rng.choices("+-*", (45, 40, 15))[0]
        if o == "*":
            a, b = rng.randint(0, 12), rng.randint(0, 12)
        else:
            a, b = rng.randrange(100), rng.randrange(100)
            if o == "-" and a < b:
                a, b = b, a
        if sum_is_held_out(o, a, b) == held_out:
            return f"{a} {o} {b}", str(a + b if o == "+" else a - b if o == "-" else a * b)


def arithmetic_request(rng, expression):
    return rng.choices((expression, f"what is {expression}?", f"{expression} ="), (4, 4, 2))[0]


# Lists.

def draw_list(rng, kind, held_out=False):
    """(items, answer items) of a sort, copy or reverse task."""
    while True:
        sort = kind == "sort"
        kinds = ("number", "letter") if sort else ("number", "letter", "word", "digit")
        item = rng.choice(kinds)
        n = rng.randint(3, 6) if sort else rng.randint(2, 7)
        if item == "number":
            values = rng.sample(range(100), n)
        elif item == "letter":
            values = rng.sample(LETTERS, n)
        elif item == "word":
            values = [rng.choice(VALUES) for _ in range(n)]
        else:
            values = [rng.randrange(10) for _ in range(n)]
        answer = sorted(values) if sort else values if kind == "copy" else values[::-1]
        values, answer = [str(v) for v in values], [str(v) for v in answer]
        # The order of a list to sort does not matter for the split, nor does the task.
        if is_held_out(" ".join(sorted(values)), 10) == held_out:
            return values, answer


# Questions that only need the weights.

def vary(rng, text):
    if rng.random() < 0.3:
        text = text[0].upper() + text[1:] if text[0].islower() else text
    if text.endswith("?") and rng.random() < 0.1:
        text = text[:-1]
    return text


def unknown_question(rng):
    return rng.choice((
        f"where is {person(rng)}?", f"who {rng.choice(SEEN)} {person(rng)}?",
        f"why was {person(rng)} in {place(rng)}?", f"what is in {place(rng)}?"))



def short_turn(rng, kind):
    """(request, answer, weight) of one short task."""
    if kind == "arithmetic":
        expression, result = draw_arithmetic(rng)
        return arithmetic_request(rng, expression), result, ARITHMETIC_WEIGHT
    if kind in ("sort", "copy", "reverse"):
        items, answer = draw_list(rng, kind)
        return f"{kind}: {' '.join(items)}", " ".join(answer), 1.0
    if kind == "unknown":
        return unknown_question(rng), UNKNOWN, CHAT_WEIGHT
    phrasings, answer = rng.choice(FACTS)
    return vary(rng, rng.choice(phrasings)), answer, CHAT_WEIGHT


OTHER_KINDS = {"sort": 22, "copy": 8, "reverse": 10, "chat": 12, "unknown": 2}
RAW_KINDS = {"sort": 50, "copy": 20, "reverse": 30}
# Sums have few tokens to learn from, too.
ARITHMETIC_WEIGHT = 2.5


def draw_short_kind(rng, arithmetic=0.45, others=OTHER_KINDS):
    if rng.random() < arithmetic:
        return "arithmetic"
    return rng.choices(list(others), list(others.values()))[0]


def short_chat(rng, arithmetic):
    """A conversation of a few short tasks."""
    pieces = [(system_turn(rng.choice(SYSTEM_PROMPTS)), 0.0)] if rng.random() < 0.15 else []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        pieces += answered(*short_turn(rng, draw_short_kind(rng, arithmetic)))
    return pieces


def short_raw(rng, arithmetic):
    """Lines of plain text, each a task with its answer."""
    pieces = []
    end = "\n" if rng.random() < 0.3 else END_OF_TEXT
    for _ in range(rng.choice((1, 1, 2, 4))):
        kind = draw_short_kind(rng, arithmetic, RAW_KINDS)
        if kind == "arithmetic":
            expression, result = draw_arithmetic(rng)
            request, weight = f"{expression} =", ARITHMETIC_WEIGHT
        else:
            items, answer = draw_list(rng, kind)
            request, result, weight = f"{kind}: {' '.join(items)} ->", " ".join(answer), 1.0
        pieces += [(request, 0.0), (f" {result}", weight), (end, END_OF_TEXT)]
    if end == "\n":
        pieces.append((END_OF_TEXT, 0.0))
    return pieces


def story(rng, _):
    text = " ".join(sentence(rng) for _ in range(rng.randint(2, 6)))
    return [(text + END_OF_TEXT, 0.1)]


def short_document(rng, arithmetic=0.45):
    """A few short tasks; `arithmetic` is the share of sums among them."""
    return rng.choices((short_chat, short_raw, story), (55, 42, 3))[0](rng, arithmetic)


def story_request(rng):
    """A long context ends in another task than recall, so that length alone tells nothing."""
    facts = [(k, draw_value(rng, k)) for k in rng.sample(KEYS, 3)]
    request, answer, weight = short_turn(rng, draw_short_kind(rng))
    return answered(context(rng, facts, 8) + "\n" + request, answer, weight)
