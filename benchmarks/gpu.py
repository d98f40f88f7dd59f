"""Training steps on a GPU beside PyTorch (eager, compiled with CUDA graphs, captured by hand) and JAX (a call for each
step, and for many): `python -m benchmarks.gpu`.

Each line is a net: microseconds of a step, the median of rounds in which all take turns. Every way computes the loss,
the gradients and Adam's update in the same precision, on data that lies on the GPU, from the same weights: whose first
losses are not gpubp's gets no figure. Each is a process of its own, so that one that is not installed, fails, hangs or
crashes says so, and the others go on. At the end stands what is claimed, and whether it was met. `--json FILE` also
writes what was measured, after each net.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .agreement import TOLERANCE, departure
from .gpu_cases import CASES, CLAIMS, Case, Claim, materials
from .gpu_ways import WAYS
from .timing import Spread, block_size, in_turn, ratio
from .workers import GoneError, PeerError, Process

OWN = "gpubp"
ROUNDS, TARGET = 7, 0.15
"""Rounds, and about how many seconds a way takes in each: two steps of the widest net, 150 of the smallest by the way
that takes longest for it."""
STEPS, ROUGHLY = 5, 1e-2
"""Steps whose losses are compared, and how far those of factors rounded to TF32 may be apart."""
PATIENCE = 90.0
"""Seconds that a way may take to import, to compile a net and to do its first steps; the ways do so side by side."""
WORKER = "benchmarks.gpu_worker"
SETTINGS = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # JAX would take most of the GPU's memory


Block = Callable[[int], tuple[float, float]]


class Bench:
    """The ways, each a process that lives from net to net."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._processes: dict[str, Process] = {}
        self._lost: dict[str, str] = {}
        self.versions: dict[str, str] = {}

    def measure(self, case: Case) -> dict[str, Any]:
        """The microseconds of a step by each way in every round, why others have none, and how far the first losses of
        each are from gpubp's."""
        failed = dict(self._lost)
        until = time.monotonic() + PATIENCE
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "materials.npz"
            np.savez(path, **materials(case))
            self._start(until, failed)
            losses = self._prepare(case, str(path), until, failed)
        off = {way: departure(found, losses[OWN]) for way, found in losses.items() if OWN in losses}
        tolerance = ROUGHLY if case.precision == "tf32" else TOLERANCE
        failed |= {way: f"its first losses depart by {by:.1e}" for way, by in off.items() if by > tolerance}
        blocks = {way: self._block(way, failed) for way in losses if way not in failed}
        sizes = {way: block_size(block, TARGET) for way, block in blocks.items()}
        taken = in_turn({way: (blocks[way], sizes[way]) for way in blocks if way not in failed}, ROUNDS)
        rounds = {way: [1e6 * seconds for seconds, _ in found] for way, found in taken.items() if way not in failed}
        return {"us": rounds, "failed": failed, "departures": off}

    def close(self) -> None:
        for process in self._processes.values():
            process.leave()  # all at the same time
        for way in [*self._processes]:
            self._drop(way)

    def _drop(self, way: str) -> None:
        self._processes.pop(way).close(2)

    def _start(self, until: float, failed: dict[str, str]) -> None:
        """Begin the processes that are not there, all at once: importing takes long."""
        new = [way for way in WAYS if way not in self._processes and way not in failed]
        for way in new:
            self._processes[way] = Process((WORKER, way, self._device), SETTINGS)
        for way in new:
            try:
                self._processes[way].answer(max(0.0, until - time.monotonic()))
                self.versions |= self._processes[way]("versions")
            except PeerError as error:
                failed[way] = self._lost[way] = str(error)
                self._drop(way)

    def _prepare(self, case: Case, materials: str, until: float, failed: dict[str, str]) -> dict[str, list[float]]:
        """The first losses of each way. gpubp times algorithms of large products, for which it needs the GPU alone, so
        it comes first; the others compile at the same time. Who takes too long is not asked again."""
        losses = {}
        ways = [*self._processes]
        for some in ([way for way in ways if way == OWN], [way for way in ways if way != OWN]):
            for way in some:
                try:
                    self._processes[way].ask("ready", case=asdict(case), materials=materials, steps=STEPS)
                except PeerError as error:
                    self._failed(way, error, failed)
            for way in [way for way in some if way in self._processes]:
                try:
                    losses[way] = self._processes[way].answer(max(0.0, until - time.monotonic()))
                except PeerError as error:
                    self._failed(way, error, failed)
                    if time.monotonic() >= until:
                        self._lost[way] = f"{case.name}: {error}"
        return losses

    def _failed(self, way: str, error: PeerError, failed: dict[str, str]) -> None:
        failed[way] = str(error)
        if isinstance(error, GoneError):
            self._drop(way)

    def _block(self, way: str, failed: dict[str, str]) -> Block:
        """So many steps of a way; endlessly long once it has failed."""

        def block(steps: int) -> tuple[float, float]:
            try:
                if way not in failed:
                    self._processes[way].ask("block", steps=steps)
                    return float(self._processes[way].answer(PATIENCE)), 0.0
            except PeerError as error:
                self._failed(way, error, failed)
            return math.inf, 0.0

        return block


