"""Keys of `train`: accepted, or refused by name; never ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from .test_bad_input import refused, run
from .worlds import NET, Call, write

ACCEPTED = {
    "restarts": "3",
    "batch": "4",
    "metrics": "[mae(p, y)]",
    "seed": "3",
    "precision": "float64",
    "shuffle": "false",
    "clip": "clip_norm(1.0)",
    "early_stop": "early_stop(train.loss, patience = 3epochs)",
    "schedule": "warmup(3steps, cosine(to = 0))",
    "accumulate": "2",
    "average": "ema(0.9)",
    "freeze": "[p.dense]",
    "rates": "[rate(p, 10)]",
}


@pytest.mark.parametrize("key", ACCEPTED)
def test_keys_that_are_accepted(call: Call, tmp_path: Path, key: str) -> None:
    net = NET.replace("  epochs ", f"  {key} = {ACCEPTED[key]}\n  epochs ")
    said = call("run", write(tmp_path, net=net), "--device", "cpu")
    assert (said.code, said.err) == (0, "")


def test_keys_that_do_not_exist(call: Call, tmp_path: Path) -> None:
    net = NET.replace("epochs ", "epoch ")
    refused(run(call, write(tmp_path, net=net)), "`train` has no key `epoch`", "did you mean `epochs`?")


@pytest.mark.parametrize("key", ["loss", "optimizer"])
def test_keys_that_are_required(call: Call, tmp_path: Path, key: str) -> None:
    lines = [line for line in NET.splitlines() if not line.strip().startswith(key)]
    said = run(call, write(tmp_path, net="\n".join(lines) + "\n"))
    refused(said, f"`{key}`")
