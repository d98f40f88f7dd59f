"""First values of parameters."""

from __future__ import annotations

import hashlib
from typing import Any

from dsl.diagnostics import Diagnostic
from dsl.graph import Choice

from ..data.seeds import Purpose, generator
from ..errors import NetError, ShapeError
from ..registry import lookup
from .layout import Parameter


def first_value(parameter: Parameter, seed: int) -> Any:
    """The first value of a parameter, a float64 NumPy array, from a random stream of its own: it does not change when
    other layers come or go.

    Raises NetError where its initialiser does not fit its shape.
    """
    stream = int.from_bytes(hashlib.sha256(parameter.name.encode()).digest()[:8])
    init: Any = parameter.init
    options: dict[str, Any] = {}
    if isinstance(init, Choice):
        init, options = init.name, dict(init.options)
    elif not isinstance(init, str):
        init, options = "constant", {"value": init}
    try:
        return lookup("initializer", init).function(generator(seed, Purpose.INIT, stream), parameter.shape, **options)
    except (ShapeError, ValueError, OverflowError) as error:
        place = parameter.place
        spans = place.attr_spans if place is not None else {}
        span = next((s for key, s in spans.items() if key.endswith("init")), place.span if place is not None else None)
        raise NetError([Diagnostic("E0304", f"`{parameter.name}`: {error}", span)]) from None
