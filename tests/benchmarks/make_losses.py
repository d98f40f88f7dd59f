"""Makes losses.json with PyTorch: `.bench/bin/python -m tests.benchmarks.make_losses`. The tests need no PyTorch.

The losses of the first steps of each training case of the benchmark, eager, in single precision.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.agreement import STEPS
from benchmarks.peers import torch as peer
from benchmarks.suite import CASES, materials

HERE = Path(__file__).parent
MADE_WITH = "2.13.0"
TOO_LONG = ("mlp_large",)
"""Cases that take seconds."""


def main() -> None:
    found = {}
    for case in CASES:
        if case.kind in ("train", "restarts", "epoch") and case.name not in TOO_LONG:
            losses = peer.prepare(case, "eager", materials(case), True).steps(STEPS)
            # The means of 64 restarts say as much as all of them, and are a tenth of the file.
            found[case.name] = np.asarray(losses, np.float64).reshape(STEPS, -1).mean(1).tolist()
    (HERE / "losses.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
