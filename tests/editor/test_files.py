"""Names of one file in others, and the parts of a text that an editor folds, selects and follows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from gpubp.editor.document import Document
from gpubp.editor.files import Files
from gpubp.editor.parts import folds, links, nested
from gpubp.editor.references import references, rename
from gpubp.editor.symbols import definition
from gpubp.errors import GpubpError

from .texts import MODELS

LIB = """\
param width = 8
fn twice(v) = 2 * v
block deep(n, slope = 0.1) on x {
  return x -> dense(n) -> leaky_relu(slope)
}
"""
MAIN = """\
import "parts/lib.net" as lib

model {
  input x: [2]
  deep     = x -> lib.deep(lib.width, slope = 0.2)
  output p = deep -> lib.deep(n = 3) -> lib.twice
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "lib.net").write_text(LIB)
    (tmp_path / "main.net").write_text(MAIN)
    (tmp_path / "other.net").write_text(MAIN.replace("parts/lib.net", "main.net"))
    run = tmp_path / "runs" / "a"
    run.mkdir(parents=True)
    (run / "env.json").write_text("{}")
    (run / "written.net").write_text(MAIN.replace("parts/", "../../parts/"))
    return tmp_path


def opened(path: Path, place: str, text: str | None = None) -> tuple[Document, int]:
    document = Document(path, path.read_text() if text is None else text)
    return document, document.source.text.index(place)


@pytest.mark.parametrize(
    ("place", "in_lib", "in_main"),
    [("width", 1, 1), ("twice", 1, 1), ("deep", 1, 2), ("slope", 2, 1), ("n,", 2, 1), ("x {", 2, 0)],
)
def test_names_that_other_files_use(folder: Path, place: str, in_lib: int, in_main: int) -> None:
    document, offset = opened(folder / "parts" / "lib.net", place)
    found = references(document, offset, Files([document], [folder]))
    where = [Path(span.source.name).name for span in found]
    assert (where.count("lib.net"), where.count("main.net")) == (in_lib, in_main)
    assert len(found) == in_lib + in_main, "runs keep what they recorded, and `other.net` imports another file"
    assert len({span.text for span in found}) == 1


def test_the_same_from_every_use(folder: Path) -> None:
    document, offset = opened(folder / "main.net", "deep(lib")
    files = Files([document], [folder])
    found = references(document, offset, files)
    assert len(found) == 3
    for span in found:
        other = files.at(Path(span.source.name))
        assert other is not None
        again = references(other, span.start, files)
        assert {(each.source.name, each.start) for each in again} == {(each.source.name, each.start) for each in found}


def test_a_value_of_the_same_name_is_another(folder: Path) -> None:
    document, offset = opened(folder / "main.net", "deep     =")
    assert len(references(document, offset, Files([document], [folder]))) == 2


def test_unsaved_texts_are_those_that_are_searched(folder: Path) -> None:
    main, _ = opened(folder / "main.net", "")
    main = Document(main.path, "# unsaved\n" + MAIN.replace("-> lib.twice", "-> lib.twice -> lib.twice"))
    lib, offset = opened(folder / "parts" / "lib.net", "twice")
    found = references(lib, offset, Files([lib, main], [folder]))
    assert len(found) == 3
    assert found[1].source == main.source


def test_the_definition_in_a_text_that_is_not_saved(folder: Path) -> None:
    lib = Document(folder / "parts" / "lib.net", "# unsaved\n" + LIB)
    main, offset = opened(folder / "main.net", "twice")
    found = definition(main, offset, Files([lib, main]))
    assert found is not None
    assert (found.text, found.start) == ("twice", lib.source.text.index("twice"))


def test_a_file_that_is_gone(folder: Path) -> None:
    document, offset = opened(folder / "main.net", "deep(lib")
    (folder / "parts" / "lib.net").unlink()
    assert references(document, offset, Files([document], [folder])) == []


def test_a_new_name_in_all_files(folder: Path) -> None:
    document, offset = opened(folder / "main.net", "deep(lib")
    files = Files([document], [folder])
    found = rename(document, offset, "tower", files)
    for name in {span.source.name for span in found}:
        text = Path(name).read_text()
        for span in sorted((s for s in found if s.source.name == name), key=lambda s: -s.start):
            text = text[: span.start] + "tower" + text[span.end :]
        Path(name).write_text(text)
    mended = Document(folder / "main.net", (folder / "main.net").read_text())
    assert mended.findings == ()
    assert mended.source.text.count("lib.tower(") == 2
    with pytest.raises(GpubpError, match="would mean something else"):
        rename(mended, mended.source.text.index("tower"), "twice", Files([mended], [folder]))


def test_what_is_folded() -> None:
    text = (
        '# a\n# b\nimport "a.net" as a\nimport "b.net" as b\n'
        "model {\n  input x: [2]\n  h = x\n    -> dense(2)\n  g = concat(\n    h,\n    x\n  )\n}\n"
    )
    lines = text.split("\n")
    document = Document(Path("x.net"), text)
    found = [(text.count("\n", 0, start), text.count("\n", 0, end), kind) for start, end, kind in folds(document)]
    assert sorted(set(found)) == [
        (0, 1, "comment"),
        (2, 3, "import"),
        (lines.index("model {"), lines.index("}") - 1, "code"),
        (lines.index("  h = x"), lines.index("    -> dense(2)"), "code"),
        (lines.index("  g = concat("), lines.index("    x"), "code"),
    ]


def test_what_grows_around_a_place() -> None:
    document = Document(Path("x.net"), MAIN)
    offset = MAIN.index("0.2")
    found = [span.text for span in nested(document, offset)]
    assert found[0] == MAIN
    assert found[-3:] == ["lib.deep(lib.width, slope = 0.2)", "slope = 0.2", "0.2"]
    assert all(inner in outer and inner != outer for outer, inner in pairwise(found))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_place_of_every_model(path: Path) -> None:
    document = Document(path, path.read_text(encoding="utf-8"))
    for offset in range(0, len(document.source.text), 37):
        spans = list(nested(document, offset))
        assert all(span.start <= offset <= span.end for span in spans)
    assert all(document.source.text[start:end].count("\n") for start, end, _ in folds(document))
    assert all(path.exists() for _, path in links(document))


def test_paths_lead_to_files(folder: Path) -> None:
    document = Document(
        folder / "main.net", MAIN + 'data {\n  x = csv("missing.csv")\n}\ntrain {\n  start = load("runs/a")\n}\n'
    )
    assert [(span.text, path.name) for span, path in links(document)] == [
        ('"parts/lib.net"', "lib.net"),
        ('"runs/a"', "a"),
    ]
