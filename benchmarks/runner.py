"""The benchmark of gpubp beside its peers on the CPU: `python -m benchmarks.runner [--quick] [--case NAME ...]`.

Each peer runs in processes of its own (benchmarks.worker), one held to one thread, one that takes all. For each case,
every way of every peer must come to the losses of double precision (benchmarks.agreement), or it gets no time; a short
trial finds the best way of each peer; these and both backends of gpubp are then timed in turn (benchmarks.timing). The
table goes to standard output, all that was measured to a JSON file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .agreement import STEPS, TOLERANCE, departure
from .machine import describe, load
from .report import table
from .suite import BY_NAME, CASES, Case, materials, reference
from .timing import Spread, block_size, in_turn
from .whole import measured
from .workers import PeerError, Remote

PEERS = ("torch", "jax", "sklearn", "tinygrad")
OWN = "gpubp"
DEFAULT = Path(__file__).resolve().parent.parent / ".bench" / "result.json"


@dataclass(frozen=True, slots=True)
class Effort:
    """Rounds in turn, seconds of a block, rounds and seconds of a trial; tries of a whole process."""

    rounds: int
    block: float
    trial_rounds: int
    trial: float
    tries: int


FULL = Effort(rounds=15, block=0.25, trial_rounds=3, trial=0.1, tries=7)
QUICK = Effort(rounds=5, block=0.05, trial_rounds=2, trial=0.03, tries=3)


@dataclass(frozen=True, slots=True)
class Entry:
    """A way of a peer under a setting of threads."""

    peer: str
    way: str
    threads: str

    def __str__(self) -> str:
        return f"{self.peer}: {self.way}" + (", one thread" if self.threads == "one" else "")


class Bench:
    def __init__(self, effort: Effort, quick: bool) -> None:
        self.effort, self.quick = effort, quick
        self.absent: dict[str, str] = {}
        self.versions: dict[str, str] = {}

    def start(self) -> None:
        """Ask each peer whether it is there."""
        for peer in (OWN, *PEERS):
            try:
                with Remote(peer) as remote:
                    self.versions |= remote("versions")
            except PeerError as error:
                self.absent[peer] = str(error)
                say(f"{peer}: {error}")

    def case(self, case: Case) -> dict[str, Any]:
        """All that is found out about a case."""
        say(f"{case.title}")
        found: dict[str, Any] = {"name": case.name, "departures": {}, "refused": {}, "trials": {}, "best": {}}
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "materials.npz")
            arrays = materials(case)
            np.savez(path, **arrays)
            if case.kind == "process":
                there = [peer for peer in (OWN, *PEERS) if peer not in self.absent]
                taken = measured(case, there, self.effort.tries)
                record(found, {Entry(peer, way, "all"): values for (peer, way), values in taken.items()})
                return found
            with ExitStack() as stack:
                remotes = dict(self.remotes(case, stack))
                entries = list(self.entries(case, remotes))
                sound = [e for e in entries if self.agrees(case, e, remotes, path, arrays, found)]
                if case.kind in ("first", "memory"):
                    stack.close()
                    self.fresh(case, sound, path, found)
                else:
                    self.timed(case, sound, remotes, path, found)
        return found

    def remotes(self, case: Case, stack: ExitStack) -> Iterator[tuple[tuple[str, str], Remote]]:
        for peer in (OWN, *PEERS):
            if peer in self.absent:
                continue
            for threads in ("all",) if case.kind in ("first", "memory") else ("all", "one"):
                yield (peer, threads), stack.enter_context(Remote(peer, threads))

    def entries(self, case: Case, remotes: dict[tuple[str, str], Remote]) -> Iterator[Entry]:
        for (peer, threads), remote in remotes.items():
            for way in remote("ways", case=case.name):
                if not (self.quick and peer == "torch" and not way.startswith("eager")):
                    yield Entry(peer, way, threads)

    def agrees(
        self,
        case: Case,
        entry: Entry,
        remotes: dict[tuple[str, str], Remote],
        path: str,
        arrays: dict[str, Any],
        found: dict[str, Any],
    ) -> bool:
        """Whether a way computes what the case says. The threads change nothing of that, so one of them is asked."""
        known = f"{entry.peer}: {entry.way}"
        if known not in found["departures"] and known not in found["refused"]:
            try:
                losses = remotes[entry.peer, entry.threads](
                    "check", case=case.name, way=entry.way, materials=path, steps=STEPS
                )
                off = departure(losses, reference(case, arrays))
                found["departures"][known] = off
                if off > TOLERANCE:
                    found["refused"][known] = f"departs by {off:.1e} from the losses in double precision"
            except PeerError as error:
                found["refused"][known] = str(error)
            if known in found["refused"]:
                say(f"  {known}: {found['refused'][known]}")
        return known not in found["refused"]

    def timed(
        self, case: Case, entries: list[Entry], remotes: dict[tuple[str, str], Remote], path: str, found: dict[str, Any]
    ) -> None:
        effort, blocks, chunks = self.effort, {}, {}
        for entry in entries:
            remote = remotes[entry.peer, entry.threads]
            try:
                chunks[entry] = remote("ready", case=case.name, way=entry.way, materials=path)
                size = block_size(block_of(remote, entry.way), effort.trial, chunks[entry])
            except PeerError as error:
                found["refused"][str(entry)] = str(error)
                continue
            blocks[entry] = (block_of(remote, entry.way), size)
        trials = in_turn(blocks, effort.trial_rounds)
        unit = units(case, chunks)
        for entry, taken in trials.items():
            found["trials"][str(entry)] = min(wall for wall, _ in taken) * unit[entry]
        best = list(winners(found["trials"], list(blocks)))
        for entry in set(blocks) - set(best):
            remotes[entry.peer, entry.threads]("drop", way=entry.way)
        chosen = {e: (blocks[e][0], block_size(blocks[e][0], effort.block, chunks[e])) for e in best}
        taken = in_turn(chosen, effort.rounds)
        keep(
            found, {entry: [(wall * unit[entry], busy * unit[entry]) for wall, busy in t] for entry, t in taken.items()}
        )

    def fresh(self, case: Case, entries: list[Entry], path: str, found: dict[str, Any]) -> None:
        """Measure in processes that did nothing before: all ways once, then the best of each peer in turn."""
        values: dict[Entry, list[tuple[float, float]]] = {e: [] for e in entries}

        def round_of(some: list[Entry]) -> None:
            for entry in some:
                try:
                    values[entry].append(once(case, entry, path))
                except PeerError as error:
                    found["refused"][str(entry)] = str(error)
                    del values[entry]

        round_of(entries)
        found["trials"] = {str(entry): taken[0][0] for entry, taken in values.items()}
        for _ in range(self.effort.tries - 1 if case.kind == "first" else 2):
            round_of([e for e in winners(found["trials"], list(values)) if e in values])
        keep(found, {entry: taken for entry, taken in values.items() if len(taken) > 1})


def once(case: Case, entry: Entry, path: str) -> tuple[float, float]:
    """The figure of a process that did nothing before."""
    with Remote(entry.peer, cold=case.kind == "first") as remote:
        if case.kind == "first":
            wall, busy = remote("first", case=case.name, way=entry.way, materials=path)
            return wall, busy
        size = remote("memory", case=case.name, way=entry.way, materials=path, steps=STEPS)
        return size, size


def record(found: dict[str, Any], values: dict[Entry, list[tuple[float, float]]]) -> None:
    """Keep the best way of each peer, and tell the others' least figures."""
    found["trials"] = {str(entry): min(wall for wall, _ in taken) for entry, taken in values.items()}
    keep(found, {entry: values[entry] for entry in winners(found["trials"], list(values))})


