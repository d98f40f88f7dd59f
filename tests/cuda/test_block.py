"""Tiny nets, many steps a launch: the bits of kernel by kernel, for one net and for several, and planted faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.errors import DivergedError
from gpubp.executor.ensemble import Ensemble
from gpubp.frontend import GOING, build_plan, describe
from gpubp.passes import ITEM
from gpubp.render import Block, CudaSource, cuda_source
from gpubp.render.cuda import block as cuda_block
from gpubp.render.cuda.tasks import STATIC_SHARED
from tests.executor.nets import DROPOUT, LABELS, PLAIN, rows
from tests.executor.test_lanes import data_for
from tests.gpu.test_compiled import rows_of

from .conftest import Use
from .double import HostDevice
from .host import host_text, needs_host
from .test_cuda_kernels import sanitized

pytestmark = needs_host
MODELS = Path(__file__).parents[2] / "models"
HOPPER = 227 * 1024
TINY = ("xor_numpy", "xor", "parity", "iris", "diabetes", "spiral", "robust", "worked_example")


def model(name: str, **params: int) -> gpubp.Net:
    return gpubp.load(MODELS / f"{name}.net", params=params)


def source_of(net: gpubp.Net, batch: int = 4, dtype: str = "float32", room: int = STATIC_SHARED) -> CudaSource:
    built, found = build_plan(net, "train", batch, dtype)
    results = dict(zip(built.outputs, found.program.outputs, strict=True))
    collect = [results[name] for name in ("data", "penalty")]
    return cuda_source(found, "train", built.hints, describe, collect, room=room)


def block_of(net: gpubp.Net, batch: int = 4, dtype: str = "float32", room: int = STATIC_SHARED) -> Block:
    found = source_of(net, batch, dtype, room).block
    assert found is not None
    return found


def trained(net: gpubp.Net, data: Mapping[str, Any], precision: str, steps: int = 9) -> dict[str, Any]:
    ex = gpubp.Executor(net, "gpu", precision)
    losses = ex.backend.to_host(ex.train_steps(data, steps, 4))
    return {"losses": losses, **ex.state_dict()}


def same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return all(np.array_equal(array, b[name], equal_nan=True) for name, array in a.items())


# The same bits -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "precision"), [(name, "float32") for name in TINY] + [("xor", "float64"), ("diabetes", "float64")]
)
def test_the_bits_of_kernel_by_kernel(name: str, precision: str, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shuffled batches and a smaller last one, in both orders of the warps."""
    net = model(name)
    data, found = rows_of(net, 14), []
    for order in (0, 1):
        device = use(order=order)
        found.append(trained(net, data, precision))
        assert "train_block" in device.log
    monkeypatch.setattr(HostDevice, "room", 0)
    device = use()
    found.append(trained(net, data, precision))
    assert "train_block" not in device.log
    for other in found[1:]:
        for key, array in found[0].items():
            np.testing.assert_array_equal(array, other[key], err_msg=key)


