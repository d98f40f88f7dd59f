"""Imports: relative, loaded once, params set through the alias."""

from __future__ import annotations

from dsl.resolve import resolve
from dsl.source import Source

from .catalog_for_tests import CATALOG
from .resolving import HEAD, error, found, graph, names

FILES = {
    "lib/blocks.net": (
        'import "deep/more.net" as more\nparam width = 4\n'
        "block enc(n = width) on z { return z -> dense(n) -> more.act }"
    ),
    "lib/deep/more.net": "fn act(z) = z * sigmoid(z)\nlet size = 5",
    "lib/a.net": 'import "b.net" as b',
    "lib/b.net": 'import "a.net" as a',
    "lib/bad.net": "block f() on x { return x -> dens(3) }\nlet = 3",
}


def read(path: str) -> str:
    try:
        return FILES[path]
    except KeyError:
        raise FileNotFoundError(2, "no such file") from None


def test_imports() -> None:
    text = (
        f'import "lib/blocks.net" as lib\n{HEAD}  output p = x -> lib.enc -> lib.enc(lib.more.size) -> lib.more.act\n}}'
    )
    made = graph(text, read=read)
    assert names(made, "dense", "sigmoid") == [
        "p.enc.dense",
        "p.enc.act.sigmoid",
        "p.enc_2.dense",
        "p.enc_2.act.sigmoid",
        "p.act.sigmoid",
    ]
    assert [one.attrs["units"] for one in made.nodes if one.kind == "dense"] == [4, 5]
    made = graph(text, read=read, params={"lib.width": "9"})
    assert made.params["lib.width"].value == 9
    assert [one.attrs["units"] for one in made.nodes if one.kind == "dense"] == [9, 5]


def test_an_import_is_loaded_once() -> None:
    loaded: list[str] = []

    def counting(path: str) -> str:
        loaded.append(path)
        return read(path)

    graph(
        'import "lib/deep/more.net" as m\nimport "./lib//deep/more.net" as n\n'
        f"{HEAD}  output p = x -> m.act -> n.act\n}}",
        read=counting,
    )
    assert loaded == ["lib/deep/more.net"]


def test_circles_name_the_chain() -> None:
    wrong = error(f'import "lib/a.net" as a\n{HEAD}  output p = x\n}}', read=read)
    assert wrong.message == "these files import each other in a circle: lib/a.net -> lib/b.net -> lib/a.net"


def test_a_file_that_imports_itself() -> None:
    made, findings = resolve(Source("lib/a.net", FILES["lib/a.net"]), CATALOG, read=read)
    assert made is None
    assert [d.code for d in findings] == ["E0215"]


def test_a_missing_import_is_one_error() -> None:
    wrong = error(f'import "lib/none.net" as lib\n{HEAD}  output p = x -> lib.f(lib.n)\n}}', read=read)
    assert (wrong.code, wrong.message) == ("E0214", "cannot read `lib/none.net`: no such file")
    assert error(f'import "a.net" as lib\n{HEAD}  output p = x -> lib.f\n}}').code == "E0214"


def test_unknown_parts_of_an_import() -> None:
    wrong = error(f'import "lib/blocks.net" as lib\n{HEAD}  output p = x -> lib.encc\n}}', read=read)
    assert (wrong.code, wrong.help) == ("E0208", ("did you mean `enc`?",))
    wrong = error(f'import "lib/blocks.net" as lib\n{HEAD}  output p = x -> enc\n  q = lib.more.act(p)\n}}', read=read)
    assert (wrong.code, wrong.help) == ("E0208", ("did you mean `lib.enc`?",))


def test_mistakes_in_an_imported_file_are_shown_there() -> None:
    _, findings = found(f'import "lib/bad.net" as lib\n{HEAD}  output p = x -> lib.f\n}}', read=read)
    assert {d.span.source.name for d in findings if d.span} == {"lib/bad.net"}
    assert {d.code[:3] for d in findings} == {"E01", "E02"}
