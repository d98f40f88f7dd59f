"""The entries of a `data` section: each read by its reader, and checked against what the model says of its names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any, Literal, TypeVar

from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.graph import Choice, Data, DataEntry, Type

from ..registry import lookup
from ..wording import listed
from . import inline
from .checks import problem, suggestion
from .dataset import ReadResult, Request, Want
from .split import column_of
from .stream import Stored

T = TypeVar("T")
STREAM = "`npy(..., stream = true)` reads an array where it is used, a block at a time"
KEPT = 1 << 26
"""Maximum number of bytes of rows that stay in memory for the next net of a study: more are read again for each."""


def measure(
    data: Data, wanted: Mapping[str, Literal["float", "class"]], base: Path, targets: Collection[str] = ()
) -> dict[str, Type]:
    """The types of the `wanted` names as the data has them; paths start in `base`. `targets`: those of them
    that are to be learned.

    Raises DiagnosticError with all that is wrong. Rows written out are measured without numpy.
    """
    wants = {name: Want(kind, feature=name not in targets) for name, kind in wanted.items()}
    found: list[Diagnostic] = unfed(data, wants)
    types: dict[str, Type] = {}
    for request in _requests(data, wants, base):
        if request.wants:
            types.update(_gather(found, _types, request) or {})
    if found:
        raise DiagnosticError(*found)
    return types


def unknown(data: Data, wants: Mapping[str, Want]) -> list[Diagnostic]:
    """Errors for names that are not wanted, or given twice."""
    found: list[Diagnostic] = []
    seen: set[str] = set()
    for entry in data.entries:
        for name, span in zip(entry.names, entry.name_spans, strict=True):
            if name in seen:
                found += problem("E0410", f"`{name}` is given data twice", span).diagnostics
            elif name not in wants:
                help = suggestion(name, wants)
                found += problem("E0410", f"`{name}` is neither an input nor a target", span, help=help).diagnostics
            seen.add(name)
    return found


def unfed(data: Data, wants: Mapping[str, Want]) -> list[Diagnostic]:
    """Errors for names that are wanted and that no entry gives."""
    fed = {name for entry in data.entries for name in entry.names}
    found: list[Diagnostic] = []
    for name, want in wants.items():
        if name not in fed:
            found += problem("E0410", f"`data` has nothing for `{name}`", want.span or data.span).diagnostics
    return found


class Readings:
    """Reads the entries of `data` sections for the nets of a study, which mostly are one section: its rows are kept, at
    most KEPT bytes, and not read again for a net that wants the same of them."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[Any, ...], list[tuple[DataEntry, ReadResult]]] | None = None
        self._versions: list[tuple[Path, int, int]] = []

    def see(self, places: Iterable[Path]) -> None:
        """Forget the rows if one of their files has changed since; `places`: these files, or their folders."""
        versions: list[tuple[Path, int, int]] = []
        for place in places:
            for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
                with suppress(OSError):  # whoever reads it says what is wrong
                    about = file.stat()
                    versions.append((file, about.st_mtime_ns, about.st_size))
        if versions != self._versions:
            self._versions, self._kept = versions, None

    def read(
        self, found: list[Diagnostic], data: Data, wants: Mapping[str, Want], base: Path, seed: int
    ) -> list[tuple[DataEntry, ReadResult]]:
        """What the reader of each entry gives, in arrays that are read-only; what is wrong with it goes to `found`.
        `seed` is that of readers that draw."""
        key = data.entries, column_of(data.split), dict(wants), base
        if self._kept is not None and self._kept[0] == key:
            return self._kept[1]
        self._kept = None  # before others are read beside it
        reads: list[tuple[DataEntry, ReadResult]] = []
        for request in _requests(data, wants, base, seed):
            read = _gather(found, _checked, request)
            if read is not None:
                reads.append((request.entry, read))
        columns = [rows.values for _, read in reads for rows in read.rows.values()]
        arrays = [column for column in columns if not isinstance(column, Stored)]
        for array in arrays:
            array.flags.writeable = False
        size = sum(array.nbytes for array in arrays)
        if not found and size <= KEPT and not any(read.drawn for _, read in reads):
            self._kept = key, reads
        return reads


def _requests(data: Data, wants: Mapping[str, Want], base: Path, seed: int = 0) -> list[Request]:
    by = column_of(data.split)
    return [
        Request(entry, {name: wants[name] for name in entry.names if name in wants}, base, seed, index, by)
        for index, entry in enumerate(data.entries)
    ]


def _gather(found: list[Diagnostic], work: Callable[[Request], T], request: Request) -> T | None:
    """The work's result; what it finds wrong goes to `found`, so that one run shows the errors of all entries."""
    try:
        return work(request)
    except DiagnosticError as error:
        found.extend(error.diagnostics)
    except MemoryError:
        names = listed(request.entry.names)
        found += problem(
            "E0425", f"{names}: the data does not fit into memory", request.entry.value_span, help=STREAM
        ).diagnostics
    return None


def _types(request: Request) -> dict[str, Type]:
    if not isinstance(request.entry.value, Choice):
        return inline.types(request)
    return {name: own.encoder.type for name, own in _read(request).rows.items()}


def _read(request: Request) -> ReadResult:
    value = request.entry.value
    if not isinstance(value, Choice):
        return inline.read(request)
    try:
        reader = lookup("reader", value.name)
    except KeyError:
        raise problem("E0411", f"there is no reader `{value.name}`", value.span) from None
    read: ReadResult = reader.function(request, **value.options)
    return read


def _checked(request: Request) -> ReadResult:
    """What the reader gives, if its shapes are those declared."""
    read = _read(request)
    for name, want in request.wants.items():
        shape = read.rows[name].encoder.shape
        assert want.type is not None
        if shape != want.type.shape:
            message = f"`{name}` has shape {Type(shape)} in the data, its type is {want.type}"
            help = _mend(want.type, shape, request, name)
            raise problem("E0418", message, request.entry.value_span, labels=want.declared, help=help)
    return read


def _mend(type: Type, shape: tuple[int, ...], request: Request, name: str) -> str:
    if prod(shape) == prod(type.shape) and isinstance(request.entry.value, Choice) and type.shape:
        return f"`reshape = {list(type.shape)}`"
    if len(shape) == len(type.shape) == 1 and type.classes is None:
        return f"`{name}: {Type(shape)}`, or `{name}: [?]` for as many as the data has"
    return ""
