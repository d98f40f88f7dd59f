"""The environment of a run, everything that its bytes depend on, and the contents of `env.json`."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..data import Dataset, to_json
from ..executor import Executor
from ..frontend import Net, data_files, identity
from ..paths import recorded
from .folder import source_name
from .run import Run

VERSION = __version__


def environment(executor: Executor) -> dict[str, str]:
    """What the bytes of a result depend on besides the net, its data and its seed: the device, the versions, the
    kernels that NumPy and its BLAS selected for this processor, the compiler, and the number of threads."""
    import numpy as np
    from threadpoolctl import threadpool_info

    found = {
        "gpubp": VERSION,
        "device": executor.backend.name if executor.backend.name == "cpu" else executor.backend.description,
        "machine": f"{platform.machine()} {_processor()}".strip(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "simd": " ".join(np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", ())),
    }
    if kernels := executor.backend.kernels():
        found["kernels"] = kernels
    for pool in threadpool_info():
        if pool.get("user_api") == "blas":
            name, kernels = pool.get("internal_api"), pool.get("architecture", "")
            found["blas"] = f"{name} {pool.get('version')} {kernels} on {pool.get('num_threads')} threads"
    if executor.backend.name != "cpu":
        found["cupy"] = _cupy()
    return found


def experiment(executor: Executor, files: Mapping[str, str], dataset: Dataset, split_seed: int) -> dict[str, Any]:
    """What the state of a training belongs to, as metadata; `files`: the hashes of its data; `split_seed` divided the
    rows: the best of several restarts has a seed of its own."""
    found = {"net": identity(executor.net), "data": files, "environment": environment(executor)}
    return {**found, "columns": to_json(dataset.encoders), "split_seed": split_seed, "precision": executor.precision}


def algorithms(executor: Executor) -> dict[str, dict[str, int]]:
    """What was chosen by its time so far, as an entry of metadata, if anything was: a resume takes the same."""
    chosen = executor.backend.algorithms
    return {"algorithms": dict(chosen)} if chosen else {}


def _cupy() -> str:
    from importlib.metadata import PackageNotFoundError, version  # takes a tenth of the time of a short training

    installed = []
    for package in ("cupy-cuda12x", "cupy-cuda13x"):
        try:
            installed.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(installed)


def _processor() -> str:
    """The processor's name and model numbers, if the system reports them."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").partition("\n\n")[0].splitlines()
    except OSError:
        return platform.processor()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    names = ("model name", "cpu family", "model", "stepping")
    return " ".join(fields[name] for name in names if name in fields) or platform.processor()


def data_hashes(net: Net) -> dict[str, str]:
    """SHA-256 of each data file, by its path as written in the net's file; of a folder, of the names and hashes of all
    files that may be data."""
    return {name: _folder_hash(path) if path.is_dir() else _hash(path) for name, path in data_files(net).items()}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_hash(folder: Path) -> str:
    places = sorted((path.relative_to(folder), path) for path in folder.rglob("*") if path.is_file())
    names = [(name.as_posix(), path) for name, path in places if not any(part.startswith(".") for part in name.parts)]
    return hashlib.sha256("".join(f"{name}\0{_hash(path)}\n" for name, path in names).encode()).hexdigest()


def different(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ, in order."""
    return [key for key in {**before, **now} if before.get(key) != now.get(key)]


def describe_run(run: Run, known: Mapping[str, Any], where: tuple[str, str], started: str) -> dict[str, Any]:
    """The contents of `env.json`: what was trained, with which settings, on which machine. `known`: the hashes of net
    and data, and the machine; `where`: the requested device and backend; `started`: when, in ISO 8601."""
    net, executor = run.executor.net, run.executor
    assert run.folder is not None
    return {
        "name": source_name(net),
        **recorded(net.base, run.folder),
        "started": started,
        "first_step": run.first_step,
        "steps": run.total,
        "epochs": run.epochs,
        "seed": executor.seed,
        **({"restarts": run.restarts} if run.restarts else {}),
        "precision": executor.precision,
        # A backend may name a compiler, which is specific to the environment.
        "asked": {"device": where[0], "backend": where[1].partition(":")[0]},
        "params": dict(net.param_overrides),
        "rows": {part: len(rows) for part, rows in run.dataset.parts.items()},
        **({"left_out": run.dataset.left_out} if run.dataset.left_out else {}),
        **{key: value for key, value in known.items() if key not in ("columns", "split_seed")},
        **algorithms(executor),
    }
