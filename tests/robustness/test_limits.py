"""Files beyond a limit: each is answered by one clear finding, after little work."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import gpubp
from dsl import limits
from dsl.diagnostics import Diagnostic
from dsl.render import to_text
from gpubp.frontend.sizes import MAX_AXES, MAX_ELEMENTS, MAX_WEIGHTS

MODEL = "model {\n  input x: [4]\n  target y: [1]\n%s\n  output p = h -> dense(1)\n}\n"
MEMORY = 100 << 20
"""Bytes that an answer may take, far below what any of these files asks for."""


def model(body: str, before: str = "") -> str:
    return f"{before}\n{MODEL % body}"


@contextmanager
def small() -> Iterator[None]:
    """Fails where the block takes more than `MEMORY`; the system counts the most that was ever in use, in KiB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY >> 10


def refusal(text: str) -> Diagnostic:
    """The first finding of a file that is refused, shown once."""
    with small(), pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(text)
    for one in caught.value.diagnostics:
        assert len(to_text(one)) < 10_000
    return caught.value.diagnostics[0]


DOUBLED = "let a0 = [1, 1]\n" + "".join(f"let a{i} = [a{i - 1}, a{i - 1}]\n" for i in range(1, 40))
DEEPER = "let a0 = [1]\n" + "".join(f"let a{i} = [a{i - 1}]\n" for i in range(1, 2000))

EXPANSIONS = {
    "repeat": model("  h = x -> repeat 1000000000 { relu }"),
    "repeat in repeat": model("  h = x -> repeat 1000 { repeat 1000 { repeat 1000 { relu } } }"),
    "repeat of nothing": model("  h = x -> repeat 1000000000 { repeat 0 { relu } }"),
    "for": model("  h = x -> for i in 1..10^18 { relu }"),
    "each": model("  h = concat([for i in 1..10^9 { x }])"),
    "each of numbers": "let a = [for i in 1..1000 { [for j in 1..1000 { i * j }] }]\n",
    "values": model("  h = x -> repeat 9000 { relu -> relu -> relu -> relu }"),
    "block without end": model("  h = x -> b(3)", "block b(n) on x { return x -> b(n) }"),
    "block that doubles": model(
        "  h = x -> b(30)", "block b(n) on x { return if n == 0 then x else x -> b(n - 1) -> b(n - 1) }"
    ),
    "fn without end": "let a = f(1)\nfn f(z) = f(z) + f(z)\n",
    "fn that doubles": "fn f(z) = if z < 2 then z else f(z - 1) + f(z - 2)\nlet a = f(40)\n",
    "lists that double": DOUBLED,
    "lists that double, used": DOUBLED + model("  h = x -> dense(a39)"),
    "lists of a tensor that double": model(
        "  v0 = [x, x]\n" + "".join(f"  v{i} = [v{i - 1}, v{i - 1}]\n" for i in range(1, 40)) + "  h = concat(v39)"
    ),
    "lists in lists": DEEPER,
    "a long list used often": "let a = [" + "1, " * 20_000 + "1]\n" + "".join(f"let b{i} = a\n" for i in range(2000)),
}


@pytest.mark.parametrize("text", EXPANSIONS.values(), ids=EXPANSIONS)
def test_expansion(text: str) -> None:
    assert refusal(text).code == "E0219"


def test_expansion_within_the_limits() -> None:
    net = gpubp.loads(model("  h = x -> repeat 1000 { dense(4) -> relu }"))
    assert len(net.layout.parameters) == 2002
    gpubp.loads("let a = [for i in 1..100 { [for j in 1..90 { i * j }] }]\n" + model("  h = x"))


@pytest.mark.parametrize(
    "text", ["let a = 10^10^10\n", "let a = 2^62 * 2^62\n", "let a = 1e308 * 1e308\n", "let a = 0^(-1)\n"]
)
def test_arithmetic(text: str) -> None:
    assert refusal(text).code == "E0314"


SIZES = {
    "one_hot": "model {\n  input c: class(1000000000)\n  output p = one_hot(c) -> dense(1)\n}\n",
    "input": "model {\n  input x: [1000000000, 1000000000]\n  output p = sum(x)\n}\n",
    "axes": "model {\n  input x: [" + "1, " * 40 + "1]\n  output p = sum(x)\n}\n",
    "weight": model("  h = x -> dense(10^12)"),
    "square weight": model("  h = x -> dense(10^7) -> dense(10^7)"),
    "weights together": model("  h = x -> repeat 1000 { dense(10^6) -> dense(10^6) }"),
    "doubling": model("  h = x -> repeat 60 { twice }", "block twice() on z { return concat(z, z) }"),
    "stacking": model("  h = x -> repeat 60 { more }", "block more() on z { return stack(z) }"),
    "broadcasting": "model {\n  input a: [100000, 1]\n  input b: [1, 100000]\n  output p = sum(a + b)\n}\n",
}


@pytest.mark.parametrize("text", SIZES.values(), ids=SIZES)
def test_sizes(text: str) -> None:
    found = refusal(text)
    assert found.code == "E0308"
    assert found.span is not None


