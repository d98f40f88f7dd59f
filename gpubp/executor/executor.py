"""The executor: a net on a device, with its parameters, optimizer state and counters."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..data import Stream
from ..errors import InputError, positive
from ..frontend import Mode, Net, fed_to_fit, tables
from .core import CHUNK, Core
from .feeding import Data, place
from .parameters import Parameters
from .prediction import predict_rows
from .profile import Profile, profile
from .standalone import source
from .updates import fit_statistics


class Executor(Core):
    """A net on a device: its parameters, its optimizer state, and the programs that run it.

    - `device`: `cpu`, `gpu`, `gpu:1` ..., or `auto`: a GPU if one works, except for a tiny net that is estimated to be
      faster on the CPU.
    - `precision`: `float32`, `float64` or `tf32`, by default the file's. `tf32` is float32 whose matrix products a GPU
      may compute on tensor cores, from inputs rounded to a 10-bit mantissa; other devices treat it as float32.
    - `seed`: of the initial weights, the order of the rows and dropout, from 0 to 2^63 - 1; by default the file's.
    - `backend`: on the CPU `numpy`, `native` (kernels compiled by a C compiler, by COMMAND in `native:COMMAND`), or
      `auto`: programs are compiled once they have run often enough to make it worthwhile. On a GPU `cupy` (CuPy's own
      kernels only), or `auto` (kernels compiled by NVRTC).
    - `programs`: the `programs` of an executor whose net differs in seed and split alone, which are then shared.
    - `start`: False leaves out the weights that the file's `start` loads, if another state is loaded next.

    Rows are a mapping from the names of inputs and targets to arrays `(n, *shape)`: lists, NumPy or CuPy arrays,
    anything with `__array__` or DLPack, of any real dtype and layout. They are copied and checked: InputError names the
    array, the row and the value. Arrays that are returned are new, and those of `xp`: on a GPU they are CuPy arrays,
    and CuPy arrays that are passed in do not leave the GPU; a CPU executor refuses them. Programs are compiled for each
    batch size on first use. Several threads may share an executor: their calls queue. Copies, by `copy` or pickle, are
    independent and keep the state.

    Raises DeviceError, GpubpError if the net does not fit into memory, NetError for the weights of `start`.

    >>> net = gpubp.load("models/xor.net")
    >>> ex = gpubp.Executor(net, device="cpu", precision="float64", seed=1)
    >>> rows = {"x": [[0, 0], [0, 1], [1, 0], [1, 1]], "y": [[0], [1], [1], [0]]}
    >>> losses = ex.train_steps(rows, steps=500)
    >>> print(f"{losses[0]:.3f}, {ex.loss(rows):.5f}")
    0.713, 0.00019
    >>> ex.predict(rows["x"]).round().tolist()
    [[0.0], [1.0], [1.0], [0.0]]
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, by `copy` or pickle, is an independent executor with this state, on a device chosen the same way."""
        return _restored, (self.net, *self._asked, self.state_dict())

    def __repr__(self) -> str:
        return f"<Executor of {self.net!r} on {self.backend.description}, {self.precision}, step {self.step:,}>"

    # State -------------------------------------------------------------------------------------------------------
    @property
    def parameters(self) -> Parameters:
        """Every parameter by name, in data-flow order, weight before bias: a dictionary of live views on the device.
        Writing to one changes the net; `parameters[name] = array` and `parameters |= values` do what `set_parameters`
        does. A gradient step by hand, and a copy of all weights as NumPy arrays:

        >>> ex = gpubp.Executor(gpubp.load("models/xor.net"), device="cpu")
        >>> rows = {"x": [[0, 1], [1, 1]], "y": [[1], [0]]}
        >>> loss, gradients = ex.gradients(rows)
        >>> for name, gradient in gradients.items():
        ...     ex.parameters[name] -= 0.1 * gradient
        >>> ex.loss(rows) < loss
        True
        >>> weights = {name: np.array(view) for name, view in ex.parameters.items()}
        """
        return Parameters(self._state.parameters(), self.set_parameters)

    @parameters.setter
    def parameters(self, views: Parameters) -> None:
        # `ex.parameters |= values` has set them already, and then assigns the views that `|=` returned.
        if getattr(views, "set_values", None) != self.set_parameters:
            raise InputError("parameters are assigned to by name: `set_parameters({...})` sets some or all of them")

    @property
    def fitted(self) -> bool:
        """Whether there are statistics of the training rows, if layers such as `standardize` need any: see `fit`."""
        return self._state.fitted

    @property
    def counters(self) -> Mapping[str, float]:
        """The scalars of training state, as numbers: `step`, `seed`, `rate_scale`, a factor of the learning rate, and
        whatever a schedule needs. `set_counters` writes them."""
        with self.backend.running():
            return MappingProxyType({name: self._state.arrays[name].item() for name in self._state.counters})

    def set_counters(self, values: Mapping[str, float]) -> None:
        """Write some of `counters`; those that this net does not have are ignored. A schedule that depends on the
        length of the training needs `total_steps`, or `epoch_steps`, before `train_step`. A tenth of the learning rate
        from the next step on: `set_counters({"rate_scale": 0.1})`. Raises InputError for a name that no net has, and
        then changes nothing."""
        with self.backend.running():
            self._state.set_counters(values)

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Copy values into some or all parameters: a mapping from names to arrays of any real dtype and layout, of
        exactly the shape. Optimizer state is kept; a moving average of the parameters restarts from the values. The
        statistics of `standardize` and `batchnorm` are no parameters: `load_state_dict` copies them, too. Raises
        InputError, and then changes nothing."""
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

    # Evaluation --------------------------------------------------------------------------------------------------
    def predict(self, inputs: Any, batch: int = CHUNK) -> Any:
        """The outputs for rows of `inputs`, in evaluation mode (no dropout; batch normalization by its running
        statistics): arrays `(n, *shape)` by name. The one input of a net may be passed bare; then the one output is
        returned bare. At most `batch` rows are computed at a time. Raises InputError; GpubpError if a layer such as
        `standardize` has no statistics yet: see `fit`."""
        self.require_statistics("predict")
        with self.backend.running():
            return predict_rows(self._machine, self.net, inputs, min(positive(batch, "batch"), self._piece))

    def loss(self, data: Mapping[str, Any]) -> float:
        """The total loss including penalties, in evaluation mode, as the mean over the rows. Raises InputError;
        GpubpError as `predict`."""
        metrics = self.evaluate(data)
        return metrics["loss"] + metrics["penalty"]

    def evaluate(self, data: Data, batch: int = CHUNK, *, repeats: int = 0) -> dict[str, float]:
        """The data loss (`loss`), the penalties (`penalty`) and each metric over all rows, in evaluation mode, `batch`
        rows at a time. `repeats`: how often that was done before: often enough, and a CPU compiles the program.
        Raises InputError; GpubpError as `predict`."""
        metrics, excluded = self._measure(data, batch, repeats), tables(self.net.graph)
        return {name: value for name, value in metrics.items() if name not in excluded}

    def tables(self, data: Data, batch: int = CHUNK) -> dict[str, list[list[int]]]:
        """Each metric that is a table, such as `confusion`, over all rows, in evaluation mode, `batch` rows at a time:
        rows of integers by the metric's name. Raises InputError; GpubpError as `predict`."""
        wanted = tables(self.net.graph)
        return {name: value for name, value in self._measure(data, batch).items() if name in wanted} if wanted else {}

    # Training ----------------------------------------------------------------------------------------------------
    def gradients(self, data: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
        """The total loss in training mode (with dropout, and the statistics of this batch), penalties included, and its
        gradient with respect to each parameter: arrays of the parameters' shapes, by name. All rows are one batch.
        Nothing changes. Raises InputError; GpubpError as `predict`."""
        self.net.require_loss()
        self.require_statistics("gradients")
        with self.backend.running():
            placed = self.place(data)
            (arrays,) = placed.pieces(len(placed))
            results = dict(self._machine.run("gradients", len(placed), arrays).outputs)
            return float(results.pop("loss")), {name: self.xp.array(g) for name, g in results.items()}

    def train_step(self, data: Mapping[str, Any]) -> float:
        """One update by the file's optimizer, with all rows as one batch. Returns the total loss before it. The first
        batch is also what layers such as `standardize` take their statistics from, unless `fit` was called with all
        training rows. Raises InputError; DivergedError if the loss or a gradient is not finite, and then changes
        nothing."""
        self.net.require_loss()
        with self.backend.running():
            placed = self.place(data)
            self.fit_first(placed)
            self._state.require_horizon(self._machine.compiled("train", len(placed)).built)
            (arrays,) = placed.pieces(len(placed))
            outputs = self._machine.run("train", len(placed), arrays, step=self.step).outputs
            self._require_gradient(outputs)
            return float(outputs["data"]) + float(outputs["penalty"])

    def train_steps(self, data: Mapping[str, Any], steps: int, batch: int | None = None) -> Any:
        """`steps` updates on batches of `batch` rows (default: the file's `batch`) drawn from `data`, which is checked
        and moved to the device once. Rows are visited in the order of `shuffle`, a new one each epoch, continuing from
        the step counter; an epoch's last batch may be smaller, and a full batch is not shuffled. Returns the total
        losses before the updates, an array `(steps,)`. Raises InputError; DivergedError as `train_step`."""
        with self.backend.running():
            placed = self.place(data)
            batch = self.net.batch_size(len(placed)) if batch is None else batch
            data_losses, penalties, _ = self.run_steps(placed, steps, batch)
            return data_losses + penalties

    def profile(self, data: Mapping[str, Any] | Stream, batch: int = 64) -> Profile:
        """Profile a training step on the first `batch` rows, by kernel; the state does not change."""
        self.net.require_loss()
        placed, batch = self.place(data), positive(batch, "batch")
        with self.backend.running():
            self.fit_first(placed)
            self._state.set_horizon(-(-len(placed) // batch))
            return profile(self._machine, placed, self.dtype, self.step, batch)

    def fit(self, data: Data) -> None:
        """Compute the statistics of layers such as `standardize` from the training rows, replacing old ones, but not
        those that the file's `start` loads. Targets are needed if a loss has statistics (`weights = balanced`). The
        first training call does this by itself. Raises InputError."""
        with self.backend.running():
            nodes = fed_to_fit(self.net, self.net.fitted)
            if isinstance(data, Mapping):
                data = {node.name: data[node.name] for node in nodes if node.name in data}
            fit_statistics(self._machine, self._state, place(self.backend, nodes, data, self.dtype), CHUNK)

    # Programs ----------------------------------------------------------------------------------------------------
    def source(self, mode: Mode, batch: int, data: Mapping[str, Any] | None = None) -> str:
        """The program for a `mode` (`predict`, `measure`, `gradients` or `train`) and `batch` rows as a standalone
        Python script over NumPy or CuPy, with the current state and rows of `data` inlined if they are small."""
        return source(self._state, self.compiled(mode, batch), mode, batch, data)


def _restored(net: Net, device: str, precision: str, seed: int, backend: str, state: Mapping[str, Any]) -> Executor:
    executor = Executor(net, device, precision, seed, backend, start=False)
    executor.load_state_dict(state)
    return executor
