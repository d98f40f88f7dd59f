"""What a check on a GPU found, as a page and as figures: what is claimed and whether it was met, the benchmark's table,
how the parts ended."""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.report import digits
from benchmarks.timing import Spread, ratio

TAIL = 300
"""Lines of a part's output that the report holds at most."""
OWN = "gpubp"
CLAIMS = (
    ("a step of each model by its kernels is NumPy's", "test_a_step_of_each_model"),
    ("20 steps of every model follow the CPU's losses to 1e-5, float32", "test_losses_of_float32"),
    ("200 steps of every model follow the CPU's losses to 1e-9, float64", "test_losses_of_float64"),
    ("convolutions by tensor cores are exact for whole numbers", "test_whole_numbers_by_tensor_cores"),
    ("a net by tensor cores follows the CPU's losses to 1e-2, twice alike", "test_a_convolutional_net_by_tensor_cores"),
    ("two runs with one seed give the same bytes", "test_two_runs_give_the_same_bytes"),
    ("restarts side by side are the runs of their seeds", "test_restarts_are_the_runs_of_their_seeds"),
    ("nets that differ in numbers alone, side by side, are those nets alone", "test_each_is_the_net_alone"),
    ("seeds side by side are the trainings of each alone", "test_each_seed_is_the_training_alone"),
    ("orders of epochs that the GPU makes are NumPy's", "tests/gpu/test_orders.py"),
    ("a step as a graph gives the bytes of one without", "test_with_and_without_a_graph"),
    ("a rate changed between replays takes effect", "test_a_rate_that_changes_between_replays"),
    ("10,000 steps leave the memory pool unchanged", "test_ten_thousand_steps_take_no_memory"),
    ("every primitive and model by CuPy's own kernels is NumPy's", "tests/gpu/test_plain.py"),
)
"""What the tests show, and what the names of those that show it hold."""
VERDICTS = ("met", "missed", "not measured")
_CAME = "(PASSED|FAILED|ERROR|SKIPPED)"
_TEST = re.compile(rf"(?:\[gw\d+\] \[ *\d+%\] )?(?:{_CAME} (tests/\S+::.+?)(?: - .*)?|(tests/\S+::.+?) {_CAME}.*)")
_CLAIM = re.compile(rf"claim: (.+): (.*), ({'|'.join(VERDICTS)})")
_DULL, _BAD = re.compile(r"(\[gw\d+\] \[ *\d+%\] \w+ )?tests/\S+::"), re.compile("FAILED|ERROR|Timeout")


@dataclass(frozen=True)
class Part:
    """A command of Python, and the most seconds that it may take."""

    name: str
    words: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """How a part ended: `code` None where it took too long, or was `stopped`."""

    part: Part
    code: int | None
    seconds: float
    output: str
    stopped: bool = False

    @property
    def well(self) -> bool:
        return self.code == 0

    @property
    def verdict(self) -> str:
        if self.code is None:
            return "stopped" if self.stopped else "too long"
        return "well" if self.well else f"failed (exit code {self.code})"

    @property
    def tests(self) -> dict[str, str]:
        """What became of each test."""
        found = {}
        for line in self.output.splitlines():
            if match := _TEST.fullmatch(line.strip()):
                found[(match[2] or match[3]).strip()] = (match[1] or match[4]).lower()
        return found

    @property
    def claims(self) -> list[tuple[str, str, str]]:
        """What it says of claims: what is claimed, what it found, whether that is met."""
        found = map(_CLAIM.fullmatch, self.output.splitlines())
        return [(match[1], match[2], match[3]) for match in found if match]

    @property
    def said(self) -> list[str]:
        """Its last lines, without those of tests that passed or began."""
        lines = self.output.rstrip().splitlines()
        return [line for line in lines if not _DULL.match(line) or _BAD.search(line)][-TAIL:]


