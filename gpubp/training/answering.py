"""What a run makes of new rows: arrays, or tables like those that it was trained on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..data import Encoder, NewRows, read_table
from ..errors import InputError
from ..executor import CHUNK, Executor
from ..frontend import Net, foretold

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Answering:
    """A run that is done, or was read back."""

    if TYPE_CHECKING:

        @property
        def executor(self) -> Executor:
            """The result."""

        @property
        def columns(self) -> Mapping[str, Encoder]:
            """How the rows of each input and target became arrays."""

    @property
    def net(self) -> Net:
        """The net that was trained."""
        return self.executor.net

    @property
    def words(self) -> dict[str, tuple[str, ...]]:
        """The classes of each name that has some."""
        return {name: one.vocabulary for name, one in self.columns.items() if one.classes is not None}

    def predict(self, inputs: Any, batch: int = CHUNK) -> Any:
        """The outputs for rows of inputs, as `Executor.predict` gives them. A text or path names a table, whose columns
        are those that the run was trained on, by name; others are not looked at. Raises InputError or DataError, for
        rows of a table that miss a cell too."""
        if isinstance(inputs, str | os.PathLike):
            rows = self.rows(inputs, targets=False)
            if rows.gaps:
                raise InputError(
                    f"{rows.each} {rows.gaps[0] + 1} of `{inputs}` misses a cell ({len(rows.gaps):,} {rows.each}s do): "
                    "`run.rows(path, targets=False)` leaves them out and says which, in `gaps`"
                )
            inputs = rows.arrays
        return self.executor.predict(inputs, batch)

    def evaluate(self, data: Any, batch: int = CHUNK) -> dict[str, float]:
        """The loss, the penalties and the metrics over rows of inputs and targets: a mapping of arrays, or a table's
        path, whose rows that miss a cell are left out where the training did so. Raises InputError or DataError."""
        if isinstance(data, str | os.PathLike):
            data = self.rows(data, targets=True).arrays
        return self.executor.evaluate(data, batch)

    def rows(self, path: str | os.PathLike[str], *, targets: bool, keep: Sequence[str] = ()) -> NewRows:
        """The rows of a table as the net takes them, encoded as those that the run was trained on, and its columns
        `keep` as texts; where the training left out rows that miss a cell, `gaps` has their numbers. Raises
        DataError."""
        graph = self.net.graph
        names = [node.label or node.name for node in (*graph.inputs, *(graph.targets if targets else ()))]
        return read_table(path, {name: self.columns[name] for name in names}, keep)

    def labels(self, outputs: Any) -> dict[str, NDArray[Any]]:
        """For each target of classes that an output stands for, or labels made of one or of an input, by name, the most
        probable class of every row, as words. `outputs`: what `predict` gave, a mapping or the array of a single
        output."""
        import numpy as np

        found = {}
        for output, (name, of) in foretold(self.net).items():
            values = outputs[output] if isinstance(outputs, Mapping) else outputs
            best = self.executor.backend.to_host(values).argmax(axis=-1)
            found[name] = np.array(self.words[of], dtype=object)[best]
        return found
