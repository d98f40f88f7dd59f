"""The device that a net runs on, where `auto` is asked for."""

from __future__ import annotations

from ..backends import Backend, select
from ..frontend import PRECISIONS, TF32, Net, build, plan_of
from ..passes import Cost, cost

MOST_PARAMETERS = 4096
"""Nets with more are left to the GPU without a closer look."""
CPU_STEP, CPU_RATE, LANES_RATE = 1e-7, 7e9, 3e10
"""Seconds of a compiled step of a tiny net and operations a second beside, alone and as one of many restarts, on one
core: measured are 0.3 us of `models/xor.net` on 4 rows, 0.9 us on 32, 1.4 us of `models/iris.net` on 16, and 0.05 us of
`xor` as one of 64 restarts. Nets with larger products are quicker by operation, which errs to the side of the GPU."""
GPU_BATCH, GPU_PIECE, GPU_PRODUCTS = 250e-9, 30e-9, 64e9
"""What no GPU is below in a step, at a clock of 2 GHz. For the batch: the number of a row and then the row from the
second cache (236 cycles each). For each piece of the plan: a read of the memory of a block (23), an operation, a write
and the wait for it, some 60 cycles. For products: two reads for each multiplication and addition, 32 a cycle. The
latencies are those of Turing in github.com/sjfeng1999/gpu-arch-microbenchmark. Launches and the answer to the host are
left out, some 10 us for the steps of a call: an epoch, or many where nobody looks at what is between them."""
LIKELY = 2
"""How far above that a GPU is taken to be: clocks are lower, and an exponential or a quotient is several operations."""


def choose(net: Net, device: str, backend: str, precision: str) -> Backend:
    """The backend for a net: `select`'s, but where both are `auto` the CPU if its compiled step is estimated to be
    quicker than that of a GPU. Raises DeviceError."""
    found = select(device, backend, tf32=precision == TF32)
    free = (device, backend.partition(":")[0]) == ("auto", "auto")
    if not free or found.name != "gpu" or not is_tiny(net, PRECISIONS[precision]):
        return found
    cpu = select("cpu", backend, "a net this small is estimated to be slower on the GPU")
    return cpu if cpu.compiles else found


def is_tiny(net: Net, dtype: str) -> bool:
    """Whether a step of the training that a file describes, on a full batch, is estimated to be quicker on the CPU. One
    with loops is not: there each turn is a call of Python, measured to take 9 to 20 us, on a GPU a few waits."""
    if net.graph.train is None or net.size > MOST_PARAMETERS:
        return False
    costs = cost(plan := plan_of(build(net, "train", int(net.option("batch", 32)), dtype, None)))
    if any(step.round is not None for step in plan.steps):
        return False
    return quicker_on_cpu(costs, len(plan.pieces), int(net.option("restarts", 1)))


def quicker_on_cpu(costs: Cost, pieces: int, copies: int) -> bool:
    """The estimate, for a plan of so many pieces and so many copies of it, which a GPU computes at the same time."""
    rate = CPU_RATE if copies == 1 else LANES_RATE
    on_cpu = copies * (CPU_STEP * CPU_RATE / rate + costs.flops / rate)
    return on_cpu < LIKELY * (GPU_BATCH + GPU_PIECE * pieces + costs.products / GPU_PRODUCTS)
