"""The state of a net on a device: parameters and optimizer state in flat buffers, statistics, counters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ..backends import Backend
from ..errors import CheckpointError, GpubpError, InputError
from ..frontend import (
    AVERAGE,
    COUNTERS,
    EPOCH_STEPS,
    SEED,
    STEP,
    TOTAL_STEPS,
    Buffer,
    Built,
    Mode,
    Net,
    as_numbers,
    counter_specs,
    gradient_name,
    initial_value,
    program_of,
)


class State:
    """Arrays by name. `arrays` holds them as programs take them: one flat buffer per group of parameters, and the
    optimizer's buffers."""

    def __init__(self, net: Net, backend: Backend, dtype: str, seed: int) -> None:
        if seed >= 1 << 63:
            raise GpubpError(f"the seed is {seed}; it must be from 0 to 2^63 - 1")
        self.net, self.backend, self.dtype = net, backend, dtype
        self.arrays: dict[str, Any] = {}
        xp = backend.xp
        self.counters = counter_specs(net)
        for name, (kind, value) in self.counters.items():
            self.arrays[name] = xp.full((), value, dtype=kind)
        self.arrays[SEED][...] = seed
        self.fitted = not net.fitted
        for buffer in net.buffers.values():
            self.arrays[buffer.name] = xp.full(buffer.shape, buffer.value, dtype=buffer.dtype)
        for group in net.layout.groups:
            self.arrays[group.name] = backend.zeros((group.size,), dtype)
        for name, view in self.parameters().items():
            view[...] = backend.asarray(initial_value(net.layout.parameters[name], seed))
        self._given: dict[str, Any] = {}  # statistics that were not computed from rows

    def start(self, weights: Mapping[str, Any]) -> None:
        """Begin with these weights and statistics, as `initial_weights` or `checked` returns them, which no rows
        replace."""
        views = self.parameters()
        for name, array in weights.items():
            (views[name] if name in views else self.arrays[name])[...] = self.backend.asarray(array)
        self._given = {b.name: weights[b.name] for b in self._gathered if b.name in weights}
        self.fitted = len(self._given) == len(self._gathered)

    def keep_given(self) -> None:
        """Put the statistics that the net started with in the place of those of the rows."""
        for name, array in self._given.items():
            self.arrays[name][...] = self.backend.asarray(array)

    def parameters(self, prefix: str = "") -> dict[str, Any]:
        """A view of each parameter, or of its part of the optimizer's buffers with the prefix `prefix`."""
        views = {}
        for name, known in self.net.layout.parameters.items():
            group, start = self.net.layout.places[name]
            if prefix and group.frozen:
                continue
            views[name] = self.arrays[prefix + group.name][start : start + known.size].reshape(known.shape)
        return views

    def forget_statistics(self) -> None:
        """Reset the statistics of layers that are fitted to the data."""
        for buffer in self._gathered:
            self.arrays[buffer.name][...] = buffer.value

    def allocate(self, built: Built) -> None:
        """Allocate the arrays that a program needs and that do not exist yet, initially zero: the optimizer's."""
        allocate_states(self.arrays, built, self.backend)

    def adopt(self, arrays: Mapping[str, Any]) -> None:
        """Copy arrays by name, in the form that `arrays` holds; missing ones are allocated."""
        for name, array in arrays.items():
            if name not in self.arrays:
                self.arrays[name] = self.backend.zeros(array.shape, array.dtype)
            self.arrays[name][...] = array
        if any(buffer.name in arrays for buffer in self._gathered):
            self._see_whether_fitted()

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Return to copies of all `arrays`: states that programs have added since are zero again, as they began."""
        gradients = map(gradient_name, self.net.layout.groups)
        for name in self.arrays.keys() - arrays.keys() - set(gradients):
            self.arrays[name][...] = 0
        self.adopt(arrays)

    def set_horizon(self, epoch_steps: int) -> None:
        """See `set_horizon` below."""
        set_horizon(self.arrays, self.net, epoch_steps)

    def require_horizon(self, built: Built) -> None:
        """Raise GpubpError if the schedule of a training program depends on a length that is unknown."""
        for name, what in ((EPOCH_STEPS, "counts epochs"), (TOTAL_STEPS, "lasts to the end of the training")):
            if name in built.states and not self.arrays[name]:
                raise GpubpError(
                    f"the schedule {what}, and `{name}` is not known: `set_counters({{'{name}': ...}})` says how many "
                    "batches that are"
                )

    def require_statistics(self, built: Built) -> None:
        """Raise GpubpError if a program needs statistics of the training rows, and there are none."""
        needy = next((buffer for buffer in self._gathered if buffer.name in built.states), None)
        if needy and not self.fitted:
            raise GpubpError(
                f"`{needy.place.name}` has no statistics of the training rows yet: `fit(rows)` of the executor "
                "computes them, and so does its first training step"
            )

    def shown(self, name: str) -> Any:
        """A state on the host, for a standalone script: an unknown training length is one batch."""
        value: Any = self.backend.to_host(self.arrays[name])
        return value + 1.0 if name in (EPOCH_STEPS, TOTAL_STEPS) and not value else value

    def set_counters(self, values: Mapping[str, float]) -> None:
        """See `Executor.set_counters`."""
        unknown = next((name for name in values if name not in COUNTERS), None)
        if unknown is not None:
            raise InputError(f"there is no counter `{unknown}`; there are {', '.join(COUNTERS)}")
        negative = next((name for name in (STEP, SEED) if name in values and values[name] < 0), None)
        if negative is not None:
            raise InputError(f"`{negative}` cannot be negative, and this is {values[negative]}")
        for name in values.keys() & self.counters.keys():
            self.arrays[name][...] = values[name]

    def checked(self, values: Mapping[str, Any], *, statistics: bool = False) -> dict[str, Any]:
        """Values for some or all parameters, and `statistics`, as arrays of their dtype on the device. Of a whole
        state, that of the optimizer and the counters are left out with `statistics`. Raises InputError."""
        if not isinstance(values, Mapping):
            about = "parameters are set by a mapping from names to arrays, as `executor.state_dict()` returns"
            raise InputError(f"{about}, not by {type(values).__name__}")
        targets, new = self.parameters(), dict[str, Any]()
        if statistics:
            targets |= {name: self.arrays[name] for name in self.net.buffers}
            rest = {n for n in values.keys() - targets.keys() if n in COUNTERS or str(n).startswith("optimizer.")}
            values = {name: value for name, value in values.items() if name not in rest}
        for name, value in values.items():
            if name not in targets:
                raise InputError(f"there is no parameter `{name}`; there are {', '.join(targets)}")
            new[name] = as_numbers(self.backend, name, value)
            if new[name].shape != targets[name].shape:
                raise InputError(f"`{name}` has shape {targets[name].shape}, got {new[name].shape}")
            new[name] = new[name].astype(targets[name].dtype)
            if not bool(self.backend.xp.isfinite(new[name]).all()):
                raise InputError(f"`{name}` holds a value that is no finite {targets[name].dtype} number")
        return new

    def set(self, values: Mapping[str, Any]) -> None:
        """Copy values into parameters. Raises InputError, and then changes nothing."""
        new, views = self.checked(values), self.parameters()
        averages = self.parameters(f"{AVERAGE}.") if self._averages() else {}
        for name, array in new.items():
            views[name][...] = array
            if name in averages:
                averages[name][...] = array

    def all(self, mode: Mode = "train") -> dict[str, Any]:
        """Everything that the programs of a mode need, as views; for training, that is what a resume needs: parameters,
        statistics, counters, the optimizer's state by parameter."""
        out = self.parameters() | {name: self.arrays[name] for name in (*self.net.buffers, *self.counters)}
        for kind in self._kinds(mode):
            out |= {f"optimizer.{kind}.{name}": view for name, view in self.parameters(f"{kind}.").items()}
        return out | {name: array for name, array in self.arrays.items() if name.startswith("optimizer.")}

    def load(self, state: Mapping[str, Any], mode: Mode = "train") -> None:
        """Load what `all` returned, or of that of a training what a mode needs. Raises CheckpointError, and then
        changes nothing, if it is of another net or precision."""
        if not isinstance(state, Mapping):
            raise CheckpointError(f"a state is a mapping from names to arrays, not {type(state).__name__}")
        targets = self.all(mode)
        if mode != "train":
            state = {name: array for name, array in state.items() if name in targets}
        different = sorted(set(targets) ^ set(state))
        if different:
            where = "the state" if different[0] in state else "the net"
            raise CheckpointError(f"the state is of another net: only {where} has `{different[0]}`")
        arrays = {name: self.backend.asarray(state[name]) for name in targets}
        for name, array in arrays.items():
            if array.shape != targets[name].shape:
                raise CheckpointError(
                    f"`{name}` has shape {array.shape} in the state, {targets[name].shape} in the net"
                )
            if array.dtype != targets[name].dtype:
                raise CheckpointError(f"`{name}` is {array.dtype} in the state, {targets[name].dtype} in the net")
        for name in (STEP, SEED):
            if int(arrays[name]) < 0:
                raise CheckpointError(f"the state's `{name}` is {int(arrays[name])}; it cannot be negative")
        for name, array in arrays.items():
            targets[name][...] = array
        self._see_whether_fitted()

    def _see_whether_fitted(self) -> None:
        """Detect statistics: a state saved before the first step has none."""
        self.fitted = not self._gathered or any(bool((self.arrays[b.name] != b.value).any()) for b in self._gathered)

    @cached_property
    def _gathered(self) -> list[Buffer]:
        """The statistics of layers that are fitted to the data."""
        return [buffer for buffer in self.net.buffers.values() if buffer.place in self.net.fitted]

    def _averages(self) -> bool:
        """Whether moving averages of the parameters exist already."""
        return any(f"{AVERAGE}.{group.name}" in self.arrays for group in self.net.layout.groups)

    def _kinds(self, mode: Mode) -> list[str]:
        """The kinds of state of the optimizer, for each parameter, that a mode needs, allocated if missing."""
        trained = [group for group in self.net.layout.groups if not group.frozen]
        if self.net.graph.train is None or not trained:
            return []
        built = program_of(self.net, mode, 2, self.dtype)  # one row is too few for batch statistics
        self.allocate(built)
        last = f".{trained[0].name}"
        return sorted(name.removesuffix(last) for name in built.states if name.endswith(last))


def allocate_states(arrays: dict[str, Any], built: Built, backend: Backend) -> None:
    """Allocate missing arrays for a program's states and homes, initially zero."""
    for var in (*built.program.inputs[len(built.feeds) :], *built.homes.values()):
        if var.hint not in arrays:
            arrays[var.hint] = backend.zeros(var.shape, var.dtype)


def set_horizon(arrays: Mapping[str, Any], net: Net, epoch_steps: int) -> None:
    """Set the number of batches per epoch, and, from the file, of the whole training if that is unknown."""
    if EPOCH_STEPS in arrays:
        arrays[EPOCH_STEPS][...] = epoch_steps
        if not arrays[TOTAL_STEPS].any():
            arrays[TOTAL_STEPS][...] = (net.option("epochs") or 0) * epoch_steps
