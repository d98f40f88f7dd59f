"""Tables in other encodings than UTF-8 mean what the same tables mean in UTF-8; what goes wrong says where."""

from __future__ import annotations

import codecs
import gzip
import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import Static, Type
from gpubp.data import from_json, glance, read_table, to_json
from gpubp.data.encodings import as_text, guessed, is_encoding, whole_lines
from gpubp.errors import DataError

from .worlds import World, choice, csv, entry

TABLE = "größe,höhe,café\n1,2,né\n3,4,zürich\n5,6,né\n"
ENCODINGS = ("utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "mac-roman")


@pytest.fixture
def towns(world: World) -> World:
    world.inputs, world.targets = {"x": Type((2,))}, {"y": Type((), 2)}
    return world


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("packed", [False, True])
def test_a_table_means_the_same_in_any_encoding(towns: World, encoding: str, packed: bool) -> None:
    raw = TABLE.encode(encoding)
    towns.write("a.csv", gzip.compress(raw) if packed else raw)
    data = towns.load(csv("x, y", target="café", encoding=encoding))
    assert data.arrays["x"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert data.classes == {"y": ("né", "zürich")}
    known = from_json(json.loads(json.dumps(to_json(data.encoders))))
    for other in {encoding, "utf-8"} - ({"utf-8"} if encoding.startswith(("utf-16", "utf-32")) else set()):
        towns.write("new.csv", TABLE.encode(other))
        again = read_table(towns.base / "new.csv", known)
        np.testing.assert_array_equal(again.arrays["y"], data.arrays["y"])


def test_a_series_too(world: World) -> None:
    world.inputs, world.targets = {"past": Type((2, 1))}, {}
    world.write("a.csv", "tag;größe\nmo;1,5\ndi;2,5\nmi;3,5\n".encode("cp1252"))
    use = {"path": "a.csv", "window": 2, "columns": ("größe",), "decimal": ",", "encoding": "cp1252"}
    options: dict[str, Static] = {**use}
    assert world.load(entry("past", choice("series", **options))).arrays["past"][1].tolist() == [[2.5], [3.5]]


@pytest.mark.parametrize(
    ("raw", "options", "message", "help"),
    [
        (
            TABLE.encode("latin-1"),
            {},
            "`a.csv` is not UTF-8 text: line 1, character 3 is the byte 0xf6, which is `ö` in `cp1252`",
            '`encoding = "cp1252"` reads it so; or save it again as UTF-8',
        ),
        (
            "a,ä\n1,é".encode() + b"\x81\n",
            {},
            "`a.csv` is not UTF-8 text: line 2, character 4 is the byte 0x81, which is `\x81` in `latin-1`",
            '`encoding = "latin-1"` reads it so; or save it again as UTF-8',
        ),
        (
            b"a,b\n1,\x81\n",
            {"encoding": "cp1252"},
            "`a.csv` is not text in `cp1252`: line 2 contains the byte 0x81",
            '`encoding = "latin-1"`, or save it again as UTF-8',
        ),
        (
            b"a,b\n1,\x00\n",
            {"encoding": "latin-1"},
            "`a.csv` is not text: line 2 contains a zero byte",
            "save the table again as text in UTF-8",
        ),
        (
            b"a,b\n1,2\n",
            {"encoding": "utf-16"},
            "`a.csv` is not text in `utf-16`: it contains no zero bytes",
            '`encoding = "utf-8"`, or save it again as UTF-8',
        ),
        (
            b"a,b\n1,2\n",
            {"encoding": "klingon"},
            "there is no text encoding `klingon`",
            '`"utf-8"`, `"cp1252"`, `"latin-1"`, `"utf-16"`',
        ),
    ],
)
def test_what_cannot_be_read(towns: World, raw: bytes, options: dict[str, Static], message: str, help: str) -> None:
    towns.write("a.csv", raw)
    found = towns.refused(csv("x, y", columns=("a", "b"), **options))
    assert (found.message, found.help) == (message, (help,))


def test_names_of_encodings() -> None:
    assert all(map(is_encoding, [*ENCODINGS, "UTF8", "shift_jis", "gbk"]))
    assert not any(map(is_encoding, ["", "rot13", "zlib", "hex", "a\0b"]))


@given(st.text(st.characters(codec="latin-1", exclude_categories=("Cc",)), min_size=1), st.sampled_from(ENCODINGS[:-1]))
def test_what_is_guessed_reads_the_text(text: str, encoding: str) -> None:
    """Of the encodings that have marks, or that are likely; two that give the same text are alike."""
    raw = (text + "é\n" + "plain\n" * 3).encode(encoding)
    found = guessed(raw)
    if encoding in ("utf-16-le", "utf-16-be") and found != encoding:
        return  # without a mark, only mostly English text is told
    try:
        raw.decode()
        assert found.startswith("utf-") or not encoding.startswith("utf-8")
    except UnicodeDecodeError:
        assert as_text(raw, "a.csv", None, found).decode() == raw.decode(encoding).removeprefix("\ufeff")


@given(st.integers(0, 60), st.sampled_from(["utf-8", "cp1252", "utf-16"]))
def test_a_text_that_is_cut_off_ends_with_a_line(cut: int, encoding: str) -> None:
    raw = ("größe,ort\n" + "1,é\n" * 20).encode(encoding)[: 24 + cut]
    assert guessed(raw, complete=False) == encoding
    lines = whole_lines(raw, encoding).decode(encoding)
    assert ("größe,ort\n" + "1,é\n" * 20).startswith(lines)
    assert lines.endswith("\n")


@pytest.mark.parametrize("raw", [b"\xffPNG\r\n\x1a\n", b"a,b\n\x01,\xff\n", bytes(range(1, 256))])
def test_what_is_no_text_is_not_taken_for_one(raw: bytes, world: World) -> None:
    world.write("a.csv", raw)
    with pytest.raises(DataError, match="is not UTF-8 text"):
        glance(world.base / "a.csv")


@given(st.lists(st.sampled_from(["né", "x", "Zürich"]), min_size=2, max_size=6), st.sampled_from(ENCODINGS[:-1]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_glance_finds_the_encoding(world: World, cells: list[str], encoding: str) -> None:
    text = "a,größe\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
    world.write("a.csv", text.encode(encoding))
    found = glance(world.base / "a.csv")
    assert found.sample == "größe"
    assert [column.name for column in found.columns] == ["a", "größe"]
    same = codecs.lookup(encoding).name.replace("iso8859-1", "cp1252").removesuffix("-sig")
    assert found.encoding == same
