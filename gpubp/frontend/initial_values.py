"""Initial values of parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from dsl.diagnostics import Diagnostic, Label
from dsl.graph import Choice
from dsl.source import Span

from ..errors import NetError, ShapeError
from ..registry import ENTRIES, lookup
from ..seeds import Purpose, generator
from .layout import Parameter


def initial_value(parameter: Parameter, seed: int) -> Any:
    """The initial value of a parameter, a float64 NumPy array, from its own random stream: it does not change if other
    layers are added or removed.

    Raises NetError if its initialiser does not match its shape.
    """
    stream = int.from_bytes(hashlib.sha256(parameter.name.encode()).digest()[:8])
    init: Any = parameter.init
    options: dict[str, Any] = {}
    if isinstance(init, Choice):
        init, options = init.name, dict(init.options)
    elif not isinstance(init, str):
        init, options = "constant", {"value": init}
    if ("initializer", init) not in ENTRIES:
        raise NetError(
            [Diagnostic("E0304", f"`{parameter.name}`: there is no initialiser `{init}`", _written(parameter))]
        )
    try:
        value = lookup("initializer", init).function(generator(seed, Purpose.INIT, stream), parameter.shape, **options)
    except MemoryError:
        raise
    except Exception as error:
        # an external initialiser may raise anything; the message must name the place in the file
        said = str(error) if isinstance(error, ShapeError | ValueError | OverflowError) else f"{error!r}"
        raise NetError([Diagnostic("E0304", f"`{parameter.name}`: {said}", _written(parameter))]) from error
    shape, kind = getattr(value, "shape", None), getattr(getattr(value, "dtype", None), "kind", "")
    if shape != parameter.shape or kind not in "fiu":
        gives = f"an array of shape {list(shape)}" if shape is not None and kind in "fiu" else "no array of numbers"
        message = (
            f"`{parameter.name}`: the initialiser `{init}` gives {gives}, the weight needs {list(parameter.shape)}"
        )
        raise NetError([Diagnostic("E0304", message, _written(parameter))])
    return value


def shape_mismatch(parameter: Parameter) -> Diagnostic | None:
    """The diagnostic for literal initial values whose shape differs from the weight's."""
    init = parameter.init.options.get("value") if isinstance(parameter.init, Choice) else parameter.init
    shape: list[int] = []
    first = init
    while isinstance(first, tuple):
        shape.append(len(first))
        first = first[0] if first else 0.0
    if not shape or tuple(shape) == parameter.shape:
        return None
    message = f"`{parameter.name}`: these numbers have shape {shape}, the weight needs {list(parameter.shape)}"
    place, span = parameter.place, _written(parameter)
    labels = (Label(place.attr_spans["units"], "so many units"),) if place and "units" in place.attr_spans else ()
    help = f"one number for all of them, or numbers of shape {list(parameter.shape)}"
    return Diagnostic("E0304", message, span, labels=labels, help=(help,))


def _written(parameter: Parameter) -> Span | None:
    """The place that specifies the initial value, or else the parameter's own."""
    place = parameter.place
    if place is None:
        return None
    spans: Mapping[str, Span] = place.attr_spans
    last = parameter.name.rpartition(".")[2]
    keys = [f"{last}_init", "init", *spans]
    return next((spans[key] for key in keys if key in spans and key.endswith("init")), place.span)
