"""The interface of backends: an array module, and what array modules do differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from ..ir import Var
from ..passes import Plan
from ..render import CSource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Loop(Protocol):
    """A compiled loop over many steps, bound to its memory (gpubp.render.c.source)."""

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
        """Run `steps` steps on batches of `batch` of the `rows`, in sequence or permuted by `order`, which covers one
        epoch or several consecutive ones. `first`: the number of the first step within the epoch. `rest`: the loop for
        the smaller last batch of each epoch, if there is one. `results`: arrays for the results of the steps. Returns
        how many steps were done before the guard stopped one."""

    def takes(self, rest: Any) -> bool:
        """Whether another loop can be its `rest`."""


class Kernels(Protocol):
    """Compiled functions, to be bound to their memory."""

    def bind(self, name: str, arena: Any, tables: Any) -> Callable[[], int]:
        """Bind the function `name` to its memory."""

    def bind_many(self, name: str, arena: Any, tables: Any) -> Loop:
        """Bind the loop `name` to its memory."""


class LoopOfCopies(Protocol):
    """A compiled loop over many steps of several copies of a program, bound to its memory. Each copy is bit-identical
    to a single one; see `lanes_source` of gpubp.render."""

    def __call__(
        self,
        rows: Sequence[Any],
        order: Any | None,
        start: int,
        steps: int,
        going: Any,
        results: Sequence[Any],
        column: int,
        rest: Any | None = None,
        epoch: int = 0,
    ) -> None:
        """Run `steps` steps of the copies that are `going`, an array of bools. `order`: the permutations of the `rows`,
        one per copy; `start`: the index of the first row; `results`: arrays (copies, width) for the results of the
        steps, `column` the first to fill. `rest`: the loop for the smaller last batch of each epoch of `epoch` rows, if
        there is one."""

    def takes(self, rest: Any) -> bool:
        """Whether another loop can be its `rest`."""


BindCopies = Callable[[Sequence[Any]], LoopOfCopies]
"""Binds such a loop to the states of the copies, which have a leading axis, and to the constants."""


def batches_of(first: int, steps: int, whole: int) -> Iterator[tuple[int, bool]]:
    """Steps from number `first` of an epoch on, divided where epochs of `whole` batches and a smaller one are: how many
    steps, and whether that is the smaller batch."""
    end = first + steps
    while first < end:
        number = first % (whole + 1)
        count = min(whole - number, end - first) or 1
        yield count, number == whole
        first += count


class Backend(Protocol):
    """Runs rendered programs on the arrays of `xp`."""

    name: str
    place: str
    """The name by which `select` finds this device: `cpu`, or `gpu:N`."""
    description: str
    """For people: the device and the library, for example `CPU (NumPy 2.4)`."""

    @property
    def xp(self) -> Any:
        """The array module."""

    compiles: bool
    """Whether it can compile kernels."""
    modes: frozenset[str]
    """The modes of programs that are compiled, if it compiles."""

    algorithms: dict[str, int]
    """Algorithms chosen by measurement: their numbers, by the problem. Entries are used as they are; new choices are
    added."""

    def kernels(self) -> str:
        """Which compiler compiles which programs, as far as results depend on it; empty without one."""

    compile_threshold: float
    """A program is compiled once it has run uncompiled for this many seconds per fusion; 0: at once."""
    max_call_flops: float
    """Maximum floating-point operations of one call of a loop over many steps: Ctrl-C waits for its end."""
    near: float
    """Bytes of fast memory (cache) that consecutive operations should fit into."""

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
        """The source of a plan's kernels; with `unfused`, kernels are separate functions, and not fused further."""

    def library(self, source: CSource) -> Kernels | None:
        """Its compiled functions; None if this backend does not compile, or compiling failed."""

    def copies(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        collect: Sequence[Var],
    ) -> tuple[CSource, BindCopies] | None:
        """The source of a loop over many steps of several copies of a program, compiled, and the function that binds
        it; None if this backend has none, or it would not be faster."""

    def asarray(self, values: Any, dtype: str | None = None) -> Any:
        """Values as an array on this device. Raises InputError for an array on another device, rather than copying it
        silently."""

    def arena(self, size: int) -> Any:
        """New memory on this device: `size` bytes, aligned to 64."""

    def zeros(self, shape: tuple[int, ...], dtype: str) -> Any:
        """A new array of zeros, aligned to 64 bytes, so that threads that write to aligned parts of it never share a
        cache line."""

    def take(self, array: Any, rows: Any, out: Any) -> None:
        """Gather `rows`, valid indices, of an array into `out`, without temporary memory."""

    def orders(self, n: int, seeds: Sequence[int], epoch: int, epochs: int) -> Any:
        """For each of several seeds the orders of `n` rows in so many epochs from one on, one behind the other: int64
        (seeds, epochs * n), as gpubp.seeds.shuffled makes them, whoever does."""

    def free_memory(self) -> int | None:
        """Free memory of this device in bytes; None if unknown."""

    def finish(self) -> None:
        """Wait until this device has finished all work."""

    def to_host(self, array: Any) -> NDArray[np.generic]:
        """A copy of an array of this device in NumPy."""

    def products(self, largest: int) -> AbstractContextManager[object]:
        """The context in which steps run; `largest`: the operations of their largest matrix product."""

    def running(self) -> AbstractContextManager[object]:
        """The context in which programs run, one call at a time (CallContext), because executors may share programs and
        with them scratch memory: this device is current, and overflow yields inf and NaN without warnings, since the
        training loop checks the results."""
