"""The executor: a net on a device, with its parameters, optimizer state and counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..data import Stream
from ..errors import GpubpError, positive
from ..frontend import GUARD, MODES, PRECISIONS, SEED, STEP, Mode, Net, build, fed_to_fit, required, tables
from .device_choice import choose_backend
from .evaluation import accumulate, finish_metrics
from .feeding import Data, Rows, place
from .guard import rejected_step, require_finite
from .initial_weights import initial_weights
from .machine import Compiled, Machine, Programs
from .memory import require_memory
from .parameters import Parameters
from .prediction import predict_rows, rows_per_piece
from .profile import Profile, profile
from .standalone import source
from .state import State
from .updates import fit_statistics, run_updates

CHUNK = 4096
"""Maximum rows per evaluation call."""


class Executor:
    """Runs the programs of a net on one device.

    `device`: cpu, gpu, gpu:N, or auto: a GPU if one works, except for a tiny net that is estimated to be faster on the
    CPU. `precision` (float32, float64, tf32) and `seed` default to the file's; tf32 is float32 whose matrix products a
    GPU may compute on tensor cores, from inputs rounded to a 10-bit mantissa; other devices treat it as float32.
    `backend`, for the CPU: numpy, native (kernels compiled by a C compiler, by COMMAND in native:COMMAND), or auto: the
    training program is compiled once enough steps, and validation once enough epochs, have run to make it worthwhile;
    for a GPU: cupy (CuPy's own kernels only), or auto (kernels compiled by NVRTC). Programs are built for each (mode,
    batch size) on first use; `programs`: those of an executor whose net differs in seed and split alone. `start`: False
    leaves out the weights that the file's `start` loads, if another state is loaded next. Calls from several threads
    queue, also those of executors that share programs. Raises DeviceError, GpubpError if the net does not fit into
    memory, NetError for its weights.
    """

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
        if seed >= 1 << 63:
            raise GpubpError(f"the seed is {seed}; it must be from 0 to 2^63 - 1")
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
            self.load_start()

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, by `copy` or pickle, is an independent executor with this state, on a device chosen the same way."""
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
        """Of all random draws, and of the order of the rows."""
        with self.backend.running():
            return int(self._state.arrays[SEED])

    @property
    def step(self) -> int:
        """Number of updates so far."""
        with self.backend.running():
            return int(self._state.arrays[STEP])

    @property
    def parameters(self) -> Parameters:
        """Every parameter by name, in data-flow order, weight before bias: a dictionary of live views. Writing to one
        changes the net, and so does `parameters[name] = array`, which is `set_parameters({name: array})`."""
        return Parameters(self._state.parameters(), self.set_parameters)

    @property
    def fitted(self) -> bool:
        """Whether there are statistics of the training rows, if layers such as `standardize` need any: see `fit`."""
        return self._state.fitted

    @property
    def counters(self) -> Mapping[str, float]:
        """The scalars of training state, as numbers: `step`, `seed`, `rate_scale` and whatever a schedule needs.
        `set_counters` writes them."""
        with self.backend.running():
            return MappingProxyType({name: self._state.arrays[name].item() for name in self._state.counters})

    def set_counters(self, values: Mapping[str, float]) -> None:
        """Write some of `counters`; those that this net does not have are ignored. Raises InputError for a name that no
        net has, and then changes nothing."""
        with self.backend.running():
            self._state.set_counters(values)

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Copy values into some or all parameters; any dtype and layout, exactly the shape. Optimizer state is kept; a
        moving average of the parameters restarts from the values. Raises InputError, and then changes nothing."""
        with self.backend.running():
            self._state.set(values)

    def state_dict(self) -> dict[str, Any]:
        """NumPy copies of everything that a resume needs: parameters, statistics, counters, and the optimizer's state
        by parameter."""
        with self.backend.running():
            return {name: self.backend.to_host(array) for name, array in self._state.all().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` returned. Raises CheckpointError, changing nothing, if it belongs to another net."""
        with self.backend.running():
            self._state.load(state)

    def load_start(self) -> None:
        """Load what the file's `start` names, if anything, as a new executor does: weights, and statistics that `fit`
        then keeps. Raises NetError, at the place in the file, if it does not exist or does not fit."""
        with self.backend.running():
            self._state.start(initial_weights(self.net, self.dtype, self.backend.free_memory()))

    def adopt(self, arrays: Mapping[str, Any]) -> None:
        """Load the state of a restart: arrays by name, as programs take them."""
        with self.backend.running():
            self._state.adopt(arrays)

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

    # Evaluation --------------------------------------------------------------------------------------------------
    def predict(self, inputs: Any, batch: int = CHUNK) -> Any:
        """The outputs for rows of inputs, in evaluation mode: {name: array (n, *shape)}, or the array itself if the
        input was passed bare and there is one output. At most `batch` rows are computed at a time."""
        with self.backend.running():
            return predict_rows(self._machine, self.net, inputs, min(positive(batch, "batch"), self._piece))

    def loss(self, batch: Mapping[str, Any]) -> float:
        """The total loss including penalties, in evaluation mode, as the mean over the rows."""
        metrics = self.evaluate(batch)
        return metrics["loss"] + metrics["penalty"]

    def require_finite(self) -> None:
        """Raise DivergedError if a parameter is not finite, naming the first."""
        with self.backend.running():
            require_finite(self.parameters, self.xp, self.step)

    def evaluate(self, data: Data, batch: int = CHUNK, *, repeats: int = 0) -> dict[str, float]:
        """The data loss (`loss`), the penalties (`penalty`) and each metric over all rows, in evaluation mode, `batch`
        rows at a time. `repeats`: how often that was done before: often enough, and a CPU compiles the program."""
        metrics, excluded = self._measure(data, batch, repeats), tables(self.net.graph)
        return {name: value for name, value in metrics.items() if name not in excluded}

    def tables(self, data: Data, batch: int = CHUNK) -> dict[str, list[list[int]]]:
        """Each metric that is a table, such as `confusion`, over all rows, in evaluation mode."""
        wanted = tables(self.net.graph)
        return {name: value for name, value in self._measure(data, batch).items() if name in wanted} if wanted else {}

    def _measure(self, data: Data, batch: int, repeats: int = 0) -> dict[str, Any]:
        self.net.require_loss()
        with self.backend.running():
            return finish_metrics(
                *accumulate(self._machine, self.place(data), positive(batch, "batch"), repeats=repeats)
            )

    # Training ----------------------------------------------------------------------------------------------------
    def gradients(self, batch: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
        """The total loss in training mode and its gradient with respect to each parameter; changes nothing."""
        self.net.require_loss()
        with self.backend.running():
            placed = self.place(batch)
            (arrays,) = placed.pieces(len(placed))
            results = dict(self._machine.run("gradients", len(placed), arrays).outputs)
            return float(results.pop("loss")), {name: self.xp.array(g) for name, g in results.items()}

    def train_step(self, batch: Mapping[str, Any]) -> float:
        """One update. Returns the total loss before it."""
        self.net.require_loss()
        with self.backend.running():
            placed = self.place(batch)
            self.fit_first(placed)
            self._state.require_horizon(self._machine.compiled("train", len(placed)).built)
            (arrays,) = placed.pieces(len(placed))
            outputs = self._machine.run("train", len(placed), arrays, step=self.step).outputs
            self._require_gradient(outputs)
            return float(outputs["data"]) + float(outputs["penalty"])

    def train_steps(self, data: Mapping[str, Any], steps: int, batch: int = 64) -> Any:
        """`steps` updates on batches drawn from `data`, which is validated and moved to the device once. Rows are
        visited in the order of `shuffle`, a new one each epoch, continuing from the step counter; an epoch's last batch
        may be smaller, and a full batch is not shuffled. Returns the total losses before the updates, an array
        (steps,)."""
        with self.backend.running():
            data_losses, penalties, _ = self.run_steps(self.place(data), steps, batch)
            return data_losses + penalties

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

    def profile(self, data: Mapping[str, Any] | Stream, batch: int = 64) -> Profile:
        """Profile a training step on the first `batch` rows, by kernel; the state does not change."""
        self.net.require_loss()
        placed, batch = self.place(data), positive(batch, "batch")
        with self.backend.running():
            self.fit_first(placed)
            self._state.set_horizon(-(-len(placed) // batch))
            return profile(self._machine, placed, self.dtype, self.step, batch)

    def _require_gradient(self, outputs: Mapping[str, Any]) -> None:
        """Raise DivergedError after a step that the guard rejected; it changed nothing."""
        if not bool(outputs[GUARD]):
            raise rejected_step(self.net, outputs, self.xp, self.step + 1)

    def fit(self, rows: Mapping[str, Any] | Stream) -> None:
        """Compute the statistics of layers such as `standardize` from the training rows, replacing old ones, but not
        those that the file's `start` loads. Targets are needed if a loss has statistics (`weights = balanced`). The
        first training call does this automatically."""
        with self.backend.running():
            nodes = fed_to_fit(self.net, self.net.fitted)
            if isinstance(rows, Mapping):
                rows = {name: rows[name] for node in nodes if (name := node.label or node.name) in rows}
            fit_statistics(self._machine, self._state, place(self.backend, nodes, rows, self.dtype), CHUNK)

    def fit_first(self, placed: Rows) -> None:
        """Compute the statistics from placed rows, if that has not been done."""
        if not self.fitted:
            with self.backend.running():
                fit_statistics(self._machine, self._state, placed, CHUNK)

    # Programs ----------------------------------------------------------------------------------------------------
    def compiled(self, mode: Mode, batch: int) -> Compiled:
        """The program for a mode (predict, measure, gradients, train) and batch size, its plan and its source."""
        if mode not in MODES:
            raise GpubpError(f"there is no mode `{mode}`: it is one of {', '.join(MODES)}")
        batch = positive(batch, "batch")
        if mode not in ("predict", "fit"):
            self.net.require_loss()
        with self.backend.running():
            return self._machine.compiled(mode, batch)

    def source(self, mode: Mode, batch: int, data: Mapping[str, Any] | None = None) -> str:
        """The program for a mode and batch size as a standalone Python script, with the current state and rows of
        `data` inlined if they are small."""
        return source(self._state, self.compiled(mode, batch), mode, batch, data)


def _restored(net: Net, device: str, precision: str, seed: int, backend: str, state: Mapping[str, Any]) -> Executor:
    executor = Executor(net, device, precision, seed, backend, start=False)
    executor.load_state_dict(state)
    return executor
