"""The executor: a net on a device, with its parameters, optimizer state and counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from operator import index
from types import MappingProxyType
from typing import Any, TypeAlias

from ..backends import Backend
from ..data import Stream
from ..errors import DivergedError, GpubpError, positive
from ..frontend import GUARD, MODES, PRECISIONS, SEED, STEP, Mode, Net, build, check_feeds, fed_to_fit, required, tables
from .active import Active
from .alone import source
from .choice import choose
from .feeding import Rows, place
from .gathered import figures, gather
from .guard import refused, require_finite
from .machine import Compiled, Machine
from .memory import require_memory
from .parameters import Parameters
from .predicting import outputs_of, piece
from .profile import Profile, profile
from .state import State
from .updates import updates

Data: TypeAlias = Mapping[str, Any] | Stream | Rows
CHUNK = 4096
"""Most rows that evaluation takes at once."""


class Executor:
    """Runs the programs of a net on one device.

    `device`: cpu, gpu, gpu:N, or auto, a GPU where one works, but the CPU for a tiny net that is estimated to be
    quicker there. `precision` (float32, float64, tf32) and `seed` are the file's where None: tf32 are numbers of
    float32 whose matrix products a GPU may make by its tensor cores, from factors rounded to 10 bits; other devices
    take it as float32. `backend`, for the CPU: numpy, native (kernels compiled by a C compiler, by COMMAND in
    native:COMMAND), or auto: the training program is compiled after as many steps, and that of validation after as many
    epochs, as make it worth while; for a GPU: cupy (CuPy's own kernels alone), or auto (kernels compiled by NVRTC).
    Programs are made for each (mode, batch size) when first needed. Calls from several threads queue. Raises
    DeviceError where the device cannot be used, GpubpError where the net does not fit into its memory, NetError where a
    weight cannot be drawn.
    """

    def __init__(
        self,
        net: Net,
        device: str = "auto",
        precision: str | None = None,
        seed: int | None = None,
        backend: str = "auto",
    ) -> None:
        self.net = required(net)
        precision = precision or net.precision
        if precision not in PRECISIONS:
            raise GpubpError(f"there is no precision `{precision}`: it is one of {', '.join(PRECISIONS)}")
        self.dtype = PRECISIONS[precision]
        seed = int(net.option("seed", 0)) if seed is None else index(seed)
        if not 0 <= seed < 1 << 63:
            raise GpubpError(f"the seed is {seed}; it must be from 0 to 2^63 - 1")
        self._asked = device, precision, seed, backend
        self.backend: Backend = choose(net, device, backend, precision)
        require_memory(net, self.backend, self.dtype, 1)
        self._piece = piece(net, self.backend.near, self.dtype)
        self._active = Active(self.backend)
        with self._active:
            self._state = State(net, self.backend, self.dtype, seed)
            self._machine = Machine(
                lambda mode, batch, fit: build(net, mode, batch, self.dtype, fit), self.backend, self._state.arrays
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, by `copy` or pickle, is an executor of its own, with this state, on a device chosen as this one's."""
        return _restored, (self.net, *self._asked, self.state_dict())

    def __repr__(self) -> str:
        return f"<Executor of {self.net!r} on {self.backend.description}, {self.precision}, step {self.step:,}>"

    # State -------------------------------------------------------------------------------------------------------
    @property
    def xp(self) -> Any:
        """The array module: numpy or cupy."""
        return self.backend.xp

    @property
    def precision(self) -> str:
        """float32, float64 or tf32."""
        return self._asked[1]

    @property
    def seed(self) -> int:
        """Of all draws, and of the order of the rows."""
        with self._active:
            return int(self._state.arrays[SEED])

    @property
    def step(self) -> int:
        """Number of updates so far."""
        with self._active:
            return int(self._state.arrays[STEP])

    @property
    def parameters(self) -> Parameters:
        """Every parameter by name, in data-flow order, weight before bias: a dictionary of live views. Writing to one
        changes the net, and so does `parameters[name] = array`, which is `set_parameters({name: array})`."""
        return Parameters(self._state.parameters(), self.set_parameters)

    @property
    def counters(self) -> Mapping[str, float]:
        """The scalars that the training keeps, as numbers: `step`, `seed`, `rate_scale` and what a schedule needs.
        `set_counters` writes them."""
        with self._active:
            return MappingProxyType({name: self._state.arrays[name].item() for name in self._state.counters})

    def set_counters(self, values: Mapping[str, float]) -> None:
        """Write some of `counters`; those that this net does not keep are left out. Raises InputError for a name that
        no net has, and then changes nothing."""
        with self._active:
            self._state.set_counters(values)

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Copy values into some or all parameters; any type and layout, exactly the shape. What the optimizer keeps
        stays as it is; a moving average of the parameters begins anew at the values. Raises InputError, and then
        changes nothing."""
        with self._active:
            self._state.set(values)

    def state_dict(self) -> dict[str, Any]:
        """NumPy copies of everything that a resume needs: parameters, statistics, counters, and the optimizer's state
        by parameter."""
        with self._active:
            return {name: self.backend.to_host(array) for name, array in self._state.all().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. Raises CheckpointError, and then changes nothing, where it is of another
        net."""
        with self._active:
            self._state.load(state)

    def adopt(self, arrays: Mapping[str, Any]) -> None:
        """Take over the state of a restart: arrays by name, as programs take them."""
        with self._active:
            self._state.adopt(arrays)

    def kept(self) -> Callable[[], None]:
        """What puts all state back to what it is now, from a copy on the device; a program that has not run yet may
        add to it afterwards."""
        with self._active:
            return partial(self.adopt, {name: self.xp.array(array) for name, array in self._state.arrays.items()})

    def arrays(self) -> Mapping[str, Any]:
        """All state as programs take it, by name: live arrays."""
        return MappingProxyType(self._state.arrays)

    # Evaluation --------------------------------------------------------------------------------------------------
    def predict(self, inputs: Any, batch: int = CHUNK) -> Any:
        """The outputs for rows of inputs, in evaluation mode: {name: array (n, *shape)}, or the array itself where
        the input was passed bare and there is one output. At most `batch` rows are computed at a time."""
        most = min(positive(batch, "batch"), self._piece)
        with self._active:
            return outputs_of(self._machine, self.net, inputs, most)

    def loss(self, batch: Mapping[str, Any]) -> float:
        """The whole loss, penalties included, in evaluation mode, as the mean over the rows."""
        figures = self.evaluate(batch)
        return figures["loss"] + figures["penalty"]

    def require_finite(self) -> None:
        """Raise DivergedError, naming the first such parameter, where one is no longer a finite number."""
        with self._active:
            require_finite(self.parameters, self.xp, self.step)

    def evaluate(self, data: Data, batch: int = CHUNK, *, repeats: int = 0) -> dict[str, float]:
        """The data loss (`loss`), the penalties (`penalty`) and each metric over all rows, in evaluation mode, `batch`
        rows at a time. `repeats`: how many times as many rows were evaluated before; on the CPU the program is compiled
        once that is worth while."""
        found, others = self._measure(data, batch, repeats), tables(self.net.graph)
        return {name: value for name, value in found.items() if name not in others}

    def tables(self, data: Mapping[str, Any] | Stream, batch: int = CHUNK) -> dict[str, list[list[int]]]:
        """Each metric that is a table, such as `confusion`, over all rows, in evaluation mode."""
        wanted = tables(self.net.graph)
        return {name: value for name, value in self._measure(data, batch).items() if name in wanted} if wanted else {}

    def _measure(self, data: Data, batch: int, repeats: int = 0) -> dict[str, Any]:
        most = positive(batch, "batch")
        self.net.require_loss()
        with self._active:
            return figures(*gather(self._machine, self.place(data), most, repeats=repeats))

    # Training ----------------------------------------------------------------------------------------------------
    def gradients(self, batch: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
        """The whole loss in training mode and its gradient with respect to each parameter; changes nothing."""
        self.net.require_loss()
        with self._active:
            arrays, count = self._batch(batch)
            results = dict(self._machine.run("gradients", count, arrays).outputs)
            return float(results.pop("loss")), {name: self.xp.array(g) for name, g in results.items()}

    def train_step(self, batch: Mapping[str, Any]) -> float:
        """One update. Returns the whole loss before it."""
        self.net.require_loss()
        with self._active:
            self.fit_first(self.place(batch))
            arrays, count = self._batch(batch)
            self._state.require_horizon(self._machine.compiled("train", count).built)
            outputs = self._machine.run("train", count, arrays, step=self.step).outputs
            self._require_gradient(outputs)
            return float(outputs["data"]) + float(outputs["penalty"])

    def train_steps(self, data: Mapping[str, Any], steps: int, batch: int = 64) -> Any:
        """`steps` updates on batches drawn from `data`, which is checked and moved to the device once.

        Rows are visited in the order of `shuffle`, a new one each epoch, continued where the step counter stands; an
        epoch's last batch may be smaller, and one that holds all rows holds them as they stand. Returns the whole
        losses before the updates, an array (steps,).
        """
        with self._active:
            data_losses, penalties, _ = self.run_steps(self.place(data), steps, batch)
            return data_losses + penalties

    def place(self, data: Data) -> Rows:
        """Data checked and on the device, once for many calls of `run_steps` and `evaluate`; a stream stays where it
        is, and is checked as it is read."""
        with self._active:
            return place(self.backend, (*self.net.graph.inputs, *self.net.graph.targets), data, self.dtype)

    def run_steps(self, placed: Rows, steps: int, batch: int) -> tuple[Any, Any, list[int]]:
        """As `train_steps` on placed data: the data losses, the penalties, and the rows of each batch."""
        self.net.require_loss()
        steps, batch = positive(steps, "steps"), positive(batch, "batch")
        with self._active:
            self.fit_first(placed)
            return updates(self._machine, self._state, placed, steps, batch, self._require_gradient)

    def profile(self, data: Mapping[str, Any] | Stream, batch: int = 64) -> Profile:
        """Where the time of a training step on the first `batch` rows goes, by kernel; the state stays as it was."""
        self.net.require_loss()
        placed = self.place(data)
        with self._active:
            self.fit_first(placed)
            self._state.expect(-(-len(placed) // batch))
            return profile(self._machine, placed, self.dtype, self.step, batch)

    def _require_gradient(self, outputs: Mapping[str, Any]) -> None:
        """Raise DivergedError after a step that the guard refused: it changed nothing."""
        if not bool(outputs[GUARD]):
            raise DivergedError(refused(self.net, outputs, self.xp, self.step + 1))

    def fit(self, rows: Mapping[str, Any] | Stream) -> None:
        """Gather the statistics of layers such as `standardize` from the training rows, one after the other, anew.
        Targets are needed where a loss has statistics (`weights = balanced`). The first training call does it."""
        with self._active:
            nodes = fed_to_fit(self.net, self.net.fitted)
            names = [node.label or node.name for node in nodes]
            if not isinstance(rows, Stream):
                rows = {name: rows[name] for name in names if name in rows}
            self._fit(place(self.backend, nodes, rows, self.dtype))

    def fit_first(self, placed: Rows) -> None:
        """Gather the statistics from placed rows, where that has not been done."""
        if not self._state.fitted:
            with self._active:
                self._fit(placed)

    def _fit(self, placed: Rows) -> None:
        self._state.forget_statistics()
        for node in self.net.fitted:
            wanted = len(fed_to_fit(self.net, [node]))
            for arrays in placed.pieces(CHUNK):
                self._machine.run("fit", len(arrays[0]), arrays[:wanted], node)
        self._state.fitted = True

    # The machinery -----------------------------------------------------------------------------------------------
    def compiled(self, mode: Mode, batch: int) -> Compiled:
        """The program for a mode (predict, measure, gradients, train) and batch size, its plan and its text."""
        if mode not in MODES:
            raise GpubpError(f"there is no mode `{mode}`: it is one of {', '.join(MODES)}")
        batch = positive(batch, "batch")
        if mode not in ("predict", "fit"):
            self.net.require_loss()
        with self._active:
            return self._machine.compiled(mode, batch)

    def source(self, mode: Mode, batch: int, data: Mapping[str, Any] | None = None) -> str:
        """The program for a mode and batch size as a Python file that runs by itself, with the present state and rows
        of `data` as far as they are small."""
        return source(self._state, self.compiled(mode, batch), mode, batch, data)

    def _batch(self, batch: Mapping[str, Any]) -> tuple[list[Any], int]:
        return check_feeds(self.backend, (*self.net.graph.inputs, *self.net.graph.targets), batch, self.dtype)


def _restored(net: Net, device: str, precision: str, seed: int, backend: str, state: Mapping[str, Any]) -> Executor:
    executor = Executor(net, device, precision, seed, backend)
    executor.load_state_dict(state)
    return executor
