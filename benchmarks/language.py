"""How long checking a file takes, by its layers and by how they are written: `python -m benchmarks.language`.

Each line is one form of a chain of `dense(8) -> relu`: seconds for so many layers (parsed, expanded, traced, listed;
the best of a few tries), then the ratios of each to the one before it. Twice the layers should take twice as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import gpubp

COUNTS = (250, 500, 1000, 2000, 4000)
TRIES = 3

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


def rows(count: int) -> str:
    """No layers but as many rows of data, four numbers each."""
    inputs = ",\n".join(f"[{i % 7}, 1, 0.5, {i % 5}, 2, 3, 4, 5]" for i in range(count))
    targets = ", ".join(f"[{i % 2}]" for i in range(count))
    return f"data {{\n  x = [{inputs}]\n  y = [{targets}]\n}}\n{model('  h = x')}"


FORMS: tuple[Callable[[int], str], ...] = (lines, pipe, repeat, block, rows)


def seconds(text: str) -> float:
    """The time of one check, the best of `TRIES`."""
    best = float("inf")
    for _ in range(TRIES):
        start = time.perf_counter()
        gpubp.loads(text).summary()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
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