def keep(found: dict[str, Any], values: dict[Entry, list[tuple[float, float]]]) -> None:
    for entry, taken in values.items():
        name = f"{OWN} {entry.way}" if entry.peer == OWN else entry.peer
        wall, busy = (list(column) for column in zip(*taken, strict=True))
        found["best"][name] = {"way": entry.way if entry.peer == OWN else str(entry), "wall": wall, "busy": busy}
        say(f"  {entry}: {Spread.of(wall).median:.3g}")


def block_of(remote: Remote, way: str) -> Any:
    def block(steps: int) -> tuple[float, float]:
        wall, busy = remote("block", way=way, steps=steps)
        return wall, busy

    return block


def units(case: Case, chunks: dict[Entry, int]) -> dict[Entry, float]:
    """From seconds a step to the case's figure."""
    if case.kind == "epoch":
        return {entry: float(chunk) for entry, chunk in chunks.items()}
    return dict.fromkeys(chunks, 1.0 / case.count)


def winners(trials: dict[str, float], entries: list[Entry]) -> Iterator[Entry]:
    """Each way of gpubp as it is installed, and the best of each peer."""
    for peer in PEERS:
        own = [e for e in entries if e.peer == peer]
        if own:
            yield min(own, key=lambda e: trials[str(e)])
    yield from (e for e in entries if e.peer == OWN and e.threads == "all")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.runner", description="gpubp beside its peers on the CPU")
    parser.add_argument("--case", action="append", choices=sorted(BY_NAME), help="only this case; may be repeated")
    parser.add_argument(
        "--quick", action="store_true", help="only cases with a goal, fewer rounds, no torch.compile: some minutes"
    )
    parser.add_argument("--out", type=Path, default=DEFAULT, help="the JSON file")
    args = parser.parse_args()
    bench = Bench(QUICK if args.quick else FULL, args.quick)
    before, began = load(), time.time()
    bench.start()
    result: dict[str, Any] = {"quick": args.quick, "absent": bench.absent, "cases": []}
    for case in CASES:
        if case.name not in args.case if args.case else args.quick and not case.targets:
            continue
        result["cases"].append(bench.case(case))
        result["machine"] = describe(bench.versions) | {"load before": before, "load after": load()}
        result["seconds"] = round(time.time() - began)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
