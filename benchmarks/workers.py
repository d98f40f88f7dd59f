"""Processes that run peers, from the side of the runner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ONE = {
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")},
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_CPU_ENABLE_ASYNC_DISPATCH": "false",
}
"""Settings of a peer held to one thread: where a step is small, threads only wait for each other."""


class PeerError(Exception):
    """A peer that is missing, or failed; the message says how."""


class Remote:
    """A worker. `threads`: "all" or "one". `cold`: the caches of compilers are empty at first."""

    def __init__(self, peer: str, threads: str = "all", *, cold: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory() if cold else None
        extra = ONE if threads == "one" else {}
        if self._folder is not None:
            extra = extra | caches(self._folder.name)
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.worker", peer],
            cwd=ROOT,
            env=os.environ | extra,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            self._answer()
        except PeerError:
            self.close()
            raise

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"the process ended with {self._process.wait()}")
        answer: Mapping[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer["result"]

    def __call__(self, command: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([command, arguments]) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PeerError("the process is gone") from None
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()


def caches(folder: str) -> dict[str, str]:
    """Where the peers' compilers keep what they made."""
    names = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR", "CACHEDB")
    return {name: str(Path(folder) / name.lower()) for name in names}
