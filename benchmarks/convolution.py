"""The training step of a convolution layer beside PyTorch's: `python benchmarks/convolution.py [RUNS]`.

Needs `pip install torch==2.13.0`. For each input the same weights, rows and upstream gradient: a 3x3 convolution with
bias, its derivatives (by the input too, where the layer is not the first), one step of plain gradient descent, in
float32 on the CPU. gpubp runs the program that it makes for the layer, planned and rendered; PyTorch runs eagerly. The
two take turns, and the medians of RUNS runs (30) are compared. Both use as many threads as they take by themselves;
`OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1` in front of it gives both one thread: their processor time then says the same
where others use the machine, and the time only where nobody does. Exit code 1 where a ratio of processor times is
larger than 3.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_info

from gpubp import ops
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.passes import optimise, plan
from gpubp.render import compile_source, plan_source
from gpubp.transforms import grad

ROWS, RATE = 32, 1e-6
# side, channels, filters, whether the gradient by the input is needed
INPUTS = ((28, 1, 16, False), (28, 1, 32, False), (14, 16, 32, True), (32, 32, 32, True))


def ours(side: int, channels: int, filters: int, deep: bool) -> tuple[Callable[[], None], dict[str, Any], int]:
    """A step, its arrays by name, and the bytes of its arena."""
    shapes = {"x": (ROWS, side, side, channels), "g": (ROWS, side, side, filters)}
    shapes |= {"w": (3, 3, channels, filters), "b": (filters,)}
    x, g, w, b = (Var(Aval(shape, "float32"), name) for name, shape in shapes.items())
    with recording() as eqns:
        y = ops.conv(x, w, size=(side, side), spread=((1, 1), (1, 1), (1, 1)), groups=1) + b
        loss = ops.sum_(y * g)
    wanted = [w, b, *([x] if deep else [])]
    program, gradients = grad(Program((x, g, w, b), tuple(eqns), (y,)), loss, wanted)
    dw, db, *dx = (v for v in gradients if v is not None)
    with recording() as tail:
        updates = ((w, w - RATE * dw), (b, b - RATE * db))
    outputs = (y, dw, db, *dx)
    program = verify(Program(program.inputs, (*program.eqns, *tail), outputs, updates))
    planned = plan(optimise(program), [x, g])
    bind = compile_source(plan_source(planned, "step"), "bind_step", np)
    states = [np.empty(shapes[name], "float32") for name in ("w", "b")]
    step, feeds, found = bind(np.empty(planned.arena, np.uint8), *states)
    names = ("y", "dw", "db", "dx")
    return step, dict(zip(("x", "g", "w", "b"), (*feeds, *states))) | dict(zip(names, found)), planned.arena


def theirs(arrays: dict[str, Any], deep: bool) -> tuple[Callable[[], None], dict[str, Any]]:
    x = torch.tensor(arrays["x"].transpose(0, 3, 1, 2).copy(), requires_grad=deep)
    g = torch.tensor(arrays["g"].transpose(0, 3, 1, 2).copy())
    w = torch.tensor(arrays["w"].transpose(3, 2, 0, 1).copy(), requires_grad=True)
    b = torch.tensor(arrays["b"].copy(), requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=RATE)
    kept = {"w": w, "x": x}

    def step() -> None:
        optimizer.zero_grad()
        x.grad = None
        kept["y"] = torch.nn.functional.conv2d(x, w, b, padding=1)
        kept["y"].backward(g)
        optimizer.step()

    return step, kept


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    rng = np.random.default_rng(0)
    worst = [0.0, 0.0]
    blas = max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)
    print(f"threads: {blas} and {torch.get_num_threads()}; batch of {ROWS}; medians of {runs}: ms (processor time)")
    for side, channels, filters, deep in INPUTS:
        mine, arrays, arena = ours(side, channels, filters, deep)
        for name in ("x", "g", "w", "b"):
            arrays[name][...] = rng.normal(size=arrays[name].shape)
        peer, kept = theirs(arrays, deep)
        mine()
        peer()
        np.testing.assert_allclose(kept["y"].detach().numpy().transpose(0, 2, 3, 1), arrays["y"], rtol=1e-3, atol=1e-3)
        if deep:
            dx = kept["x"].grad.numpy().transpose(0, 2, 3, 1)
            np.testing.assert_allclose(dx, arrays["dx"], rtol=1e-3, atol=1e-3)
        clocks = (time.perf_counter, time.process_time)
        times: tuple[list[list[float]], ...] = ([], [])
        for _ in range(runs):
            for i, f in enumerate((mine, peer)):
                start = [clock() for clock in clocks]
                f()
                times[i].append([1e3 * (clock() - s) for clock, s in zip(clocks, start)])
        (wall, a), (their_wall, b) = ([sorted(t)[runs // 2] for t in zip(*each)] for each in times)
        worst = [max(worst[0], wall / their_wall), max(worst[1], a / b)]
        print(
            f"{side}x{side}x{channels} -> {filters:2}  gpubp {wall:7.2f} ({a:7.2f})  torch {their_wall:7.2f} ({b:7.2f})"
            f"   ratio {wall / their_wall:5.2f} ({a / b:5.2f})   arena {arena / 2**20:6.1f} MiB",
            flush=True,
        )
    print(f"largest ratio {worst[0]:.2f} ({worst[1]:.2f}), at most 3 wanted")
    return worst[1] > 3


if __name__ == "__main__":
    sys.exit(main())
