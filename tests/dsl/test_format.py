"""The formatter: one form for every sound text, no comment lost, no meaning changed, the same again when done twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsl import syntax
from dsl.comments import gaps
from dsl.document import WIDTH
from dsl.format import FormatError, _same_trees, format_text
from dsl.format_expressions import Expressions
from dsl.limits import MAX_TEXT_BYTES
from dsl.parse import parse
from dsl.source import Source
from dsl.tokens import scan
from tests.robustness.mutations import mutated

from .sound_texts import SoundText
from .texts import EXAMPLES, nodes

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "models").glob("*.net"))
GOLDEN = sorted(path for path in (ROOT / "tests/golden/format").glob("*.net") if ".formatted" not in path.name)
OTHERS = [*EXAMPLES, *sorted((ROOT / "tests/golden/errors").glob("*.net"))]


def formatted(text: str) -> str:
    made, found = format_text(Source("t.net", text))
    assert not found, found
    return made


def comments(text: str) -> list[str]:
    return [comment.text for gap in gaps(scan(Source("t.net", text))) for comment in gap.comments]


def words(text: str) -> list[str]:
    """Tokens as written. A comma may come or go before a bracket that closes."""
    found = [str(token) for token in scan(Source("t.net", text)).all]
    return [word for word, after in zip(found, [*found[1:], ""]) if word != "," or after not in (")", "]")]


def check(text: str) -> None:
    """All that holds for a sound text. That the tree is the same `format_text` sees to itself."""
    made = formatted(text)
    assert formatted(made) == made
    assert comments(made) == comments(text)
    assert words(made) == words(text)
    plain = made.replace("\r\n", "\n")
    assert made == (plain.replace("\n", "\r\n") if text.split("\n")[0].endswith("\r") else plain)
    assert plain.endswith("}\n") or not plain.endswith("\n\n")
    assert "\n\n\n" not in plain
    for line in plain.split("\n"):
        assert line == line.rstrip() or '"' in line
        assert (len(line) - len(line.lstrip(" "))) % 2 == 0


# Files that there are -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_models_are_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text, f"run gpubp fmt {path.relative_to(ROOT)}"


def test_the_example_of_the_readme_is_formatted() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:net)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (net,) = (block for block in blocks if block.startswith("# xor.net"))
    assert formatted(net) == net


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    """`gpubp fmt - < X.net > X.formatted.net` writes them anew; read the difference before you commit it."""
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == path.with_suffix(".formatted.net").read_text(encoding="utf-8")
    check(text)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_files_of_other_tests(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    source = Source("t.net", text)
    found = parse(source)[1]
    if not found or not scan(source).all:
        check(text)
    else:
        assert format_text(source) == (text, found)


# Files that there might be ------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1))
def test_any_sound_text(seed: int) -> None:
    text = SoundText(Random(seed)).text
    if len(text.encode()) < MAX_TEXT_BYTES // 4:
        check(text)


def test_the_texts_have_every_form_of_the_language() -> None:
    seen: set[type] = set()
    for seed in range(60):
        file, found = parse(Source("t.net", SoundText(Random(seed)).text))
        assert not found
        seen |= {type(node) for node in nodes(file)}
    kinds = [kind for kind in vars(syntax).values() if isinstance(kind, type) and hasattr(kind, "span")]
    assert seen == {kind for kind in kinds if kind.__module__.startswith(f"{syntax.__name__}.")}


@given(st.integers(0, 2**32 - 1))
def test_damaged_texts_are_left_alone_or_formatted(seed: int) -> None:
    chance = Random(seed)
    texts = [path.read_text(encoding="utf-8") for path in EXAMPLES]
    text = mutated([*texts, SoundText(chance).text], chance)
    made, found = format_text(Source("t.net", text))
    if found:
        assert made == text
    elif scan(Source("t.net", text)).all:
        check(text)


@given(st.text(st.sampled_from('ax1#\n\r\t {}[]().,=->:?"+-*/^%\ufeffé'), max_size=60))
@example("#")
@example("# a\r\n#b\r\n")
def test_any_text(text: str) -> None:
    made, found = format_text(Source("t.net", text))
    assert made == text if found else formatted(made) == made


# Layout ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("\ufeff", ""),
        (" \n\t\n", ""),
        ("#a", "#a\n"),
        ("\n\n  # a  \n\n\n\n# b\n\n", "# a\n\n# b\n"),
        ("# a\r\n\r\nlet x=1\r\n", "# a\r\n\r\nlet x = 1\r\n"),
        ("let x=1\nlet y=2\r\n", "let x = 1\nlet y = 2\n"),
        ("\ufefflet x=1", "let x = 1\n"),
        ("let x = 1 # a\tb \u2028\t", "let x = 1  # a\tb\n"),
        ("data{}", "data { }\n"),
        ("data{\n}\n", "data { }\n"),
        ("data{# a\n}", "data {  # a\n}\n"),
        ("data{\n\n# a\n\n}", "data {\n  # a\n}\n"),
        ("let x = f()", "let x = f()\n"),
        ("let x = [ ]", "let x = []\n"),
        ("let x = a<b", "let x = a < b\n"),
        ("let x = a-b", "let x = a - b\n"),
        ("let x = - -a", "let x = --a\n"),
        ("let x = a < -b", "let x = a < -b\n"),
        ("let x = a- -b", "let x = a - -b\n"),
        ("let x = 1 / 2 / 3", "let x = 1/2 / 3\n"),
        ("let x = pi / 2", "let x = pi / 2\n"),
        ("let x = (1) / 2", "let x = (1) / 2\n"),
        ("let x = 2 * 1/16", "let x = 2 * 1 / 16\n"),
        ("let x = ((a)) + (b)", "let x = ((a)) + (b)\n"),
        ("let x = a . b", "let x = a.b\n"),
        ("param x = 1 in 1 .. 3", "param x = 1 in 1..3\n"),
        ("let x = (a -> f) -> g", "let x = (a -> f) -> g\n"),
        ("let x = [1, 2,]", "let x = [1, 2]\n"),
        ("let x = [\n1, 2]", "let x = [\n  1, 2,\n]\n"),
        ("let x = [1, 2\n]", "let x = [1, 2]\n"),
        ("let x = [1\n, 2]", "let x = [\n  1,\n  2,\n]\n"),
        ("let x =\n1", "let x = 1\n"),
        ('let x = "a\\"#b"', 'let x = "a\\"#b"\n'),
        ("let x = 0_1.5E+3%", "let x = 0_1.5E+3%\n"),
    ],
)
def test_small_texts(text: str, wanted: str) -> None:
    assert formatted(text) == wanted
    assert formatted(wanted) == wanted


@pytest.mark.parametrize("sign", ["->", "+", "*", ","])
def test_lines_are_as_long_as_they_may_be(sign: str) -> None:
    """A line is broken when one more column would be too many, and not before."""
    for length in range(WIDTH - 6, WIDTH + 3):
        start = "let x = f(a, " if sign == "," else f"let x = a {sign} "
        end = ")" if sign == "," else ""
        text = start + "b" * (length - len(start + end)) + end
        assert (formatted(text) == f"{text}\n") == (length <= WIDTH)


def test_a_comment_does_not_count_for_the_width() -> None:
    line = "let x = a -> " + "b" * (WIDTH - 13)
    assert formatted(f"{line}# {'long ' * 40}") == f"{line}  # {('long ' * 40).strip()}\n"


def test_comments_in_one_column_only_where_they_have_room() -> None:
    text = f"let x = 1 # {'a' * 60}\nlet y = {'b' * 70} # c\n"
    assert formatted(text) == f"let x = 1  # {'a' * 60}\nlet y = {'b' * 70}  # c\n"


def test_names_are_not_needed() -> None:
    assert formatted("model{input x:[2]\noutput p=x->no_such_layer(3)}")


# What must not happen -----------------------------------------------------------------------------------------------


def test_a_wrong_text_is_left_as_it_is() -> None:
    text = "let  x = 1\nlet y = = 2\n"
    made, found = format_text(Source("t.net", text))
    assert made == text
    assert [one.code for one in found] == [one.code for one in parse(Source("t.net", text))[1]] != []


def test_a_text_that_would_become_too_long() -> None:
    text = "data{x=[" + "[1],\n" * 20_000 + "]}"
    assert len(text) < MAX_TEXT_BYTES
    made, found = format_text(Source("t.net", text))
    assert made == text
    assert [one.message for one in found] == ["formatted, the file would be longer than 100 KiB"]


@pytest.mark.parametrize("letter", ["a", "\u00e9"])
def test_a_text_that_is_too_long(letter: str) -> None:
    """In bytes: of a longer one no more is read."""
    text = "#" + letter * (MAX_TEXT_BYTES // len(letter.encode()))
    assert [one.code for one in format_text(Source("t.net", text))[1]] == ["E0102"]


@pytest.mark.parametrize(
    ("text", "broken", "message"),
    [
        ("let x = f( # a\n1)", ("remarks", lambda self: ()), "lose a comment"),
        ("let x = a + b", ("bare", lambda self: _bare(self).replace("+", "-")), "change its meaning"),
        ("let x = a - b", ("bare", lambda self: _bare(self).replace("-", "=")), "change its meaning"),
        ("let x = (a + b) * c", ("bare", lambda self: _bare(self).strip("()")), "change its meaning"),
        ("let x = 10", ("bare", lambda self: _bare(self).replace("10", "11")), "change its meaning"),
    ],
)
def test_a_mistake_of_the_formatter_is_caught(
    text: str, broken: tuple[str, Callable[[Expressions], object]], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    formatted(text)
    monkeypatch.setattr(Expressions, *broken)
    with pytest.raises(FormatError, match=message):
        format_text(Source("t.net", text))


_bare = Expressions.bare


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("let x = 1", "let  x = 1", True),
        ("let x = 1", "let x = 1.0", False),
        ("let x = 1", "let x = true", False),
        ("let x = 1", "let x = 1%", False),
        ("let x = (a + b) + c", "let x = a + b + c", True),
        ("let x = a + (b + c)", "let x = a + b + c", False),
        ("let x = [a]", "let x = [a, b]", False),
        ("let x = a", "param x = a", False),
    ],
)
def test_trees_are_compared(one: str, other: str, same: bool) -> None:
    trees = [parse(Source("t.net", text))[0] for text in (one, other)]
    assert _same_trees(*trees) == same


NESTED = [
    *("[" * 62 + "{}" + "]" * 62, "(" * 62 + "{}" + ")" * 62, "f(1, b = " * 62 + "{}" + ")" * 62),
    *("if a then b else " * 97 + "{}", "-" * 97 + "{}", "2^" * 97 + "{}", "2 + " * 97 + "{}"),
    *("[for i in [1] {{ " * 31 + "{}" + " }}]" * 31, "f(1 + " * 48 + "{}" + ")" * 48),
    "x" + " -> repeat 2 {{ f" * 62 + "{}" + " }}" * 62,
]


@pytest.mark.parametrize("form", NESTED, ids=lambda form: form[:9].strip())
@pytest.mark.parametrize("inner", ["", "a", "a" * WIDTH, "f( # b\n)"])
def test_the_deepest_nesting(form: str, inner: str) -> None:
    check("let x = " + form.format(inner or "1"))
