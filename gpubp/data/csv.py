"""The reader `csv`: tables of numbers and labels in delimited text, plain or packed by gzip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite, prod
from typing import TYPE_CHECKING, Annotated, Any

from dsl.graph import Type, Word
from gpubp.registry import Columns, Flag, OptionType, Real, Text, register

from .cells import Cells, read_cells
from .checks import counted, listed, problem
from .columns import choose, find, mentioned
from .dataset import Read, Request
from .labels import Place, encode
from .sheet import Sheet, open_sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray

OptionalText = Annotated[str | None, OptionType(("string",))]
OptionalShape = Annotated[Sequence[int] | None, OptionType(("wholes",), minimum=1)]
Header = Annotated[Any, OptionType(("word", "flag"), words=("auto",))]


@register("reader", "csv")
def csv(
    request: Request,
    *,
    path: Text,
    target: OptionalText = None,
    columns: Columns = None,
    test: OptionalText = None,
    scale: Real = 1.0,
    reshape: OptionalShape = None,
    standardize: Flag = False,
    header: Header = "auto",
    delimiter: OptionalText = None,
) -> Read:
    """Rows of numbers and labels from a delimited text file (RFC 4180), plain or gzip, UTF-8.

    `target`: the column of the last of two names; the first gets all others.
    `columns`: one entry per name: a column, a pattern with `*`, a list of these, or `rest`.
    `test`: a second file with the same columns, whose rows are for testing only.
    `scale` multiplies the inputs that are numbers; then `standardize` brings them to mean 0 and deviation 1, over the
    training rows.
    `reshape`: the shape of every name that has as many columns as it has elements.
    `header`: `true`, `false` (the columns are "1", "2" ...), or `auto`: the first row is one if it holds no number, or
    a column that `target` or `columns` mentions.
    `delimiter`: a character, or found among comma, semicolon, tab and bar.

    Every cell must be a finite number, every label a word or a whole number. Raises DiagnosticError (E0411 to E0419).
    """
    if not isfinite(scale) or scale == 0:
        raise problem("E0411", f"`scale` is {scale}; a finite number other than 0 is wanted", request.span("scale"))
    if delimiter is not None and (
        len(delimiter) != 1 or delimiter in '"\r\n \\' or (not delimiter.isprintable() and delimiter != "\t")
    ):
        raise problem("E0411", "`delimiter` is not a single character that can part cells", request.span("delimiter"))
    told = None if isinstance(header, (str, Word)) else bool(header)
    named = mentioned(target, columns)
    main = open_sheet(request.base, path, request.span("path"), delimiter=delimiter, header=told, named=named)
    chosen = choose(request, main, target, columns)
    sheets = [(main, chosen)]
    if test is not None:
        other = open_sheet(
            request.base, test, request.span("test"), delimiter=delimiter, header=main.header, named=named
        )
        sheets.append((other, _same(request, main, other, chosen)))
    cells = [(sheet, picks, _read(request, sheet, picks)) for sheet, picks in sheets]
    return _assemble(request, cells, scale=scale, reshape=reshape, standardize=standardize)


def _same(request: Request, main: Sheet, other: Sheet, chosen: dict[str, list[int]]) -> dict[str, list[int]]:
    """The columns of the test file that bear the names of those chosen in the main one."""
    if not main.header and len(other.names) != len(main.names):
        message = f"`{other.path}` has {counted(len(other.names), 'column')}, `{main.path}` has {len(main.names)}"
        raise problem("E0415", message, other.span)
    wanted = {name: columns for name, columns in chosen.items() if name in request.wants}
    return {name: find(request, other, [main.names[i] for i in columns], "test") for name, columns in wanted.items()}


def _read(request: Request, sheet: Sheet, picks: dict[str, list[int]]) -> Cells:
    wanted = {"float": set[int](), "class": set[int]()}
    for name, want in request.wants.items():
        wanted[want.kind].update(picks[name])
    return read_cells(sheet, sorted(wanted["float"]), sorted(wanted["class"]))


def _assemble(
    request: Request,
    read: list[tuple[Sheet, dict[str, list[int]], Cells]],
    *,
    scale: float,
    reshape: Sequence[int] | None,
    standardize: bool,
) -> Read:
    import numpy as np

    result = Read({}, {}, {}, sum(cells.rows for _, _, cells in read[1:]))
    reshaped = False
    for name, want in request.wants.items():
        width = len(read[0][1][name])
        shape: tuple[int, ...] = (width,)
        if reshape is not None and prod(reshape) == width:
            shape, reshaped = tuple(reshape), True
        table: NDArray[Any]
        classes: int | None = None
        if want.kind == "float":
            table = np.concatenate(
                [np.stack([cells.numbers[i] for i in picks[name]], axis=1) for _, picks, cells in read], axis=0
            )
            if want.feature and scale != 1:
                table *= scale
            if want.type is not None and want.type.shape == () and shape == (1,):
                shape = ()
        else:
            parts, classes, words = encode(
                name, want, [Place(sheet, cells, picks[name]) for sheet, picks, cells in read]
            )
            table = np.concatenate(parts, axis=0)
            if words:
                result.classes[name] = words
            if shape == (1,) and (want.type is None or want.type.shape != (1,)):
                shape = ()
        result.columns[name] = table.reshape(len(table), *shape)
        result.types[name] = Type(shape, classes)
        result.sources[name] = tuple(read[0][0].names[i] for i in read[0][1][name])
    if reshape is not None and not reshaped and request.wants:
        widths = listed([f"{name}: {len(read[0][1][name])}" for name in request.wants])
        message = f"no name has the {counted(prod(reshape), 'column')} that `reshape` wants ({widths})"
        raise problem("E0418", message, request.span("reshape"))
    if standardize:
        floats = {name for name, want in request.wants.items() if want.feature and want.kind == "float"}
        return replace(result, standardize=frozenset(floats))
    return result
