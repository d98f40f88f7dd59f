"""Readers of arrays of numbers: `npy`, `npz`, `idx`. Rows are the first axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dsl.source import Span

from ..registry import Flag, OptionType, Real, Text, register
from ..wording import counted, listed
from .array_files import MAGIC, ZIP, Archive, check_size, read_array, read_header, read_idx
from .array_rows import ArraySource, assemble, finite, no_rows
from .checks import problem
from .dataset import ReadResult, Request
from .encoders import Encoder
from .files import find_file, read_bytes, unreadable
from .options import OptionalNames, OptionalShape, OptionalText, Options, texts
from .stream import Segment

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGE = 1 << 30
"""Bytes from which an npy file is streamed where nothing is said, 1 GiB."""

Streamed = Annotated[Any, OptionType(("word", "flag"), words=("auto",))]


@register("reader", "npy")
def npy(
    request: Request,
    *,
    path: Text,
    target: OptionalText = None,
    test: OptionalNames = None,
    scale: Real = 1.0,
    reshape: OptionalShape = None,
    standardize: Flag = False,
    stream: Streamed = "auto",
) -> ReadResult:
    """An array (rows, ...) of numbers from an .npy file, for the first name; `target`: the file for the second.

    `test`: files whose rows are for testing only, one per name. `scale`, `standardize`: as for `csv`.
    `reshape`: the shape for every name with that many elements.
    `stream`: whether the file stays on disk and is read in shuffled blocks, for arrays larger than memory; `auto` does
    so from 1 GiB. Arrays of Python objects are refused. Raises DiagnosticError.
    """
    told = stream if isinstance(stream, bool) else None

    def open_one(name: str, span: Span) -> ArraySource:
        return _open_npy(request.base, name, span, told)

    return _files(request, open_one, path, test, Options(target, None, scale, reshape, standardize))


@register("reader", "idx")
def idx(
    request: Request,
    *,
    path: Text,
    target: OptionalText = None,
    test: OptionalNames = None,
    scale: Real = 1.0,
    reshape: OptionalShape = None,
    standardize: Flag = False,
    source: OptionalNames = None,
) -> ReadResult:
    """An array (rows, ...) of numbers from an IDX file (the format of MNIST), plain or gzipped, for the first name;
    `target`: the file for the second.

    `test`: files whose rows are for testing only, one per name. `scale`, `standardize`: as for `csv`.
    `reshape`: the shape for every name with that many elements.
    `source`: where to get the files, one or more strings, shown as help if a file is missing. Raises DiagnosticError.
    """

    def open_one(name: str, span: Span) -> ArraySource:
        raw = read_bytes(request.base, name, span, texts(source))
        return ArraySource(name, span, read_idx(raw, name, span))

    return _files(request, open_one, path, test, Options(target, None, scale, reshape, standardize))


@register("reader", "npz")
def npz(
    request: Request,
    *,
    path: Text,
    columns: OptionalNames = None,
    test: OptionalNames = None,
    scale: Real = 1.0,
    reshape: OptionalShape = None,
    standardize: Flag = False,
) -> ReadResult:
    """Arrays (rows, ...) of numbers from an .npz file (NumPy's `savez`): each name gets the array of that name.

    `columns`: other names of the arrays, one entry per name.
    `test`: a second file with the same arrays, or a list of arrays in the same file, one per name, whose rows are for
    testing only. `scale`, `standardize`: as for `csv`.
    `reshape`: the shape for every name with that many elements. Raises DiagnosticError.
    """
    names = request.entry.names
    keys = _texts(request, columns, "columns", len(names), "name") if columns is not None else list(names)
    sources = _members(request, path, "path", keys, "columns" if columns is not None else "path")
    if isinstance(test, str):
        tests = _members(request, test, "test", keys, "test")
    else:
        asked = _texts(request, test, "test", len(names), "name") if test is not None else []
        tests = _members(request, path, "path", asked, "test")
    return assemble(request, sources, tests, Options(None, columns, scale, reshape, standardize))


def _members(request: Request, path: str, option: str, keys: Sequence[str], asked: str) -> list[ArraySource]:
    """The arrays `keys` of an archive; those of names that nobody wants are not read."""
    span = request.span(option)
    if not keys:
        return []
    archive = Archive(read_bytes(request.base, path, span), path, span)
    found = []
    for name, key in zip(request.entry.names, keys, strict=True):
        if name in request.wants:
            values = archive.read(key, request.span(asked))
            found.append(ArraySource(f"{path}`, array `{key}", span, values))
    return found


def _open_npy(base: Path, name: str, span: Span, told: bool | None) -> ArraySource:
    path = find_file(base, name, span)
    try:
        size = path.stat().st_size
        if not (size >= LARGE if told is None else told):
            return ArraySource(name, span, read_array(read_bytes(base, name, span), name, span))
        with path.open("rb") as file:
            header = read_header(file, name, span)
    except OSError as error:
        raise unreadable(name, span, error) from None
    check_size(header, size - header.offset, name, span)
    if header.fortran and len(header.shape) > 1:
        message = f"`{name}` lies column by column (Fortran order), and cannot be read row by row"
        raise problem("E0422", message, span, help="save it again: `numpy.save(path, numpy.ascontiguousarray(array))`")
    if not header.shape:
        raise no_rows(name, span)
    values = Segment(path, header.offset, header.dtype, header.shape[0], header.shape[1:])
    return ArraySource(name, span, values)


def _files(
    request: Request,
    open_one: Callable[[str, Span], ArraySource],
    path: str,
    test: object,
    options: Options,
) -> ReadResult:
    """One file for each name: `path`, and `target` for the second."""
    names = request.entry.names
    files = [path] if options.target is None else [path, options.target]
    if len(files) != len(names):
        message = f"{counted(len(files), 'file')} for {counted(len(names), 'name')}: {listed(names)}"
        help = 'the second name has a file of its own: `target = "..."`' if len(names) == 2 else "each file has a name"
        raise problem("E0411", message, request.entry.value_span, help=help)
    tests = [] if test is None else _texts(request, test, "test", len(names), "file")
    sources: list[list[ArraySource]] = []
    for given, asked in ((files, ("path", "target")), (tests, ("test", "test"))):
        kept = [(f, o) for n, f, o in zip(names, given, asked) if n in request.wants]
        sources.append([open_one(file, request.span(option)) for file, option in kept])
    return assemble(request, sources[0], sources[1], options)


def _texts(request: Request, option: Any, name: str, count: int, what: str) -> list[str]:
    found = list(option) if isinstance(option, tuple | list) else [option]
    if len(found) != count or not all(isinstance(item, str) for item in found):
        message = f"`{name}` takes {counted(count, what)} here, one for each of {listed(request.entry.names)}"
        raise problem("E0411", message, request.span(name))
    return found


# New rows


def new_rows(path: str, span: Span, start: bytes, encoders: Mapping[str, Encoder]) -> dict[str, NDArray[Any]]:
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
        source = ArraySource(f"{path}`, array `{name}" if start.startswith(ZIP) else path, span, values)
        found[name] = _array(source, name, encoders[name])
    counts = {name: len(rows) for name, rows in found.items()}
    if len(set(counts.values())) > 1:
        each = ", ".join(f"{n:,} in `{name}`" for name, n in counts.items())
        raise problem("E0420", f"the arrays of `{path}` differ in their rows: {each}", span)
    return found


def _array(source: ArraySource, name: str, encoder: Encoder) -> NDArray[Any]:
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
