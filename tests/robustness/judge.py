"""What must hold of the answer to any text: findings, each fit to be shown, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import gpubp
from dsl.diagnostics import Diagnostic
from dsl.graph import Data, Type
from dsl.render import to_json, to_text
from dsl.resolve import resolve
from dsl.source import Source, Span
from gpubp.frontend.catalog import catalog

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "models", ROOT / "tests" / "dsl" / "examples")
MODELS = tuple(path for folder in FOLDERS for path in sorted(folder.glob("*.net")))

CODE = re.compile(r"(E|W)0[1-5]\d\d")
LEAKS = re.compile(
    r"<\w[\w.]* object|Traceback|\bNoneType\b|mappingproxy|\bdsl\.\w|\bgpubp\.\w+\.|frozenset\(|Word\(|Span\("
)
"""What shows that a message was made of Python's own words."""
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LONGEST_MESSAGE = 1_000
MAX_FINDINGS = 250


def world(folder: Path) -> None:
    """Fill `folder` with what the models import and read: the examples, and small data of the models."""
    for path in MODELS:
        shutil.copy(path, folder)
    (folder / "data").mkdir()
    for path in sorted((ROOT / "models" / "data").glob("*.csv*")):
        if path.stat().st_size < 50_000:
            shutil.copy(path, folder / "data")


def model_texts() -> tuple[str, ...]:
    """The texts of all models and examples, in a fixed order."""
    return tuple(path.read_text(encoding="utf-8") for path in MODELS)


_catalog = cache(catalog)


def resolved(text: str) -> str:
    """What is wrong with the way `dsl.resolve` answers a text, over gpubp's own catalogue; "" where nothing is."""
    try:
        graph, found = resolve(Source("m.net", text), _catalog(), measure=_measure, read=_read)
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    if (graph is None) != any(one.severity == "error" for one in found):
        return "errors and no error: the graph is there, and it is not"
    return fault(found)


def loaded(text: str) -> str:
    """What is wrong with the way `gpubp.loads` answers a text; "" where nothing is. Reads what lies in the working
    directory."""
    try:
        net = gpubp.loads(text, "m.net")
    except gpubp.NetError as error:
        if not any(one.severity == "error" for one in error.diagnostics):
            return "NetError without an error"
        return fault(error.diagnostics)
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    net.summary()
    return fault(net.warnings)


def _measure(
    data: Data, wanted: Mapping[str, Literal["float", "class"]], targets: frozenset[str]
) -> Mapping[str, Type]:
    return {
        name: Type((3,) if kind == "float" else (), 3 if kind == "class" else None) for name, kind in wanted.items()
    }


def _read(path: str) -> str:
    text = _IMPORTS.get(os.path.basename(path))
    if text is None:
        raise FileNotFoundError(2, "No such file or directory", path)
    return text


_IMPORTS = {path.name: path.read_text(encoding="utf-8") for path in MODELS if path.stem in ("blocks", "resnet", "xor")}


def fault(found: tuple[Diagnostic, ...] | list[Diagnostic]) -> str:
    """Why these findings cannot be shown to a person; "" where they can."""
    if len(found) > MAX_FINDINGS:
        return f"{len(found)} findings"
    return next((f"{one.code} {one.message!r}: {why}" for one in found for why in [_fault(one)] if why), "")


def _fault(one: Diagnostic) -> str:
    if CODE.fullmatch(one.code) is None or (one.code[0] == "E") != (one.severity == "error"):
        return f"the code does not fit the severity {one.severity}"
    for words in (one.message, one.label, *(label.text for label in one.labels), *one.notes, *one.help):
        why = _words(words)
        if why:
            return f"{why} in {words!r}"
    if not one.message or "" in one.notes or "" in one.help:
        return "empty words"
    if one.message[0].isupper() and not one.message.startswith("U+"):
        return "starts with a capital"
    for span in (one.span, *(label.span for label in one.labels)):
        if span is not None and not 0 <= span.start <= span.end <= len(span.source.text):
            return f"the span {span.start} to {span.end} lies outside of its text"
    return _shown(one)


def _words(words: str) -> str:
    if words.endswith(".") and not words.endswith("...") and not words.endswith(".."):
        return "a full stop"
    if words != words.strip() or len(words) > LONGEST_MESSAGE:
        return f"{len(words)} characters, blanks at the ends"
    return "Python" if LEAKS.search(words) else ""


def _shown(one: Diagnostic) -> str:
    try:
        plain, colored, data = to_text(one), to_text(one, color=True), to_json(one)
        if CONTROL.search(plain):
            return "a control character reaches the terminal"
        if re.sub(r"\x1b\[[0-9;]*m", "", colored) != plain:
            return "the colored text is another one"
        json.dumps(data)
        plain.encode("utf-8")
    except Exception as error:
        return f"cannot be shown: {type(error).__name__}: {error}"
    return "" if all(map(_inside, (one.span, *(label.span for label in one.labels)))) else "the line does not exist"


def _inside(span: Span | None) -> bool:
    return span is None or span.source.position(span.end)[0] <= span.source.text.count("\n") + 1
