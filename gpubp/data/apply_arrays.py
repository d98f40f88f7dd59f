"""New rows of arrays and of texts, encoded as those that a net was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.source import Span

from .checks import listed, problem
from .encoders import Encoder
from .files import read_bytes, read_text
from .idx import TYPES, read_idx
from .npy import MAGIC, ZIP, Archive, read_array
from .sources import Source, finite, no_rows
from .text import encoded, tokens, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray


def is_array(start: bytes) -> bool:
    """Whether a file that begins so is npy, npz or IDX."""
    return start.startswith((MAGIC, ZIP)) or (len(start) > 2 and start[:2] == b"\0\0" and start[2] in TYPES)


def array_rows(path: str, span: Span, start: bytes, encoders: Mapping[str, Encoder]) -> dict[str, NDArray[Any]]:
    """The rows of each name in a file of arrays that begins with `start`. Raises DiagnosticError."""
    raw = read_bytes(Path(), path, span)
    if start.startswith(ZIP):
        archive = Archive(raw, path, span)
        given = {name: archive.read(name, span) for name in encoders}
    elif len(encoders) == 1:
        array = read_array(raw, path, span) if start.startswith(MAGIC) else read_idx(raw, path, span)
        given = dict.fromkeys(encoders, array)
    else:
        message = f"`{path}` contains one array, but {listed(list(encoders))} are needed"
        names = ", ".join(f"{name} = ..." for name in encoders)
        raise problem("E0411", message, span, help=f"an npz file holds several: `numpy.savez(path, {names})`")
    found = {}
    for name, values in given.items():
        source = Source(f"{path}`, array `{name}" if start.startswith(ZIP) else path, span, values)
        found[name] = _array(source, name, encoders[name])
    counts = {name: len(rows) for name, rows in found.items()}
    if len(set(counts.values())) > 1:
        each = ", ".join(f"{n:,} in `{name}`" for name, n in counts.items())
        raise problem("E0420", f"the arrays of `{path}` differ in their rows: {each}", span)
    return found


def _array(source: Source, name: str, encoder: Encoder) -> NDArray[Any]:
    import numpy as np

    values = source.values
    assert isinstance(values, np.ndarray)
    if not values.ndim or not len(values):
        raise no_rows(source.path, source.span)
    if prod(source.shape) != prod(encoder.shape):
        message = f"`{source.path}`: a row has shape {list(source.shape)}, but `{name}` is {encoder.type}"
        raise problem("E0418", message, source.span)
    if encoder.classes is None:
        finite([source])
        return encoder.numbers(values)
    known = np.array([int(word) for word in encoder.words]) if encoder.words else np.arange(encoder.classes)
    bad = np.flatnonzero(~np.isin(values.reshape(-1), known))
    if len(bad):
        message = f"{source.at(int(bad[0]))}: `{values.reshape(-1)[bad[0]]}` is no label of `{name}`"
        raise problem("E0419", message, source.span, help=f"the labels are {listed([str(k) for k in known.tolist()])}")
    return encoder.labels(values)


def text_windows(path: str, span: Span, encoders: Mapping[str, Encoder]) -> dict[str, NDArray[Any]]:
    """Windows that do not overlap; the targets are one token ahead of the inputs."""
    texts = {name: encoder for name, encoder in encoders.items() if encoder.level}
    if len(texts) < len(encoders):
        other = next(name for name in encoders if name not in texts)
        message = f"`{path}` is read as text, but `{other}` is not text"
        raise problem("E0411", message, span)
    first = next(iter(texts.values()))
    found = tokens(read_text(Path(), path, span), first.level)
    labels = encoded(found, first.words, first.unknown, path, span)
    ahead = int(len({encoder.feature for encoder in texts.values()}) > 1)
    cut = windows(path, span, labels, first.shape[0], first.shape[0], ahead)
    return {name: cut[0 if encoder.feature else ahead] for name, encoder in texts.items()}
