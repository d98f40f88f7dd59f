"""Nets as one kernel that have loops or need more than 48 KiB: the bits of kernel by kernel, and planted faults."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.render.cuda import block as cuda_block
from gpubp.render.cuda.tasks import STATIC_SHARED
from tests.gpu.test_compiled import rows_of

from .conftest import Use
from .double import HostDevice
from .host import needs_host
from .running import Array
from .test_block import HOPPER, block_of, memory_of, model, replaced, same, source_of, trained
from .test_cuda_kernels import sanitized
from .test_loops import LAYERS, net_of, rows
from .test_training import PLACES

pytestmark = needs_host


def trained_net(name: str, device: HostDevice, dtype: str = "float32", count: int = 11) -> dict[str, Array]:
    ex = gpubp.Executor(net_of(LAYERS[name]), "gpu", dtype)
    losses = ex.backend.to_host(ex.train_steps(rows(count), 9, 3))
    assert ("train_block" in device.log) == (device.room > 0)
    return {"losses": losses, **ex.state_dict()}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *((name, "float32") for name in LAYERS if name != "products"),
        *((name, "float64") for name in ("relu both", "gru, reset first", "all")),
    ],
)
def test_the_bits_of_kernel_by_kernel(name: str, dtype: str, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """All kinds of layers in both types; with a smaller last batch, which is a program of its own, for all of them
    together, in one."""
    count = 11 if (name, dtype) == ("all", "float32") else 9
    found = [trained_net(name, use(order=order), dtype, count) for order in (0, 1)]
    monkeypatch.setattr(HostDevice, "room", 0)
    found.append(trained_net(name, use(), dtype, count))
    for other in found[1:]:
        for key, array in found[0].items():
            np.testing.assert_array_equal(array, other[key], err_msg=key)


def test_a_wider_net_in_the_memory_of_newer_gpus(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products that a graph would leave to the library."""
    monkeypatch.setattr(HostDevice, "room", HOPPER)
    device, net, data, found = use(), net_of("lstm(16, sequence = false)", 8), rows(32, 8), []
    for place, backend in PLACES:
        ex = gpubp.Executor(net, place, "float32", backend=backend)
        found.append(np.asarray(ex.backend.to_host(ex.run_steps(ex.place(data), 4, 16)[0])))
    assert "train_block" in device.log
    assert device.asked["train_block"] > STATIC_SHARED
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_a_block_stays_in_its_memory(tmp_path: Path) -> None:
    """Turns of all kinds of layers, in both directions."""
    done = sanitized(memory_of(net_of(LAYERS["all"])), tmp_path)
    assert done.returncode == 0, done.stderr[:3000]


TURN = re.compile(r"        for \(int turn = 0; .*?\n        \}\n", re.S)


def turns_changed(pattern: str, text: str, number: int) -> Callable[[str], str]:
    """A change of the first loop of a step: one occurrence of what it waits for, or where it finds its slices."""

    def change(whole: str) -> str:
        found = TURN.search(whole)
        assert found is not None
        parts = re.split(f"({pattern})", found[0])
        assert len(parts) > 2 * number + 1
        parts[2 * number + 1] = text
        return whole[: found.start()] + "".join(parts) + whole[found.end() :]

    return change


@pytest.mark.parametrize(
    ("pattern", "text", "number"),
    [
        (r"                meet<15, \d+>\(\);\n", "", 0),
        (r"                meet<15, \d+>\(\);\n", "", 1),
        (r"turn < 5", "turn < 4", 0),
        (r"turn \? ", "turn > 1 ? ", 0),
        (r" \+ turn \* (?:120|180)", "", 0),  # bytes of a slice for 2 rows and for 3
    ],
)
def test_faults_in_turns_of_a_block_are_found(pattern: str, text: str, number: int, use: Use) -> None:
    right = trained_net("lstm", use())
    results = []
    for order in (0, 1):
        found = trained_net("lstm", use(order=order, change=turns_changed(pattern, text, number)))
        results.append(all(np.array_equal(right[key], found[key]) for key in right))
    assert not all(results)


def test_steps_that_wait_often_are_fewer_a_launch(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    launches, states = [], []
    for waits in (cuda_block.WAITS, 100):
        monkeypatch.setattr(cuda_block, "WAITS", waits)
        device = use(captures=False)
        states.append(trained_net("lstm", device))
        launches.append(device.log.count("train_block"))
    assert same(*states)
    assert block_of(net_of(LAYERS["lstm"])).most == 2
    assert launches[1] > launches[0]


# More memory ---------------------------------------------------------------------------------------------------------
def test_what_newer_gpus_give_a_block_is_asked_for(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a block has unasked: one kernel where the GPU gives it, graphs where it does not, and the same bits."""
    net, found = model("spiral"), []
    for room, way in ((HOPPER, "train_block"), (STATIC_SHARED, "replay")):
        monkeypatch.setattr(HostDevice, "room", room)
        device = use()
        found.append(trained(net, rows_of(net, 14), "float64"))
        assert way in device.log
        assert list(device.asked) == ["train_block"] * (room > STATIC_SHARED)
    assert same(*found)


def test_no_more_is_asked_for_than_is_there() -> None:
    """All that the kernel declares and asks for is at most what the GPU gives; what fits unasked asks for nothing."""
    net = model("spiral")
    block = block_of(net, 32, "float64", HOPPER)
    assert STATIC_SHARED < block.dynamic_shared < HOPPER
    rooms = range(block.dynamic_shared, HOPPER, 64)
    least = rooms[bisect_left(rooms, True, key=lambda room: source_of(net, 32, "float64", room).block is not None)]
    assert block.dynamic_shared < least < block.dynamic_shared + 8192
    small = source_of(net, 4, "float32", HOPPER).block
    assert small is not None
    assert small.dynamic_shared == 0


def test_less_memory_than_was_asked_for_is_found(tmp_path: Path) -> None:
    change = replaced(r"ASKED_ROOM\((\d+)\)", r"ASKED_ROOM(\1 - 40)")
    assert "global-buffer-overflow" in sanitized(memory_of(model("spiral"), change, "float64"), tmp_path).stderr
