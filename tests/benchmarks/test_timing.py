"""Blocks of steps by a clock that the test moves."""

from __future__ import annotations

import pytest

from benchmarks.timing import Spread, block_size, in_turn, ratio


class Clocked:
    """A block whose step takes `seconds`, on top of `call` a block."""

    def __init__(self, seconds: float, call: float = 0.0) -> None:
        self.seconds, self.call, self.asked = seconds, call, list[int]()

    def __call__(self, steps: int) -> tuple[float, float]:
        self.asked.append(steps)
        return self.call + steps * self.seconds, 2 * steps * self.seconds


@pytest.mark.parametrize("seconds", [1e-7, 3e-5, 0.01, 0.3])
@pytest.mark.parametrize("chunk", [1, 7])
def test_a_block_takes_about_the_target(seconds: float, chunk: int) -> None:
    block = Clocked(seconds)
    steps = block_size(block, 0.25, chunk)
    assert steps % chunk == 0
    assert steps == chunk or steps * seconds == pytest.approx(0.25, rel=0.5 * chunk * seconds / 0.25 + 0.01)
    assert len(block.asked) < 12
    assert sum(block.asked) * seconds < 0.25 + 3 * chunk * seconds


def test_a_long_step_is_a_block_by_itself() -> None:
    assert block_size(Clocked(5.0), 0.25) == 1


def test_a_slow_call_does_not_hide_a_quick_step() -> None:
    steps = block_size(Clocked(1e-6, call=1e-3), 0.25)
    assert 100_000 < steps < 400_000


def test_blocks_take_turns_and_every_second_round_goes_backwards() -> None:
    order: list[str] = []

    def block(name: str, steps: int) -> tuple[float, float]:
        order.append(name)
        return 2.0 * steps, 3.0 * steps

    blocks = {name: ((lambda steps, name=name: block(name, steps)), k + 1) for k, name in enumerate("abc")}
    taken = in_turn(blocks, 3)
    assert "".join(order) == "abccbaabc"
    assert taken == {name: [(2.0, 3.0)] * 3 for name in "abc"}


def test_spreads() -> None:
    assert Spread.of([4.0]) == Spread(4.0, 4.0, 4.0)
    assert Spread.of([5.0, 1.0, 2.0, 3.0, 4.0]) == Spread(2.0, 3.0, 4.0)
    assert ratio([2.0, 40.0, 6.0], [1.0, 10.0, 2.0]).median == 3.0
    with pytest.raises(ValueError, match="zip"):
        ratio([1.0], [1.0, 2.0])