@dataclass
class Report:
    """What was found on a GPU, so far. `driver`: the versions that it tells."""

    name: str
    driver: Mapping[str, str]
    outcomes: list[Outcome] = field(default_factory=list)
    benchmark: dict[str, Any] = field(default_factory=dict)
    date: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")

    @property
    def tests(self) -> dict[str, str]:
        return {name: came for outcome in self.outcomes for name, came in outcome.tests.items()}

    @property
    def versions(self) -> dict[str, str]:
        python = {"Python": platform.python_version()}
        return {**self.driver, **python, **self.benchmark.get("versions", {})}

    def claims(self) -> Iterator[tuple[str, str, str]]:
        """What is claimed, what was found, and whether it is met, missed or not measured."""
        for said, figure, verdict in self.benchmark.get("claims", ()):
            yield said, figure, verdict
        for said, name in CLAIMS:
            came = [came for test, came in self.tests.items() if name in test]
            passed, failed = came.count("passed"), len(came) - came.count("passed") - came.count("skipped")
            verdict = "missed" if failed else "met" if passed else "not measured"
            yield said, f"{passed} of {len(came)} tests" if came else "", verdict
        for outcome in self.outcomes:
            yield from outcome.claims

    def page(self) -> str:
        """As Markdown."""
        counts = Counter(verdict for *_, verdict in self.claims())
        lines = [f"# {self.name}", "", f"{self.date}, by `make gpu-check`:"]
        lines += [", ".join(f"{name} {version}" for name, version in self.versions.items()) + ".", ""]
        lines += [
            "## Claims",
            "",
            ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]) + ".",
            "",
        ]
        lines += ["| claim | found | |", "|---|--:|---|"]
        for said, figure, verdict in self.claims():
            lines.append(f"| {said} | {figure} | {f'**{verdict}**' if verdict == 'missed' else verdict} |")
        if cases := self.benchmark.get("cases"):
            lines += ["", *steps(cases)]
        lines += ["", "## Parts", "", "| part | | seconds |", "|---|---|--:|"]
        lines += [f"| {o.part.name} | {o.verdict} | {o.seconds:.0f} |" for o in self.outcomes]
        for o in self.outcomes:
            lines += ["", f"### {o.part.name}", "", "```", *o.said, "```"]
        return "\n".join(lines) + "\n"

    def figures(self) -> Mapping[str, Any]:
        """For programs."""
        ran = [
            asdict(o.part) | {"words": words, "verdict": o.verdict, "took": round(o.seconds, 1)}
            for o in self.outcomes
            # Of a file outside of the repository only the name: where it lay says nothing elsewhere.
            for words in [[Path(word).name if Path(word).is_absolute() else word for word in o.part.words]]
        ]
        told = {"gpu": self.name, "date": self.date, "versions": self.versions}
        return told | {"parts": ran, "claims": [*self.claims()], "tests": self.tests, "benchmark": self.benchmark}


def steps(cases: Mapping[str, Any]) -> Iterator[str]:
    """The benchmark's table, a row for each net, and below it what has no figure."""
    ways = [*dict.fromkeys(way for found in cases.values() for way in (*found["us"], *found["failed"]))]
    yield "## Training steps"
    yield ""
    yield f"Microseconds of a step, the median of rounds in which all take turns, and how many times as long as {OWN}'s"
    yield "it takes. `torch compiled`: by `torch.compile` with CUDA graphs; `torch one graph`: compiled, and the whole"
    yield "step captured as one CUDA graph; `JAX scan`: many steps a call."
    yield ""
    yield f"| net, rows of a batch | {' | '.join(ways)} |"
    yield "|---|" + "--:|" * len(ways)
    for name, found in cases.items():
        yield f"| {name} | {' | '.join(_cell(way, found['us']) for way in ways)} |"
    missing = [f"- {name}, {way}: {why}" for name, found in cases.items() for way, why in found["failed"].items()]
    if missing:
        yield ""
        yield from missing


def _cell(way: str, us: Mapping[str, Sequence[float]]) -> str:
    if way not in us:
        return ""
    text = digits(Spread.of(us[way]).median)
    return text if way == OWN or OWN not in us else f"{text} ({digits(ratio(us[way], us[OWN]).median)}x)"
