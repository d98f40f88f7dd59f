"""Ways of benchmarks.gpu that go wrong, each by its name: `python -m tests.benchmarks.odd_ways NAME DEVICE`."""

from __future__ import annotations

import os
import sys
from typing import Any

from benchmarks.worker import serve


class Odd:
    def __init__(self, name: str, device: str) -> None:
        self.name = name

    def versions(self) -> dict[str, str]:
        if self.name == "missing":
            raise ImportError("no module named missing")
        return {self.name: "1.0"}

    def ready(self, case: dict[str, Any], materials: str, steps: int) -> list[float]:
        if self.name == "fails":
            raise RuntimeError("cannot\n\ncompile")
        return [0.5 + (self.name == "departs") * 0.01] * steps

    def block(self, steps: int) -> float:
        if self.name == "crashes":
            print("out of luck", flush=True)
            os._exit(11)
        return steps * {"gpubp": 1e-3, "slow": 4e-3}[self.name]


if __name__ == "__main__":
    serve(lambda: Odd(*sys.argv[1:]))
