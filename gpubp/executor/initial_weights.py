"""Initial weights from another run, or from a safetensors file of another library."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from ..errors import CheckpointError
from ..frontend import Net, cannot_start, chosen_weights, require_start
from ..wording import named
from .checkpoint import read_weights
from .run_states import result_of

_TURNED = "other libraries lay their axes in another order: here [in, out], and [height, width, in, out]"


def initial_weights(net: Net, dtype: str, free: Callable[[], int | None]) -> dict[str, Any]:
    """The weights, in `dtype`, and the statistics that the file starts from: those of a run, or of a safetensors file
    by the same names, of at most `free()` bytes; none without `start`. Raises NetError, at the place in the file, if
    they do not exist or do not fit."""
    start = require_start(net)
    if start is None:
        return {}
    import numpy as np

    place, memory = net.base / start.path, free()
    try:
        arrays = result_of(place, memory).state if place.is_dir() else read_weights(place, memory)
    except CheckpointError as error:
        help = "" if place.is_dir() else "weights of other libraries are read from what `safetensors` writes"
        raise cannot_start(net, str(error), help=help) from None
    wanted = {name: (one.shape, dtype) for name, one in net.layout.parameters.items()}
    wanted |= {name: (one.shape, one.dtype) for name, one in net.buffers.items()}
    option: Literal["path", "only"] = "only" if start.only else "path"
    weights: dict[str, Any] = {}
    for name in chosen_weights(net, start.only):
        there, (shape, kind) = arrays.get(name), wanted[name]
        if there is None:
            raise cannot_start(net, f"`{start.path}` has no `{name}`", option, _instead(wanted, arrays))
        if there.shape != shape:
            message = f"`{name}` has shape {list(there.shape)} in `{start.path}`, and {list(shape)} here"
            turned = there.ndim > 1 and sorted(there.shape) == sorted(shape)
            raise cannot_start(net, message, option, _TURNED if turned else "")
        if there.dtype.kind != "f":
            raise cannot_start(net, f"`{name}` in `{start.path}` is of {there.dtype}, not floating-point", option)
        with np.errstate(over="ignore"):
            weights[name] = there.astype(kind)
        if not np.isfinite(weights[name]).all():
            message = f"`{name}` in `{start.path}` holds numbers that are not finite in {kind}"
            raise cannot_start(net, message, option)
    return weights


def _instead(wanted: Collection[str], arrays: Mapping[str, Any]) -> str:
    """A fix for missing weights: those that exist, or their names."""
    both = sorted({*wanted} & arrays.keys())
    if both:
        return f"`only = [...]` names what to take, of {named(both)}"
    return f"its arrays are {named(sorted(arrays)) or 'none'}; those of this net are {named([*wanted])}"
