"""What a backend is: an array module and the few things that array modules do differently."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from ..ir import Var
from ..passes import Plan
from ..render import CSource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Loop(Protocol):
    """A loop over many steps on its memory (gpubp.render.c.source)."""

    def __call__(
        self,
        rows: Sequence[Any],
        order: Any | None,
        batch: int,
        first: int,
        steps: int,
        results: Sequence[Any],
        rest: Any | None = None,
    ) -> int:
        """Take all `rows`, in batches of `batch` rows, as they stand or in an `order`, which has those of one epoch or
        of several one behind the other; `first`: the number of the first step, within the epoch. `rest`: the loop of
        the smaller batch that ends each epoch; without it, no such batch is come to. `results`: arrays for the results
        of `steps` steps. How many were done before the guard stopped one."""

    def takes(self, rest: Any) -> bool:
        """Whether that loop can be its `rest`."""


class Kernels(Protocol):
    """Compiled functions, which are bound to their memory before they are called."""

    def bind(self, name: str, arena: Any, tables: Any) -> Callable[[], int]:
        """The function `name` on its memory, ready to call."""

    def bind_many(self, name: str, arena: Any, tables: Any) -> Loop:
        """The loop `name` on its memory."""


BindCopies = Callable[[Sequence[Any]], Callable[..., None]]
"""Gives, for the arrays of states of several copies of a program, one more axis in front, and its constants, the loop
over many steps of all of them: called with arrays of rows (a list), the order in which each copy takes them (or None),
the number of the first row, that of steps, the bools that say which copies go on, the arrays for the results (a list,
each (copies, width)), and the first of their columns to fill. What a copy computes are the bits of a single one; see
`lanes_source` of gpubp.render for the rest."""


class Backend(Protocol):
    """Runs rendered programs on the arrays of `xp`."""

    name: str
    place: str
    """What opens this device again: `cpu`, or `gpu:N`."""
    description: str
    """For people: the device and the library, for example `CPU (NumPy 2.4)`."""

    @property
    def xp(self) -> Any:
        """The array module."""

    compiles: bool
    """Whether it can compile kernels."""
    modes: frozenset[str]
    """The modes of the programs that it compiles, where it can."""

    algorithms: dict[str, int]
    """What was chosen by its time, by what it was chosen for: numbers of algorithms. Those that are here are taken, and
    others are added when they are chosen."""

    def kernels(self) -> str:
        """Which compiler makes kernels, and of what, as far as bytes depend on it; empty where none does."""

    worth: float
    """Seconds of a program's work without compiled kernels, for each of its pieces, from which on these are made; 0: at
    once."""
    call: float
    """Floating-point operations of one call of a loop over many steps, which Ctrl-C waits for."""
    near: float
    """Bytes of values that are at hand for the next operation much sooner than others."""

    def source(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        collect: Sequence[Var] = (),
        *,
        unfused: bool = False,
    ) -> CSource:
        """The text of a plan's kernels, in the language of its compiler; with `unfused` a function for each."""

    def library(self, source: CSource) -> Kernels | None:
        """Its compiled functions; None where this backend has none."""

    def copies(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        collect: Sequence[Var],
    ) -> tuple[CSource, BindCopies] | None:
        """The text of a loop over many steps of several copies of a plan's program, compiled, and what binds it; None
        where this backend has none, or it would not pay."""

    def asarray(self, values: Any, dtype: str | None = None) -> Any:
        """Values as an array on this device. Raises InputError for an array of another device that may not be copied
        silently."""

    def arena(self, size: int) -> Any:
        """Fresh memory on this device: `size` bytes, the first at a multiple of 64."""

    def zeros(self, shape: tuple[int, ...], dtype: str) -> Any:
        """A fresh array of zeros, the first at a multiple of 64 bytes: threads that write to parts of it which begin
        at such multiples write to no line of a cache together."""

    def take(self, array: Any, rows: Any, out: Any) -> None:
        """Copy the rows of an array that `rows` names, all of which exist, to `out`, without memory in between."""

    def free_memory(self) -> int | None:
        """Bytes that this device can still give; None where that is not known."""

    def finish(self) -> None:
        """Wait until all that this device was asked for is done."""

    def to_host(self, array: Any) -> NDArray[np.generic]:
        """A NumPy copy of an array of this device."""

    def products(self, largest: int) -> AbstractContextManager[object]:
        """What steps run inside of whose largest matrix product takes so many floating-point operations."""

    def running(self) -> AbstractContextManager[object]:
        """What programs run inside of: this device is the thread's, and overflow makes inf and NaN without a warning,
        for the training loop looks at the results."""
