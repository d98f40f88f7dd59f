"""Export of a trained net as a C file, for programs without Python."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..data import Encoder
from ..errors import GpubpError
from ..executor import Executor
from ..frontend import answers, build, describe, no_form_in_c
from ..ir import Var
from ..passes import specialised
from ..render import CannotExportError, Slot, Told, portable_source
from .checkpoint import write
from .environment import VERSION
from .folder import source_name
from .loaded import LoadedRun
from .run import Run

MOST = 64
"""Columns or classes of one argument that are listed; beyond that, the first `FEW` and the last."""
FEW = 16


def export(run: Run | LoadedRun, path: str | os.PathLike[str]) -> None:
    """Export a trained net as one C file, `path`, for programs without Python; it needs a C11 compiler and libm. In
    `digits.c` the function is `int digits_predict(inputs..., outputs...)`; it takes one example in the format of
    `predict` and computes the same numbers; the comment at the top documents the rest. Raises GpubpError for a path
    that does not end in `.c`, NetError (E0506) if the net needs an operation without a C form, SaveError."""
    place = Path(path)
    write(place, exported(run, function_name(place)).encode())


def function_name(path: Path) -> str:
    """The prefix of names in a C file: the file's own name, converted to an identifier. Raises GpubpError."""
    if path.suffix != ".c":
        raise GpubpError(f"`{path}` is no .c file: a net is exported as one file of C, as `net.c`")
    return identifier(path.stem)


def identifier(text: str) -> str:
    """An identifier of letters, digits and underscores that starts with a letter."""
    plain = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in plain).strip("_")
    return name if name[:1].isalpha() else f"net_{name}" if name else "net"


def exported(run: Run | LoadedRun, name: str) -> str:
    """The text of the file, with names prefixed by `name`. Raises NetError."""
    import numpy as np

    executor = run.executor
    net, arrays, backend = executor.net, executor.arrays(), executor.backend
    executor.compiled("predict", 1)  # it allocates all state that it needs
    built = build(net, "predict", 1, executor.dtype)
    states = built.program.inputs[len(built.feeds) :]
    encoders = run.columns if isinstance(run, LoadedRun) else run.dataset.encoders
    with backend.running():
        program, values = specialised(built.program, {v: backend.to_host(arrays[v.hint]) for v in states}, np)
        told = Told(
            tuple(_title(run, name)),
            [_input(node, executor, encoders.get(node.label or node.name)) for node in net.graph.inputs],
            [_output(out, v, answers(net), encoders) for out, v in zip(built.outputs, program.outputs, strict=True)],
        )
        try:
            return portable_source(program, values, built.hints, describe, name, told, np)
        except CannotExportError as error:
            raise no_form_in_c(error.eqn) from None


def _title(run: Run | LoadedRun, name: str) -> Iterator[str]:
    folder = run.path if isinstance(run, LoadedRun) else run.folder
    where = f" of {folder}" if folder is not None else ""
    yield f"{name}.c: the net of {source_name(run.executor.net)} after step {run.executor.step:,}{where}."
    yield f"Written by gpubp {VERSION}: `gpubp export` writes it anew."


def _input(node: Any, executor: Executor, encoder: Encoder | None) -> Slot:
    name, classes = node.label or node.name, node.type.classes
    dtype = "int32" if classes is not None else executor.dtype
    return Slot(name, node.type.shape, dtype, classes, tuple(_columns(encoder, classes)) if encoder else ())


def _columns(encoder: Encoder, classes: int | None) -> Iterator[str]:
    """How an input's numbers are encoded from the data file."""
    if classes is not None:
        if encoder.words:
            yield f"0, 1, ... stand for {_listed(encoder.words)}"
        return
    numbers = [(field.name, word) for field in encoder.fields for word in field.words or ("",)]
    heads = [f"{name} = {word} (1 or 0)" if word else name for name, word in numbers]
    if heads and not encoder.mean:
        rows = f"{moments[1] - moments[0]} rows of " if (moments := encoder.moments) else ""
        yield f"{rows}the column{'s' * (len(heads) > 1)} {_listed(heads)}"
    if encoder.scale != 1:
        whose = "the numbers of the data, " if not heads else ""
        yield f"{whose}each{' but those of 1 or 0' if encoder.onehot else ''} times {encoder.scale!r}"
    pairs = list(zip(encoder.mean, encoder.deviation, strict=True))
    if pairs:
        yield f"{'then ' if encoder.scale != 1 else ''}each less its mean, divided by its deviation:"
    for k, (mean, deviation) in enumerate(pairs[:MOST]):
        yield f"[{k}]{f' {heads[k]}' if heads else ''}: {mean!r}, {deviation!r}"
    if len(pairs) > MOST:
        yield f"... and {len(pairs) - MOST:,} more, which the run's env.json has"


def _output(name: str, value: Var, known: Mapping[str, str], encoders: Mapping[str, Encoder]) -> Slot:
    target = known.get(name)
    encoder = encoders.get(target) if target is not None else None
    about = [f"the probabilities of {target}: {_listed(encoder.vocabulary)}"] if encoder is not None else []
    return Slot(name, value.shape[1:], value.dtype, None, about)


def _listed(words: Sequence[str]) -> str:
    shown = [_shown(word) for word in (words if len(words) <= MOST else (*words[:FEW], words[-1]))]
    if len(words) > MOST:
        shown[-1] = f"... {shown[-1]} ({len(words):,} in all)"
    return ", ".join(shown)


def _shown(word: str) -> str:
    """A class name as shown in a list: in quotes, or as character codes."""
    if not word.isprintable():
        return " ".join(f"U+{ord(c):04X}" for c in word)
    return word if word.strip(" ,") == word != "" else f"'{word}'"
