"""The state and the programs of a net on a device, as trainings and inspections use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..errors import GpubpError, positive
from ..frontend import GUARD, MODES, PRECISIONS, SEED, STEP, Mode, Net, build, required
from .device_choice import choose_backend
from .evaluation import accumulate, finish_metrics
from .feeding import Data, Rows, place
from .guard import rejected_step, require_finite
from .initial_weights import initial_weights
from .machine import Compiled, Machine, Programs
from .memory import require_memory
from .prediction import rows_per_piece
from .state import State
from .updates import fit_statistics, run_updates

CHUNK = 4096
"""Maximum rows per evaluation call."""


class Core:
    """What an Executor is made of: the state in the form of programs, and the machine that runs them."""

    # Slots, so that `executor.lr = 0.1` is refused, not forgotten.
    __slots__ = ("__weakref__", "_asked", "_machine", "_piece", "_state", "backend", "dtype", "net", "programs")

    def __init__(
        self,
        net: Net,
        device: str = "auto",
        precision: str | None = None,
        seed: int | None = None,
        backend: str = "auto",
        programs: Programs | None = None,
        *,
        start: bool = True,
    ) -> None:
        self.net = required(net)
        precision = precision or net.precision
        if precision not in PRECISIONS:
            raise GpubpError(f"there is no precision `{precision}`: it is one of {', '.join(PRECISIONS)}")
        self.dtype = PRECISIONS[precision]
        seed = int(net.option("seed", 0)) if seed is None else positive(seed, "the seed", 0)
        self._asked = device, precision, seed, backend
        self.programs = Programs(choose_backend(net, device, backend, precision)) if programs is None else programs
        self.backend = self.programs.backend
        require_memory(net, self.backend, self.dtype, 1)
        self._piece = rows_per_piece(net, self.backend.near, self.dtype)
        with self.backend.running():
            self._state = State(net, self.backend, self.dtype, seed)
            self._machine = Machine(
                lambda mode, batch, fit: build(net, mode, batch, self.dtype, fit), self.programs, self._state.arrays
            )
        if start:
            self.start_from()

    @property
    def xp(self) -> Any:
        """The array module: numpy or cupy."""
        return self.backend.xp

    @property
    def precision(self) -> str:
        """`float32`, `float64` or `tf32`."""
        return self._asked[1]

    @property
    def seed(self) -> int:
        """Of all random draws, and of the order of the rows."""
        with self.backend.running():
            return int(self._state.arrays[SEED])

    @property
    def step(self) -> int:
        """Number of updates so far."""
        with self.backend.running():
            return int(self._state.arrays[STEP])

    def start_from(self, weights: Mapping[str, Any] | None = None) -> None:
        """Begin with `weights` by name, all or some, and with statistics among them, which `fit` then keeps; without
        any, with those that the file's `start` names, if it does, as a new executor does. Raises InputError for values
        that do not fit, NetError, at the place in the file, if what it names does not exist or does not fit."""
        with self.backend.running():
            if weights is None:
                self._state.start(initial_weights(self.net, self.dtype, self.backend.free_memory))
            else:
                self._state.start(self._state.checked(weights, statistics=True))

    def adopt(self, arrays: Mapping[str, Any]) -> None:
        """Load the state of a restart: arrays by name, as programs take them."""
        with self.backend.running():
            self._state.adopt(arrays)

    def load_to_predict(self, state: Mapping[str, Any]) -> None:
        """Load what predictions need of a `state_dict`, which leaves out most of the optimizer's state: several times
        the size of the parameters. Raises CheckpointError, changing nothing, if it belongs to another net."""
        with self.backend.running():
            self._state.load(state, "predict")

    def snapshot(self) -> Callable[[], None]:
        """A function that restores the current state from a copy on the device, whatever programs add to it later."""
        with self.backend.running():
            arrays = {name: self.xp.array(array) for name, array in self._state.arrays.items()}

        def restore() -> None:
            with self.backend.running():
                self._state.restore(arrays)

        return restore

    def arrays(self) -> Mapping[str, Any]:
        """All state as programs take it, by name: live arrays."""
        return MappingProxyType(self._state.arrays)

    def require_finite(self) -> None:
        """Raise DivergedError if a parameter is not finite, naming the first."""
        with self.backend.running():
            require_finite(self._state.parameters(), self.xp, self.step)

    def _measure(self, data: Data, batch: int, repeats: int = 0) -> dict[str, Any]:
        self.net.require_loss()
        self.require_statistics("measure")
        with self.backend.running():
            return finish_metrics(
                *accumulate(self._machine, self.place(data), positive(batch, "batch"), repeats=repeats)
            )

    def place(self, data: Data) -> Rows:
        """Validate data and move it to the device, for many calls of `run_steps` and `evaluate`; a stream stays where
        it is, and is validated as it is read."""
        with self.backend.running():
            return place(self.backend, (*self.net.graph.inputs, *self.net.graph.targets), data, self.dtype)

    def run_steps(self, placed: Rows, steps: int, batch: int) -> tuple[Any, Any, list[int]]:
        """As `train_steps` on placed data: the data losses, the penalties, and the rows of each batch."""
        self.net.require_loss()
        steps, batch = positive(steps, "steps"), positive(batch, "batch")
        with self.backend.running():
            self.fit_first(placed)
            return run_updates(self._machine, self._state, placed, steps, batch, self._require_gradient)

    def require_statistics(self, mode: Mode) -> None:
        """Raise GpubpError if a program of this mode needs statistics of the training rows, and there are none."""
        if not self._state.fitted:
            with self.backend.running():
                self._state.require_statistics(self._machine.compiled(mode, 2).built)

    def fit_first(self, placed: Rows) -> None:
        """Compute the statistics from placed rows, if that has not been done."""
        if not self._state.fitted:
            with self.backend.running():
                fit_statistics(self._machine, self._state, placed, CHUNK)

    def _require_gradient(self, outputs: Mapping[str, Any]) -> None:
        """Raise DivergedError after a step that the guard rejected; it changed nothing."""
        if not bool(outputs[GUARD]):
            raise rejected_step(self.net, outputs, self.xp, self.step + 1)

    def compiled(self, mode: Mode, batch: int) -> Compiled:
        """The program for a mode (predict, measure, gradients, train) and batch size, its plan and its source."""
        if mode not in MODES:
            raise GpubpError(f"there is no mode `{mode}`: it is one of {', '.join(MODES)}")
        batch = positive(batch, "batch")
        if mode not in ("predict", "fit"):
            self.net.require_loss()
        with self.backend.running():
            return self._machine.compiled(mode, batch)
