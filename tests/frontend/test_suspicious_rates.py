"""Rates of learning, and schedules that grow: what is told of them and what not."""

from __future__ import annotations

import pytest

from .test_suspicions import BCE, SIGMOID, told, warnings


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("adam(lr = 30)", ["30"]),
        ("adamw(lr = 1.5)", ["1.5"]),
        ("rmsprop(lr = 2)", ["2"]),
        ("sgd(lr = 1000)", ["1000"]),
        ("sgd(lr = 0)", ["0"]),
        ("adam(lr = 1)", []),
        ("adam", []),
        ("sgd(lr = 100)", []),
        ("sgd(lr = 1e-9)", []),
    ],
)
def test_rates(optimizer: str, expected: list[str]) -> None:
    assert told(warnings(SIGMOID, BCE, optimizer=optimizer)) == [("W0506", text) for text in expected]


@pytest.mark.parametrize(
    ("schedule", "expected", "help"),
    [
        ("exponential(95, 1epochs)", "95", "did you mean `95%`?"),
        ("warmup(2epochs, exponential(factor = 20, every = 1epochs))", "20", "did you mean `20%`?"),
        ("exponential(1e9, 3epochs)", "1e9", "a range test ends at a rate of about 10"),
        ("linear(to = 1e8)", "1e8", "a range test ends at a rate of about 10"),
        ("exponential(1e6)", "", ""),
        ("exponential(1.5, 2epochs)", "", ""),
        ("exponential(95%, 1epochs)", "", ""),
        ("exponential(95, 100steps)", "", ""),  # how many steps an epoch has, the data says
        ("linear(to = 300)", "", ""),
    ],
)
def test_schedules_that_grow_beyond_all_bounds(schedule: str, expected: str, help: str) -> None:
    found = warnings(SIGMOID, BCE, optimizer=f"adam(lr = 1e-3)\n  epochs = 30\n  schedule = {schedule}")
    assert told(found) == ([("W0506", expected)] if expected else [])
    assert [one.help for one in found] == ([(help,)] if help else [])
