"""How long checking a file takes, by its layers and by how they are written: `python -m benchmarks.language`.

First whole commands, from the shell to the end. Then each line is one form of a chain of `dense(8) -> relu`: seconds of
processor time for so many layers (parsed, expanded, traced, looked at for warnings, listed), then the ratios of each to
the one before it. Twice the layers should take twice as long. All figures are medians.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import gpubp

COUNTS = (250, 500, 1000, 2000, 4000)
TRIES = 5
ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (["--help"], ["check", "models/xor.net"], ["check", "models/digits.net"])

TRAIN = "train {\n  loss = mse(p, y)\n  optimizer = adam()\n  epochs = 1\n}\n"


def model(body: str, before: str = "") -> str:
    return f"{before}model {{\n  input x: [8]\n  target y: [1]\n{body}\n  output p = h -> dense(1)\n}}\n{TRAIN}"


def lines(count: int) -> str:
    """A statement for each layer."""
    values = "\n".join(f"  h{i}=h{i - 1}->dense(8)->relu" for i in range(1, count))
    return model(f"  h0 = x\n{values}\n  h = h{count - 1} -> dense(8) -> relu")


def pipe(count: int) -> str:
    """One statement of as many stages."""
    return model("  h = x" + "\n    -> dense(8) -> relu" * count)


def repeat(count: int) -> str:
    return model(f"  h = x -> repeat {count} {{ dense(8) -> relu }}")


def block(count: int) -> str:
    """Two calls a layer are counted: the limit is 10,000."""
    before = "block layer_of(units) on z {\n  inner = z -> dense(units)\n  return inner -> relu\n}\n"
    return model(f"  h = x -> repeat {count} {{ layer_of(8) }}", before)


def nested(count: int) -> str:
    """Blocks in blocks in blocks: ten uses of ten uses of a tenth of the layers."""
    before = (
        "block one(units) on z {\n  return z -> dense(units) -> relu\n}\n"
        "block some(units, n) on z {\n  inner = z -> repeat n { one(units) }\n  return inner\n}\n"
        "block many(units, n) on z {\n  inner = z -> repeat 10 { some(units, n) }\n  return inner\n}\n"
    )
    return model(f"  h = x -> repeat 5 {{ many(8, {count // 50}) }}", before)


def warned(count: int) -> str:
    """A statement for each layer, each with two warnings: two activations in a row, and a value that nothing uses."""
    values = "\n".join(f"  h{i}=h{i - 1}->dense(8)->relu->relu\n  u{i}=h{i}+1" for i in range(1, count))
    return model(f"  h0 = x\n{values}\n  h = h{count - 1} -> dense(8) -> relu")


def rows(count: int) -> str:
    """No layers but as many rows of data, four numbers each."""
    inputs = ",\n".join(f"[{i % 7}, 1, 0.5, {i % 5}, 2, 3, 4, 5]" for i in range(count))
    targets = ", ".join(f"[{i % 2}]" for i in range(count))
    return f"data {{\n  x = [{inputs}]\n  y = [{targets}]\n}}\n{model('  h = x')}"


FORMS: tuple[Callable[[int], str], ...] = (lines, pipe, repeat, block, nested, warned, rows)


def seconds(text: str) -> float:
    """The processor time of one check, which is all of it where nothing else runs."""
    taken = []
    for _ in range(TRIES):
        start = time.process_time()
        gpubp.loads(text).summary()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def command(words: list[str]) -> tuple[float, float]:
    """Seconds that a command takes, and those of them on the processor."""
    taken, busy = [], []
    for _ in range(2 * TRIES):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([sys.executable, "-m", "gpubp", *words], cwd=ROOT, check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(taken), statistics.median(busy)


def main() -> None:
    for words in COMMANDS:
        taken, busy = command(words)
        print(f"{'gpubp ' + ' '.join(words):<32}{taken:>8.3f}s{busy:>8.3f}s on the processor")
    gpubp.loads(repeat(1))  # imports and the parser's tables are start-up, which is measured elsewhere
    print("form    " + "".join(f"{count:>9,}" for count in COUNTS) + "   t(2n)/t(n)")
    for form in FORMS:
        counts = [count for count in COUNTS if len(form(count)) < 100 * 1024]
        taken = [seconds(form(count)) for count in counts]
        ratios = "  ".join(f"{b / a:.2f}" for a, b in pairwise(taken))
        cells = "".join(f"{second:>8.2f}s" for second in taken).ljust(9 * len(COUNTS))
        print(f"{form.__name__:<8}{cells}   {ratios}")


if __name__ == "__main__":
    main()