def test_sizes_up_to_the_limits() -> None:
    gpubp.loads(f"model {{\n  input x: [{MAX_ELEMENTS}]\n  output p = sum(x)\n}}\n")
    gpubp.loads(f"model {{\n  input x: [{'1, ' * (MAX_AXES - 1)}1]\n  output p = sum(x)\n}}\n")
    gpubp.loads(
        f"model {{\n  input x: [2^20]\n  output p = x -> dense({MAX_WEIGHTS} / 2^20, bias = false) -> sum\n}}\n"
    )


# Files ---------------------------------------------------------------------------------------------------------------


def load(path: Path, content: bytes) -> Diagnostic:
    path.write_bytes(content)
    with small(), pytest.raises(gpubp.NetError) as caught:
        gpubp.load(path)
    for one in caught.value.diagnostics:
        to_text(one)
    return caught.value.diagnostics[0]


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.net"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a file with a hole: reading it would take hours
    with small(), pytest.raises(gpubp.NetError) as caught:
        gpubp.load(path)
    assert [one.code for one in caught.value.diagnostics] == ["E0102"]
    assert load(tmp_path / "main.net", b'import "large.net" as l\n').code == "E0102"
    assert load(tmp_path / "cut.net", b"#" + "\u00e9".encode() * limits.MAX_TEXT_BYTES).code == "E0102"


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"model {\xff}\n", "E0101", "the byte 0xff"),
        ("model { }".encode("utf-16"), "E0401", "UTF-16"),
        ("model { }".encode("utf-16-le"), "E0401", "UTF-16"),
        ("model { }".encode("utf-16-be"), "E0401", "UTF-16"),
        ("model { }".encode("utf-32"), "E0401", "UTF-32"),
        (bytes(64), "E0104", "not printable"),
        (b"model {\0}\n", "E0104", "U+0000"),
        (b"", "E0101", "empty"),
    ],
)
def test_bytes(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    found = load(tmp_path / "m.net", content)
    assert found.code == code
    assert words in found.message


def test_imports_of_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "utf16").write_bytes("let a = 1".encode("utf-16"))
    for path in ("/dev/zero", "pipe", ".", "utf16", "nope", "a/" * 3000, "a\\nb"):
        found = load(tmp_path / "m.net", f'import "{path}" as a\n'.encode())
        assert found.code == "E0214", path
        assert len(found.message) <= limits.LONGEST_WORDS


def test_imports_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "b.net").write_text('import "a.net" as a\n')
    assert load(tmp_path / "a.net", b'import "b.net" as b\n').code == "E0215"
    assert load(tmp_path / "c.net", b'import "c.net" as c\n').code == "E0215"


def test_many_imports(tmp_path: Path) -> None:
    for i in range(limits.MAX_IMPORTS + 1):
        (tmp_path / f"{i}.net").write_text(f'import "{i + 1}.net" as next\nlet a = {i}\n')
    (tmp_path / f"{limits.MAX_IMPORTS + 1}.net").write_text("let a = 1\n")
    found = load(tmp_path / "m.net", b'import "0.net" as first\n')
    assert found.code == "E0219"
    (tmp_path / f"{limits.MAX_IMPORTS - 1}.net").write_text("let a = 1\n")
    (tmp_path / "m.net").write_text('import "0.net" as first\n' + model("  h = x"))
    gpubp.load(tmp_path / "m.net")


def test_long_imports(tmp_path: Path) -> None:
    lines = "# a comment that fills the file\n" * 3000
    for i in range(4):
        (tmp_path / f"{i}.net").write_text(f"{lines}let a = 1\n")
    imports = "".join(f'import "{i}.net" as part{i}\n' for i in range(4))
    assert load(tmp_path / "m.net", imports.encode()).code == "E0219"


# Findings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        model("  h = x -> " + "a" * 90_000),
        model(f'  h = x -> dense("{"a" * 90_000}")'),
        model("  h = x -> dense(2, init = " + "a" * 90_000 + ")"),
        model("  h = sum([" + "0, " * 20_000 + "0])"),
        f'import "{"a/" * 40_000}" as a\n',
    ],
)
def test_words_stay_short(text: str) -> None:
    found = refusal(text)
    for words in (found.message, found.label, *found.notes, *found.help):
        assert len(words) <= limits.LONGEST_WORDS


@pytest.mark.parametrize(
    "text",
    ["?\n" * 51_000, ";" * 100_000, model("\n".join(f"  a{i} = b{i} -> c{i}" for i in range(4000)))],
)
def test_many_errors(text: str) -> None:
    with small(), pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(text)
    assert 1 <= len(caught.value.diagnostics) <= limits.MAX_FINDINGS


@pytest.mark.parametrize("line", ["  a%d = x + 1", "  r%d = h -> relu -> relu"])
def test_many_warnings(line: str) -> None:
    net = gpubp.loads(model("  h = x\n" + "\n".join(line % i for i in range(1000))))
    assert 1 <= len(net.warnings) <= limits.MAX_FINDINGS
