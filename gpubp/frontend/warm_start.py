"""Warm start, `load`: initial weights from a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from dsl.diagnostics import Diagnostic
from dsl.records import dataclass

from ..errors import NetError
from ..registry import OptionType, Text, lookup, register
from .net import Net

Paths = Annotated[Sequence[str], OptionType(("paths",))]


@dataclass(frozen=True, slots=True)
class Start:
    """A run whose weights are the initial ones; `only`: places of the model, all if empty."""

    path: str
    only: tuple[str, ...]


@register("start", "load")
def load(*, path: Text, only: Paths = ()) -> Start:
    """Start with the weights and statistics of a run, a path relative to the folder of the `.net` file; `only`: of
    these values, stages or layers. A safetensors file from another library works, too, if its arrays have the names and
    shapes of this net's: `gpubp.Executor(net, start=False).state_dict()` shows them."""
    return Start(path, tuple(only))


def start_of(net: Net) -> Start | None:
    """The run whose weights the file starts from."""
    choice = net.graph.choice("start")
    if choice is None:
        return None
    start: Start = lookup("start", choice.name).function(**choice.options)
    return start


def require_start(net: Net) -> Start | None:
    """The same. Raises NetError, at the place in the file, if it does not exist, or has nothing to give."""
    start = start_of(net)
    if start is None:
        return None
    if not (net.base / start.path).exists():
        help = "paths start in the folder of the `.net` file; `gpubp runs` lists the runs; or leave `start` out"
        raise cannot_start(net, f"`{start.path}` does not exist", help=help)
    for place in start.only:
        if not chosen_weights(net, (place,)):
            raise cannot_start(net, f"`{place}` has no weights", "only")
    return start


def chosen_weights(net: Net, places: Sequence[str]) -> list[str]:
    """The names of weights and statistics in some places of the model, of all if none is given."""
    names = (*net.layout.parameters, *net.buffers)
    within = [n for n in names if any(n == place or n.startswith(f"{place}.") for place in places)]
    return within if places else list(names)


def cannot_start(net: Net, message: str, option: Literal["path", "only"] = "path", help: str = "") -> NetError:
    """The error for weights that cannot be used."""
    choice = net.graph.choice("start")
    assert choice is not None
    span = choice.option_spans.get(option, choice.span)
    return NetError([Diagnostic("E0505", message, span, help=(help,) if help else ())])
