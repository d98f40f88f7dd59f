"""Processes that run peers, from the side of the runner."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
ONE = {
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")},
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_CPU_ENABLE_ASYNC_DISPATCH": "false",
}
"""Settings of a peer held to one thread: where a step is small, threads only wait for each other."""


class PeerError(Exception):
    """A peer that is missing, or failed; the message says how."""


class GoneError(PeerError):
    """Its process has ended, or does not answer: nothing more is to be asked of it."""


class Process:
    """A process of `python -m WORDS` that answers commands (`benchmarks.worker.serve`). The first answer says that it
    has begun."""

    def __init__(self, words: Sequence[str], settings: Mapping[str, str]) -> None:
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *words],
            cwd=ROOT,
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def ask(self, command: str, **arguments: Any) -> None:
        """Begin a command; `answer` waits for its result."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([command, arguments]) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise GoneError("the process is gone") from None

    def answer(self, seconds: float | None = None) -> Any:
        """The result of the command before. Raises PeerError where it failed, GoneError where it takes longer than so
        many seconds."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise GoneError(f"no answer within {seconds:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise GoneError(f"the process ended with {self._process.wait()}{self._last_words()}")
        answer: Mapping[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer["result"]

    def _last_words(self) -> str:
        self._said.seek(0)
        said = self._said.read().strip().splitlines()
        return f": {said[-1][:200]}" if said else ""

    def __call__(self, command: str, **arguments: Any) -> Any:
        self.ask(command, **arguments)
        return self.answer()

    def leave(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    def close(self, seconds: float = 10) -> None:
        """End it; one that has not ended after so many seconds is killed."""
        assert self._process.stdout is not None
        self.leave()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()


class Remote(Process):
    """A peer on the CPU. `threads`: "all" or "one". `cold`: the caches of compilers are empty at first."""

    def __init__(self, peer: str, threads: str = "all", *, cold: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory() if cold else None
        settings = ONE if threads == "one" else {}
        if self._folder is not None:
            settings = settings | caches(self._folder.name)
        super().__init__(("benchmarks.worker", peer), settings)
        try:
            self.answer()
        except PeerError:
            self.close()
            raise

    def close(self, seconds: float = 10) -> None:
        super().close(seconds)
        if self._folder is not None:
            self._folder.cleanup()


def caches(folder: str) -> dict[str, str]:
    """Where the peers' compilers keep what they made."""
    names = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR", "CACHEDB")
    return {name: str(Path(folder) / name.lower()) for name in names}
