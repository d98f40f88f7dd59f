"""The data set of a training: from the file, or from arrays passed by the caller."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ..data import PARTS, Dataset, Readings, from_arrays, load
from ..errors import InputError
from ..executor import Executor
from ..frontend import Net, check_feeds, data_files
from .environment import data_hashes

GIVEN = "data["
"""Prefix of names in `hashes` that are not files."""


def dataset_of(
    executor: Executor, given: Mapping[str, Any] | None, seed: int, readings: Readings | None = None
) -> Dataset:
    """The data set from `given`, or from the file's `data` if that is None.

    `given`: a mapping from the names of all inputs and targets to arrays (n, *shape), divided by the file's `split` if
    it has one; or such a mapping for each of the parts `train`, `valid` and `test`, of which `train` is required.
    `readings`: those of all nets of a study. Raises InputError for invalid arrays, DataError for errors in the file's
    data, or for a split that is impossible with the given rows.
    """
    graph, backend = executor.net.graph, executor.backend
    if given is None:
        if readings is not None:
            readings.see(data_files(executor.net).values())
        return load(graph, executor.net.base, seed, readings)
    import numpy as np

    nodes = (*graph.inputs, *graph.targets)
    names = [node.name for node in nodes]

    def arrays(rows: Any) -> list[Any]:
        with backend.running():
            checked = check_feeds(backend, nodes, rows, executor.dtype)[0]
            return [array if isinstance(array, np.ndarray) else backend.to_host(array) for array in checked]

    if not isinstance(given, Mapping):
        raise InputError("`data` is a mapping from names to arrays, or from parts to such mappings")
    if not given or not all(isinstance(rows, Mapping) for rows in given.values()):
        return from_arrays(graph, dict(zip(names, arrays(given), strict=True)), None, seed)
    wrong = next((name for name in given if name not in PARTS), None)
    if wrong is not None or "train" not in given:
        what = "`train` is missing" if wrong is None else f"`{wrong}` is none of them"
        raise InputError(f"the parts of `data` are {', '.join(f'`{part}`' for part in PARTS)}: {what}")
    parts = {part: arrays(given[part]) for part in PARTS if part in given}
    joined = [each[0] if len(each) == 1 else np.concatenate(each) for each in zip(*parts.values(), strict=True)]
    columns = dict(zip(names, joined, strict=True))
    return from_arrays(graph, columns, {part: len(rows[0]) for part, rows in parts.items()}, seed)


def hashes(net: Net, dataset: Dataset, *, given: bool) -> dict[str, str]:
    """SHA-256 of each data file; of rows that were `given`, of the array of each name and the row numbers of each
    part."""
    if not given:
        return data_hashes(net)
    import numpy as np

    arrays: dict[str, Any] = {f"{GIVEN}{name!r}]": column for name, column in dataset.arrays.items()}
    arrays.update(dataset.parts)
    return {name: hashlib.sha256(np.ascontiguousarray(array).data).hexdigest() for name, array in arrays.items()}
