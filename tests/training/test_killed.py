"""A process that ends at any operation on its files, as one that is killed: what it leaves goes on to the files of a
run that nobody disturbed."""

from __future__ import annotations

import builtins
import io
import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import gpubp
from gpubp.training import LAST, holds_folds, holds_seeds
from gpubp.training.pace import Pace

from .worlds import write_net

EARLY = "  early_stop = early_stop(valid.loss, patience = 1epochs)\n"


class Killed(BaseException):
    """Nothing catches it."""


@contextmanager
def killed_at(number: float) -> Iterator[list[str]]:
    """Raise Killed instead of operation `number` on a file, counted from 0, and at all later ones. Yields the
    operations so far. A file that is being written keeps half of what it was to have."""
    done: list[str] = []

    def note(name: str) -> bool:
        done.append(name)
        return len(done) > number

    def instead(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            last = arguments[-1]
            if note(f"{name} {os.path.basename(last)}" if isinstance(last, str | Path) else name):
                raise Killed
            return original(*arguments, **options)

        return call

    class Writer(io.FileIO):
        def write(self, content: Any) -> int:
            if note("write"):
                super().write(bytes(content)[: len(content) // 2])
                raise Killed
            return super().write(content)

    def opened(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if mode not in ("wb", "ab"):
            return original_open(file, mode, *arguments, **options)
        if note("open"):
            raise Killed
        return io.BufferedWriter(Writer(file, mode))

    original_open = io.open
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "replace", "unlink", "mkdir"):
            patch.setattr(os, name, instead(name, getattr(os, name)))
        patch.setattr(io, "open", opened)
        patch.setattr(builtins, "open", opened)
        yield done


def files(place: Path) -> dict[str, bytes]:
    """The content of all files, without the time and where they are."""
    found = {}
    for path in (path for path in place.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".json":
            known = json.loads(content)
            for one in (known, *known.get("seeds", ()), *known.get("folds", ())):
                for key in ("started", "first_step", "seconds", "folder"):
                    one.pop(key, None)
            content = json.dumps(known, sort_keys=True).encode()
        found[str(path.relative_to(place))] = content
    return found


def go_on(work: Callable[..., Any], net: gpubp.Net, out: Path) -> None:
    """What a user does next: resume, or begin again where nothing was saved yet."""
    resumed = holds_folds(out) or holds_seeds(out) if work is not gpubp.train else (out / LAST).exists()
    work(net, device="cpu", out=out, resume=out if resumed else None)


@pytest.mark.parametrize(
    ("keys", "how", "step"),
    [
        (EARLY, "train", 17),
        ("  restarts = 2\n" + EARLY, "train", 23),
        ("", "replicate", 113),
        ("  restarts = 2\n", "replicate", 113),
        ("", "cross_validate", 113),
    ],
)
def test_whatever_a_kill_leaves_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, how: str, step: int
) -> None:
    monkeypatch.setattr(Pace, "SHARE", math.inf)
    monkeypatch.setattr(Pace, "LONGEST", 0.0)
    monkeypatch.setattr(Pace, "PIECE", 0.0)
    monkeypatch.setattr(os, "fsync", lambda file: None)
    net = gpubp.load(
        write_net(tmp_path, keys=keys, length="epochs = 2", rows=30, split="  split = split(valid = 20%)\n")
    )
    several = {"replicate": {"seeds": 2}, "cross_validate": {"folds": 2}}.get(how, {})

    def work(net: gpubp.Net, **options: Any) -> Any:
        return getattr(gpubp, how)(net, **several, **options)

    with killed_at(math.inf) as done:
        work(net, device="cpu", out=tmp_path / "whole")
    assert {*done} >= {"open", "write", "fsync", "replace last.safetensors"}
    # Also as soon as there is something to go on with, and between the two checkpoints.
    saves = [done.index(name) + 1 for name in ("replace last.safetensors", "replace best.safetensors") if name in done]
    whole = files(tmp_path / "whole")
    for number in {*range(1, len(done), step), *saves}:
        out = tmp_path / str(number)
        with pytest.raises(Killed), killed_at(number):
            work(net, device="cpu", out=out)
        go_on(gpubp.train if how == "train" else work, net, out)
        assert files(out) == whole, f"killed at operation {number}, {done[number]}"
