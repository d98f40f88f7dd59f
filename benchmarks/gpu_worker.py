"""A process that runs one way of benchmarks.gpu: `python -m benchmarks.gpu_worker WAY DEVICE` (benchmarks.worker)."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np

from .gpu_cases import Case
from .gpu_ways import WAYS, Way
from .worker import serve

JAX = ("jax", "jaxlib")
PACKAGES = {"gpubp": ("numpy", "cupy"), "JAX": JAX, "JAX scan": JAX}
"""What each way is made of, first what it cannot do without; the others are PyTorch's."""


class Worker:
    def __init__(self, way: str, device: str) -> None:
        self.way, self.device = way, device
        self.ready_way: Way | None = None

    def versions(self) -> dict[str, str]:
        """Of what it is made of. Raises ImportError where that is not installed."""
        needed, *more = PACKAGES.get(self.way, ("torch", "triton"))
        modules = [import_module(needed)]
        for name in more:
            with suppress(ImportError):
                modules.append(import_module(name))
        return {module.__name__: str(module.__version__) for module in modules}

    def ready(self, case: dict[str, Any], materials: str, steps: int) -> list[float]:
        """Prepare a case; gives the losses of its first steps."""
        case |= {name: tuple(case[name]) for name in ("sizes", "filters")}
        self.ready_way = None  # its memory is free before more is taken
        with np.load(materials) as arrays:
            self.ready_way = WAYS[self.way](Case(**case), dict(arrays), self.device)
        return [self.ready_way.step() for _ in range(steps)]

    def block(self, steps: int) -> float:
        """Seconds of so many steps, where more were done in proportion."""
        assert self.ready_way is not None
        start = time.perf_counter()
        done = self.ready_way.run(steps)
        return (time.perf_counter() - start) * steps / done


if __name__ == "__main__":
    serve(lambda: Worker(*sys.argv[1:]))
