"""What an exported file says about its inputs and outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, TypeAlias

from dsl.records import dataclass

from ..data import Encoder
from ..executor import Executor
from ..frontend import label_targets
from ..ir import Var
from ..render import Interface, Slot
from .environment import VERSION
from .folder import source_name
from .loaded import LoadedRun
from .run import Run

MOST = 64
"""Columns or classes of one argument that are listed; beyond that, the first `FEW` and the last."""
FEW = 16


@dataclass(frozen=True, slots=True)
class BareExecutor:
    """An executor without a run, whose weights may come from anywhere: of its data nothing is known."""

    executor: Executor
    columns: Mapping[str, Encoder] = field(default_factory=dict)
    folder: Path | None = None


Source: TypeAlias = Run | LoadedRun | BareExecutor


def interface_of(run: Source, file: str, outputs: Mapping[str, Var]) -> Interface:
    """The text in a file of that name, for a net with these outputs."""
    executor = run.executor
    inputs = {node.name: node for node in executor.net.graph.inputs}
    return Interface(
        tuple(_title(run, file)),
        [_input(node, executor, run.columns.get(name)) for name, node in inputs.items()],
        [_output(name, v, run) for name, v in outputs.items()],
    )


def metadata(run: Source) -> dict[str, str]:
    """The same for programs, as JSON: `<name>.classes` of labels and of probabilities, `<name>.columns` of an input
    from a table, and the `scale`, `mean` and `deviation` with which its reader encodes the numbers; besides, `net` and
    `step`."""
    found: dict[str, Any] = {}
    for node in run.executor.net.graph.inputs:
        encoder = run.columns.get(node.name)
        if encoder is not None and encoder.classes is not None:
            found[f"{node.name}.classes"] = encoder.vocabulary
        elif encoder is not None:
            found[f"{node.name}.columns"] = _heads(encoder)
            found[f"{node.name}.scale"] = encoder.scale if encoder.scale != 1 else None
            found |= {f"{node.name}.mean": encoder.mean, f"{node.name}.deviation": encoder.deviation}
    for name, target in label_targets(run.executor.net).items():
        if target in run.columns:
            found[f"{name}.classes"] = run.columns[target].vocabulary
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in found.items() if value}
    return {"net": source_name(run.executor.net), "step": str(run.executor.step), **texts}


def _heads(encoder: Encoder, note: str = "") -> list[str]:
    """The numbers of an input from a table, by column, those that are 1 or 0 for a word with a note."""
    numbers = [(field.name, word) for field in encoder.fields for word in field.words or ("",)]
    return [f"{name} = {word}{note}" if word else name for name, word in numbers]


def _title(run: Source, file: str) -> Iterator[str]:
    folder = run.path if isinstance(run, LoadedRun) else run.folder
    where = f" of {folder}" if folder is not None else ""
    yield f"{file}: the net of {source_name(run.executor.net)} after step {run.executor.step:,}{where}."
    yield f"Written by gpubp {VERSION}: `gpubp export` writes it anew."


def _input(node: Any, executor: Executor, encoder: Encoder | None) -> Slot:
    classes = node.type.classes
    dtype = "int32" if classes is not None else executor.dtype
    return Slot(node.name, node.type.shape, dtype, classes, tuple(_columns(encoder, classes)) if encoder else ())


def _columns(encoder: Encoder, classes: int | None) -> Iterator[str]:
    """How an input's numbers are encoded from the data file."""
    if classes is not None:
        if encoder.words:
            yield f"0, 1, ... stand for {_listed(encoder.words)}"
        return
    heads = _heads(encoder, " (1 or 0)")
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


def _output(name: str, value: Var, run: Source) -> Slot:
    target = label_targets(run.executor.net).get(name)
    encoder = run.columns.get(target) if target is not None else None
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
