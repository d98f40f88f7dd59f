"""The context in which equations are recorded: their origin, and whether values have a truth value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from dsl.records import dataclass

current_origin: ContextVar[object] = ContextVar("origin", default=None)
truthless: ContextVar[bool] = ContextVar("truthless", default=False)


@contextmanager
def no_truth() -> Iterator[None]:
    """Inside the block, taking the truth value of a `Var` raises TypeError: its numbers are not known."""
    token = truthless.set(True)
    try:
        yield
    finally:
        truthless.reset(token)


@contextmanager
def origin(source: object) -> Iterator[None]:
    """Set the origin of the equations recorded inside the block."""
    token = current_origin.set(source)
    try:
        yield
    finally:
        current_origin.reset(token)


@dataclass(frozen=True, slots=True)
class Back:
    """The origin of backward equations: `source` is that of the forward ones."""

    source: object


def source_of(origin: object) -> object:
    """The source of forward or backward equations."""
    return origin.source if isinstance(origin, Back) else origin