def judged(claim: Claim, cases: Mapping[str, Any]) -> tuple[str, str, str]:
    """A claim, the figure that was measured, and whether it was met."""
    if claim.peers:
        times = f"{claim.limit:g} times as fast" if claim.limit != 1 else "as fast"
        said, unit = f"{claim.case}: at least {times} as {' and '.join(claim.peers)}", "times"
    else:
        said, unit = f"{claim.case}: at most {claim.limit:g} us a step", "us"
    us = cases.get(claim.case, {}).get("us", {})
    there = [peer for peer in claim.peers if peer in us]
    if OWN not in us or (claim.peers and not there):
        return said, "", "not measured"
    if claim.peers:
        figure = min(ratio(us[peer], us[OWN]).median for peer in there)
        met = figure >= claim.limit
    else:
        figure = Spread.of(us[OWN]).median
        met = figure <= claim.limit
    return said, f"{figure:.2f} {unit}", "met" if met else "missed"


def show(case: Case, found: Mapping[str, Any]) -> None:
    """A line of the table, and below what it leaves out."""
    medians = {way: f"{Spread.of(us).median:,.2f}" for way, us in found["us"].items()}
    print(f"{case.name:<30}" + "".join(f"{medians.get(way, '-'):>17}" for way in WAYS), flush=True)
    for way, why in found["failed"].items():
        print(f"  {way}: {why}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--only", action="append", metavar="NAME", help="nets whose names hold this (several times)")
    parser.add_argument("--seconds", type=float, default=math.inf, help="no net is begun after so long")
    parser.add_argument("--device", default="gpu", help="cpu tries the program itself; its figures mean nothing")
    arguments = parser.parse_args()
    cases = [case for case in CASES if not arguments.only or any(part in case.name for part in arguments.only)]
    if not cases:
        parser.error(f"there is no such net; there are: {'; '.join(case.name for case in CASES)}")
    end = time.monotonic() + arguments.seconds
    bench, found = Bench(arguments.device), {}
    print(f"{'net, us a step':<30}" + "".join(f"{way:>17}" for way in WAYS), flush=True)
    try:
        for case in cases:
            if time.monotonic() > end:
                print(f"{case.name}: no time was left", flush=True)
                continue
            found[case.name] = bench.measure(case)
            show(case, found[case.name])
            claims = [judged(claim, found) for claim in CLAIMS if claim.case in found]
            if arguments.json is not None:
                told = {"versions": bench.versions, "cases": found, "claims": claims}
                arguments.json.write_text(json.dumps(told, indent=1), "utf-8")
    finally:
        bench.close()
    print("\n" + ", ".join(f"{name} {version}" for name, version in bench.versions.items()) + "\n")
    for said, figure, verdict in (judged(claim, found) for claim in CLAIMS if claim.case in {c.name for c in cases}):
        print(f"{said:<90}{figure:>14}  {verdict}")
    return 0 if len(found) == len(cases) and all(OWN in case["us"] for case in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
