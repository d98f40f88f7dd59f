"""Predictions of a run for new rows: arrays, or tables like the training data."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..data import Encoder, NewRows, read_table
from ..executor import CHUNK, Executor
from ..frontend import Net, predicted_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Predictor:
    """A finished or loaded run."""

    if TYPE_CHECKING:

        @property
        def executor(self) -> Executor:
            """The trained net on its device."""

        @property
        def columns(self) -> Mapping[str, Encoder]:
            """The encoders of each input and target."""

    @property
    def net(self) -> Net:
        """The net that was trained."""
        return self.executor.net

    @property
    def words(self) -> dict[str, tuple[str, ...]]:
        """The class names of each input and target that has some."""
        return {name: one.vocabulary for name, one in self.columns.items() if one.classes is not None}

    def predict(self, inputs: Any, batch: int = CHUNK) -> Any:
        """The outputs for rows of inputs, as returned by `Executor.predict`.

        - `inputs`: arrays as for `Executor.predict`, as the net takes them: after any scaling and encoding by the
          file's reader. Or the path of a table like the training data, which is encoded likewise; columns are matched
          by name, extra ones ignored. Rows of a table that miss a cell or hold a category that training never saw get
          NaN in all outputs, and a warning lists them.
        - `batch`: rows computed at a time, at most.

        Raises InputError or DataError.
        """
        if isinstance(inputs, str | os.PathLike):
            path, inputs = inputs, self.rows(inputs, targets=False)
            warn_of_gaps(inputs, path, "their outputs are NaN")
        if not isinstance(inputs, NewRows):
            return self.executor.predict(inputs, batch)
        outputs = self.executor.predict(inputs.arrays, batch)
        return with_gaps(self.executor.backend.xp, outputs, inputs)

    def evaluate(self, data: Any, batch: int = CHUNK) -> dict[str, float]:
        """The loss, the penalties and the metrics over rows of inputs and targets, `batch` rows at a time: a mapping of
        arrays, or the path of a table. Its rows that miss a cell, or hold an input category that training never saw,
        are left out, and a warning lists them. Raises InputError or DataError."""
        if isinstance(data, str | os.PathLike):
            path, rows = data, self.rows(data, targets=True)
            warn_of_gaps(rows, path, "the metrics are without them")
            data = rows.arrays
        return self.executor.evaluate(data, batch)

    def rows(self, path: str | os.PathLike[str], *, targets: bool, keep: Sequence[str] = ()) -> NewRows:
        """The rows of a table as the net's inputs (and `targets`), encoded like the training data, plus its columns
        `keep` as text: `arrays` by name; `gaps` has the numbers of the rows left out, `why` the reasons. Raises
        DataError."""
        graph = self.net.graph
        names = [node.name for node in (*graph.inputs, *(graph.targets if targets else ()))]
        return read_table(path, {name: self.columns[name] for name in names}, keep)

    def labels(self, outputs: Any) -> dict[str, NDArray[Any]]:
        """For each class target (or labels derived from a target or input) that an output predicts, by name, the most
        probable class of every row, as a class name, or None where the output is NaN. Names are text, "2" of the class
        2; numbers are `outputs[...].argmax(-1)`. `outputs`: what `predict` returned, a mapping or the array of a single
        output."""
        import numpy as np

        classes = {}
        for output, (name, of) in predicted_labels(self.net).items():
            values = outputs[output] if isinstance(outputs, Mapping) else outputs
            host = self.executor.backend.to_host(values)
            words = np.array(self.words[of], dtype=object)[host.argmax(axis=-1)]
            words[np.isnan(host).any(axis=-1)] = None
            classes[name] = words
        return classes


def with_gaps(xp: Any, outputs: Mapping[str, Any], rows: NewRows) -> dict[str, Any]:
    """Outputs for all rows of a table, NaN where one is left out."""
    if not rows.gaps:
        return dict(outputs)
    there = xp.ones(rows.count, dtype=bool)
    there[xp.asarray(rows.gaps)] = False
    found = {}
    for name, values in outputs.items():
        found[name] = xp.full((rows.count, *values.shape[1:]), float("nan"), dtype=values.dtype)
        found[name][there] = values
    return found


def warn_of_gaps(rows: NewRows, path: str | os.PathLike[str], what: str, level: int = 3) -> None:
    """Warn of the rows of a table that are left out, and what becomes of them, where the user's code is, `level` calls
    up."""
    if rows.gaps:
        warnings.warn(rows.said(path, what), stacklevel=level)
