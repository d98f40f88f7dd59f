"""A process that runs one peer: `python -m benchmarks.worker PEER`, told by lines of JSON what to do.

Each line names a command and its arguments; the answer is one line of JSON with a `result` or an `error`. The rows and
first weights of a case come in an `.npz` file.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .suite import BY_NAME


def peak() -> int:
    """The most memory that this process held, in bytes. Not `ru_maxrss`, which begins with the parent's."""
    try:
        status = Path("/proc/self/status").read_text("utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Worker:
    def __init__(self, peer: str) -> None:
        self.peer = importlib.import_module(f".peers.{peer}", __package__)
        self.prepared: dict[str, Any] = {}

    def versions(self) -> dict[str, str]:
        return dict(self.peer.versions())

    def ways(self, case: str) -> list[str]:
        return list(self.peer.ways(BY_NAME[case]))

    def _make(self, case: str, way: str, materials: str, ordered: bool) -> Any:
        import numpy as np

        with np.load(materials) as arrays:
            return self.peer.prepare(BY_NAME[case], way, dict(arrays), ordered)

    def check(self, case: str, way: str, materials: str, steps: int) -> list[Any]:
        """The losses of the first steps, or the outputs of the first rows."""
        import numpy as np

        found = np.asarray(self._make(case, way, materials, True).steps(steps), np.float64)
        return found[:steps].tolist()

    def ready(self, case: str, way: str, materials: str) -> int:
        """Prepare a case for `block`; gives its chunk."""
        self.prepared[way] = self._make(case, way, materials, False)
        return int(self.prepared[way].chunk)

    def block(self, way: str, steps: int) -> list[float]:
        """Seconds of so many steps, and those of the processor."""
        run = self.prepared[way].steps
        start, busy = time.perf_counter(), time.process_time()
        run(steps)
        return [time.perf_counter() - start, time.process_time() - busy]

    def drop(self, way: str) -> None:
        self.prepared.pop(way, None)

    def first(self, case: str, way: str, materials: str) -> list[float]:
        """Seconds from the case to its first loss, and those of the processor, compilers that were called and waited
        for included; the peer itself is imported already."""
        start, busy = time.perf_counter(), sum(os.times()[:4])
        self._make(case, way, materials, False).steps(1)
        return [time.perf_counter() - start, sum(os.times()[:4]) - busy]

    def memory(self, case: str, way: str, materials: str, steps: int) -> int:
        self._make(case, way, materials, False).steps(steps)
        return peak()


def serve(make: Callable[[], Any]) -> None:
    """Answer the commands on standard input by the methods of what `make` gives; where it raises ImportError, that is
    the only answer."""
    # What a peer prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**fields: Any) -> None:
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    try:
        worker = make()
        worker.versions()
    except ImportError as error:
        answer(error=f"not there: {error}")
        return
    answer(result="ready")
    for line in sys.stdin:
        command, arguments = json.loads(line)
        try:
            answer(result=getattr(worker, command)(**arguments))
        except Exception as error:
            traceback.print_exc()
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            answer(error=f"{type(error).__name__}: {'; '.join(lines[:3])[:300]}")


if __name__ == "__main__":
    serve(partial(Worker, sys.argv[1]))