@pytest.mark.parametrize("optimizer", ["rprop(backtrack = true)", "lbfgs(history = 2)", "levenberg_marquardt"])
def test_optimizers_that_compare_two_updates(optimizer: str, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels in one block, beside NumPy."""
    monkeypatch.setattr(HostDevice, "room", 220 << 10)  # for matrices of all parameters
    device = use()
    net = gpubp.loads(re.sub("optimizer = .*", f"optimizer = {optimizer}", PLAIN))
    found = trained(net, data := rows_of(net, 4), "float64")
    assert "train_block" in device.log
    ex = gpubp.Executor(net, "cpu", "float64", backend="numpy")
    losses = ex.train_steps(data, 9, 4)
    for key, array in {"losses": losses, **ex.state_dict()}.items():
        np.testing.assert_allclose(found[key], array, rtol=1e-9, atol=1e-12, err_msg=key)


def test_however_the_steps_are_divided_among_launches(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    net = model("iris")
    data = rows_of(net, 20)
    use()
    wanted = trained(net, data, "float32", 13)
    monkeypatch.setattr(cuda_block, "STEPS", 2)
    device = use()
    assert same(wanted, trained(net, data, "float32", 13))
    assert device.log.count("train_block") == 7  # 2 a launch: the order of one epoch lies behind that of another


def test_what_a_device_is_asked_for(use: Use) -> None:
    """A launch for many steps, and the host waits once."""
    device = use()
    ex = gpubp.Executor(model("xor"), "gpu")
    placed = ex.place({"x": [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], "y": [[0.0], [1.0], [1.0], [0.0]]})
    ex.run_steps(placed, 5, 4)
    device.log.clear()
    ex.run_steps(placed, 50, 4)
    assert device.log == ["write", "write", "train_block", "read"]


def test_golden() -> None:
    text = block_of(model("xor_numpy")).text
    golden = Path(__file__).parent.parent / "golden" / "cuda" / "block.cu"
    assert text[text.index("template <int N> INLINE void train_task0") :] == golden.read_text("utf-8")


def test_what_is_too_large_for_a_block() -> None:
    assert source_of(model("digits")).block is None
    wide = PLAIN.replace("dense(4)", "dense(1100)")
    assert source_of(gpubp.loads(wide)).block is None
    assert block_of(gpubp.loads(PLAIN)).phases == 5


def test_kernels_of_one_step_are_compiled_when_one_is_asked_for(use: Use) -> None:
    device, net = use(), model("xor")
    data = rows_of(net, 4)
    ex = gpubp.Executor(net, "gpu")
    ex.train_steps(data, 5, 4)
    assert device.log.count("module") == 1
    ex.train_step(data)
    ex.train_step(data)
    assert device.log.count("module") == 2


# Several nets --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "batch", "count", "precision"),
    [(PLAIN, 5, 3, "float32"), (PLAIN, 22, 2, "float64"), (DROPOUT, 5, 3, "float32"), (LABELS, 4, 2, "float64")],
)
def test_each_restart_is_the_run_of_its_seed(text: str, batch: int, count: int, precision: str, use: Use) -> None:
    device, net, data = use(), gpubp.loads(text), data_for(text, 22)
    together = Ensemble(net, count, "gpu", precision, 3)
    losses, penalties, _ = together.run_steps(together.place(data), 13, batch)
    assert "restarts_block" in device.log
    assert together._together._compiled == {}, "nothing ran beside the blocks"
    for k in range(count):
        ex = gpubp.Executor(net, "gpu", precision, 3 + k)
        wanted = ex.run_steps(ex.place(data), 13, batch)
        for found, right in zip((losses[k], penalties[k]), wanted, strict=False):
            np.testing.assert_array_equal(ex.backend.to_host(found), ex.backend.to_host(right))
        mine = together.member(k).state_dict()
        assert same(ex.state_dict(), mine)


def test_a_restart_that_diverges_stands_still(use: Use) -> None:
    use()
    net, data = gpubp.loads(PLAIN), rows(22)
    together = Ensemble(net, 3, "gpu", "float64", 3)
    together.arrays["parameters"][1] = 1e200
    before = together.backend.to_host(together.arrays["parameters"][1])
    placed = together.place(data)
    together.run_steps(placed, 7, 5)
    assert set(together.diverged) == {1}
    assert together.backend.to_host(together.arrays[GOING]).tolist() == [True, False, True]
    np.testing.assert_array_equal(together.backend.to_host(together.arrays["parameters"][1]), before)
    alone = gpubp.Executor(net, "gpu", "float64", 5)
    alone.run_steps(alone.place(data), 7, 5)
    assert same(alone.state_dict(), together.member(2).state_dict())
    together.arrays["parameters"][...] = 1e200
    with pytest.raises(DivergedError, match="all 3 restarts diverged"):
        together.run_steps(placed, 7, 5)


# Planted faults -----------------------------------------------------------------------------------------------------
BARRIER, FRONT_BARRIER = "\n        __syncthreads();", "\n            meet<15, 192>();"
WAIT_OF_WARP = "\n                    __syncwarp(0xffffffff);"


def without(number: int, wait: str) -> Callable[[str], str]:
    """Leaves out one of the waits of a step."""

    def change(text: str) -> str:
        before, loop, steps = text.partition("for (; s < stop; s++)")
        parts = steps.split(wait)
        return before + loop + wait.join([*parts[:number], "".join(parts[number : number + 2]), *parts[number + 2 :]])

    return change


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        found, count = re.subn(old, new, text)
        assert count, "the text has changed"
        return found

    return change


@pytest.mark.parametrize(
    ("wait", "idle"), [(BARRIER, [0]), (FRONT_BARRIER, []), (WAIT_OF_WARP, [3, 4])], ids=["block", "front", "warp"]
)
def test_missing_waits_are_found(wait: str, idle: list[int], use: Use) -> None:
    """But where each thread reads what it wrote itself, and before the guard, which holds as it did a step before."""
    net = model("xor")
    data, steps = rows_of(net, 8), block_of(net).text.partition("for (; s < stop; s++)")[2]
    use()
    right, missed = trained(net, data, "float32", 5), []
    for number in range(steps.count(wait)):
        try:
            for order in (0, 1):
                use(order=order, change=without(number, wait))
                assert same(right, trained(net, data, "float32", 5))
        except (AssertionError, DivergedError):
            continue
        missed.append(number)
    assert missed == idle


def test_a_missing_barrier_of_some_threads_is_found(use: Use) -> None:
    net = model("xor")
    data, results = rows_of(net, 8), []
    use()
    right = trained(net, data, "float32", 5)
    for order in (0, 1):
        use(order=order, change=replaced(r"\n    meet<1, \d+>\(\);", ""))
        results.append(same(right, trained(net, data, "float32", 5)))
    assert not all(results)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"meet<1, 64>", "meet<1, 96>", "some threads never come to a barrier"),
        (r"\n    meet<1, 64>\(\);", "\n    if (thread > 40) meet<1, 64>();", "some threads never come to a barrier"),
        (r"\n    meet<1, 64>\(\);", "\n    meet<1, 16>();", "a barrier of some threads that they do not agree on"),
        (r"if \(!\w+_at\[0\]\) break;", "if (threadIdx.x > 70) break;", "some threads never come to a barrier"),
    ],
)
def test_a_barrier_that_threads_do_not_agree_on_is_found(old: str, new: str, message: str, use: Use) -> None:
    use(change=replaced(old, new))
    with pytest.raises(AssertionError, match=message):
        trained(model("xor"), rows_of(model("xor"), 8), "float32", 5)


def memory_of(net: gpubp.Net, change: Callable[[str], str] = str, dtype: str = "float32") -> str:
    """A program that does five steps of two nets, on memory of exactly the size that they were promised."""
    source, (_, found) = source_of(net, 4, dtype, HOPPER), build_plan(net, "train", 4, dtype)
    block = block_of(net, 4, dtype, HOPPER)
    copies = [2 if k < len(found.states) else 1 for k in range(len(source.tables))]
    sizes = [n * v.aval.size * ITEM[v.dtype] for n, v in zip(copies, source.tables, strict=True)]
    rows = [v.aval.size // 4 * 11 * ITEM[v.dtype] for v in found.feeds]
    feeds = ", ".join(f"(int64_t)calloc({size}, 1)" for size in rows)
    lines = [
        host_text(change(block.text)),
        "#include <stdlib.h>",
        "#include <string.h>",
        "int main() {",
        f"    char *at[{len(sizes)}], *arena = (char *)malloc({found.arena});",
        f"    const size_t sizes[] = {{{str(sizes)[1:-1]}}};",
        f"    for (int i = 0; i < {len(sizes)}; i++) at[i] = (char *)calloc(sizes[i], 1);",
        "    int64_t *const order = (int64_t *)malloc(2 * 11 * 8);",
        "    for (int i = 0; i < 22; i++) order[i] = 10 - i % 11;",
        "    char *const going = (char *)memset(malloc(2), 1, 2);",
        f"    int64_t *const control = (int64_t *)calloc({block.words + 4}, 8);",
        f"    const int64_t words[] = {{11, 11, 2, (int64_t)order, 2, (int64_t)going, {feeds},",
        f"        (int64_t)malloc({4 * ITEM[dtype]}), (int64_t)malloc({4 * ITEM[dtype]})}};",
        "    memcpy(control, words, sizeof(words));",
        f"    return host_{block.name}(2, {block.threads}, 0, arena, at, control);",
        "}",
    ]
    return "\n".join(lines)


@pytest.mark.parametrize(("name", "dtype"), [("xor", "float32"), ("iris", "float32"), ("spiral", "float64")])
def test_a_block_stays_in_its_memory(name: str, dtype: str, tmp_path: Path) -> None:
    done = sanitized(memory_of(model(name), dtype=dtype), tmp_path)
    assert done.returncode == 0, done.stderr[:3000]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (r"first = first \+ 4 < count \? first \+ 4 : 0", "first = first + 9", "heap-buffer-overflow"),
        # What lies behind the last of the static memory is, by where the linker puts it, guarded or not there at all.
        (r"room\[(\d+)\]", r"room[\1 / 2]", "AddressSanitizer"),
        (r"\+ net \* 256", "+ net * 512", "heap-buffer-overflow"),
    ],
)
def test_an_access_outside_of_its_memory_is_found(old: str, new: str, found: str, tmp_path: Path) -> None:
    done = sanitized(memory_of(model("xor"), replaced(old, new)), tmp_path)
    assert found in done.stderr
