"""Types of inputs and targets; `?` is filled in from the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from .. import syntax
from ..graph import Type
from ..limits import MAX_SIZE
from ..records import dataclass
from .context import Context
from .params import override
from .scopes import Entry
from .suggest import did_you_mean
from .values import POISON, Poison, describe, has_node, has_poison, is_number, show

Declared = syntax.Input | syntax.Target


@dataclass(slots=True)
class Sizes:
    """The types of the data, by name (empty if it was not read), and the sizes that have names."""

    measured: Mapping[str, Type] = field(default_factory=dict)
    asked: bool = False
    broken: bool = False
    named: dict[str, int] = field(default_factory=dict)


def unknowns(declared: Declared) -> list[syntax.Unknown]:
    """The `?` of a type, in the order written."""
    type_ = declared.type
    sizes: list[syntax.Expr | syntax.Unknown] = []
    if isinstance(type_, syntax.LabelType):
        sizes.append(type_.classes)
        shape = type_.shape
    else:
        shape = type_
    if shape is not None:
        sizes.extend(shape.sizes)
    return [size for size in sizes if isinstance(size, syntax.Unknown)]


def type_of(cx: Context, declared: Declared, sizes: Sizes) -> Type | Poison:
    """The type with all sizes resolved. Named sizes are defined in the current scope."""
    written = declared.type
    measured = sizes.measured.get(declared.name.text)
    shape = written.shape if isinstance(written, syntax.LabelType) else written
    rank = len(shape.sizes) if shape is not None else 0
    if isinstance(written, syntax.LabelType) and written.keyword.text != "class":
        name, n = declared.name.text, written.classes.span.text
        types = f"`{name}: [{n}]` are {n} numbers, `{name}: class({n})` is one of {n} labels"
        help = did_you_mean(written.keyword.text, ["class"]) or (types,)
        return cx.error("E0227", f"there is no type `{written.keyword.text}`", written.keyword.span, help=help)
    if measured is not None and unknowns(declared) and len(measured.shape) != rank:
        sizes_here = f"{rank} {'size' if rank == 1 else 'sizes'}"
        return cx.error(
            "E0224",
            f"`{declared.name.text}` has {sizes_here} here, but {len(measured.shape)} in the data",
            written.span,
            label=f"the data is {measured}",
            help=[f"as the data has it: `{declared.name.text}: {_open_type(written, len(measured.shape))}`"],
        )
    classes: int | None = None
    valid = True
    if isinstance(written, syntax.LabelType):
        number_of_classes = _size(
            cx, written.classes, declared, measured.classes if measured is not None else None, sizes
        )
        valid, classes = number_of_classes is not None, number_of_classes
    numbers: list[int] = []
    for i, size in enumerate(shape.sizes if shape is not None else ()):
        number = _size(
            cx, size, declared, measured.shape[i] if measured is not None and i < len(measured.shape) else None, sizes
        )
        valid &= number is not None
        numbers.append(number or 0)
    return Type(tuple(numbers), classes) if valid else POISON


def _open_type(written: syntax.TypeExpr, rank: int) -> str:
    """The type with as many `?` as the data has axes."""
    shape = f"[{', '.join('?' * rank)}]"
    if isinstance(written, syntax.ShapeType):
        return shape
    return f"class({written.classes.span.text}){shape if rank else ''}"


def _size(
    cx: Context, size: syntax.Expr | syntax.Unknown, declared: Declared, measured: int | None, sizes: Sizes
) -> int | None:
    if isinstance(size, syntax.Unknown):
        return _unknown(cx, size, declared, measured, sizes)
    if size.span.text in ("None", "none", "null"):
        help = ["the batch axis is never written; `?` takes a size from the data"]
        cx.error("E0201", f"there is no size `{size.span.text}`", size.span, help=help)
        return None
    value = cx.static(size)
    if has_poison(value):
        return None
    if not is_number(value):
        message = f"a size is a whole number, but this is {describe(value)}"
        cx.error("E0316" if has_node(value) else "E0310", message, size.span)
    elif value != int(value):
        cx.error("E0311", f"a size must be whole, but this is {show(value)}", size.span)
    elif not 1 <= value <= MAX_SIZE:
        limit = "at least 1" if value < 1 else f"at most {MAX_SIZE:,}"
        help = ["`?` takes a size from the data; the batch axis is never written"] if value == -1 else []
        cx.error("E0312", f"a size must be {limit}, but this is {show(value)}", size.span, help=help)
    else:
        return int(value)
    return None


def _unknown(cx: Context, size: syntax.Unknown, declared: Declared, measured: int | None, sizes: Sizes) -> int | None:
    number: int | None = None
    name = size.name
    if name is not None and name.text in cx.shared.overrides:
        number = _override(cx, name.text)
    elif measured is not None:
        number = measured
    elif not sizes.broken:
        _not_known(cx, size, declared, sizes)
    if name is not None:
        cx.define(Entry("size", name, POISON if number is None else number))
        if number is not None:
            sizes.named[name.text] = number
    return number


def _override(cx: Context, name: str) -> int | None:
    value, span = override(cx, name, cx.shared.overrides[name], default=0)
    if value is POISON:
        return None
    if not is_number(value) or value != int(value) or not 1 <= value <= MAX_SIZE:
        cx.error("E0311", f"the size `{name}` must be a whole number from 1 up", span)
        return None
    return int(value)


def _not_known(cx: Context, size: syntax.Unknown, declared: Declared, sizes: Sizes) -> None:
    written = size.span.text
    if sizes.asked:
        message = f"the data does not say how large `{written}` of `{declared.name.text}` is"
        if isinstance(declared.type, syntax.LabelType) and size is declared.type.classes:
            message = f"the data of `{declared.name.text}` is not a column of classes"
        cx.error("E0224", message, size.span)
        return
    help = "write the size as a number, or read it in `data`"
    if size.name is not None:
        help += f"; `--set {size.name.text}=10` gives it on the command line"
    cx.error("E0223", f"the size `{written}` comes from the data, but there is none", size.span, help=[help])
