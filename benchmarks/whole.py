"""From the start of a process to the trained XOR of models/xor.net, 500 epochs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

from .suite import Case
from .workers import ONE, ROOT, caches

WAYS = {
    "gpubp": ("numpy", "native"),
    "torch": ("eager", "eager, fused Adam"),
    "jax": ("jit", "scan"),
    "sklearn": ("fit",),
    "tinygrad": ("jit",),
}


def command(peer: str, way: str, case: Case) -> list[str]:
    if peer == "gpubp":
        return [sys.executable, "-m", "gpubp", "run", str(case.net), "--no-save", "--quiet", "--backend", way]
    return [sys.executable, "-W", "ignore", "-c", f"from benchmarks.peers.{peer} import train_xor; train_xor({way!r})"]


def measured(case: Case, peers: list[str], tries: int) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Seconds of each peer's ways, and those of the processor, in turn; a first try fills the compilers' caches."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with TemporaryDirectory() as folder:
        settings = caches(folder) | {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        for k in range(tries + 1):
            for peer in peers:
                for way in WAYS[peer]:
                    own = {} if peer == "gpubp" else ONE
                    taken = _seconds(command(peer, way, case), os.environ | own | settings)
                    if k:
                        found.setdefault((peer, way), []).append(taken)
    return found


def _seconds(words: list[str], environment: dict[str, str]) -> tuple[float, float]:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True)
    taken, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
