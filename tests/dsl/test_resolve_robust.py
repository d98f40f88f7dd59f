"""Whatever the text, `resolve` answers with findings, and soon."""

from __future__ import annotations

import random
import re
import time

import pytest

from dsl.resolve import resolve
from dsl.source import Source

from .catalog_for_tests import CATALOG
from .resolving import EXAMPLES, error, errors, fake_measure, found, read

TOKEN = re.compile(r'"[^"\n]*"|[A-Za-z_][A-Za-z0-9_]*|[0-9][0-9_.eE%]*[a-z%]*|->|\.\.|[<>=!]=|//|[^\sA-Za-z0-9]')
ODD = [
    "0",
    "-1",
    "2.5",
    "10^10^10",
    "1/0",
    "25%",
    "3epochs",
    "relu",
    "x",
    "nope",
    "[1, 2]",
    "true",
    '"s"',
    "adam",
    "[x]",
    "p",
]
FILES = sorted(path.name for path in EXAMPLES.glob("*.net"))


def mutated(text: str, chance: random.Random) -> str:
    """The text with one to three of its tokens taken out, doubled, exchanged or replaced."""
    for _ in range(chance.randint(1, 3)):
        tokens = list(TOKEN.finditer(text))
        one, other = chance.choice(tokens), chance.choice(tokens)
        new = chance.choice(["", f"{one[0]} {one[0]}", other[0], other[0], chance.choice(ODD), chance.choice(ODD)])
        text = text[: one.start()] + new + text[one.end() :]
    return text


@pytest.mark.parametrize("name", FILES)
def test_mutations(name: str) -> None:
    chance = random.Random(name)
    for i in range(20):
        text = mutated(read(name), chance)
        start = time.perf_counter()
        made, findings = resolve(Source(name, text), CATALOG, measure=fake_measure, read=read)
        assert time.perf_counter() - start < 2, (i, text)
        assert (made is None) == any(d.severity == "error" for d in findings), (i, text)
        for one in findings:
            assert one.code, (i, text)
            assert one.message, (i, text)
            assert not one.message.endswith("."), one
            assert one.span is None or 0 <= one.span.start <= one.span.end <= len(one.span.source.text), (i, one)


def test_many_mistakes_do_not_take_long() -> None:
    body = "\n".join(f"  a{i} = b{i} -> dens{i}(c{i}, unit = d{i})" for i in range(2000))
    start = time.perf_counter()
    _, findings = found(f"model {{\n{body}\n}}")
    assert time.perf_counter() - start < 3
    assert len(findings) == 100


def test_broken_files_are_not_accused_of_more() -> None:
    text = (
        "model {\n  input x: [4\n  h = x -> dense(3)\n  output p = h -> dense(1)\n}\n"
        "train {\n  loss = sum(p)\n  optimizer = = adam()\n}"
    )
    assert {code[:3] for code, _, _ in errors(text)} == {"E01"}


def test_bodies_that_nothing_calls_are_checked() -> None:
    wrong = errors("block b(n, m = 2) on x {\n  h = x -> dense(n, bia = m) -> relo\n  return nope\n}\nfn f(z) = zz + 1")
    assert [text for _, _, text in wrong] == ["bia", "relo", "nope", "zz"]
    assert errors("block b(n) on x { return if n == 0 then x else x -> dense(n) -> b(n - 1) }") == []


def test_an_endless_default() -> None:
    assert error("block b(n = 1) on x { return x -> b }").code == "E0219"
