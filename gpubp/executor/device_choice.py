"""The choice of a device for `auto`."""

from __future__ import annotations

import math

from ..backends import Backend, select
from ..frontend import PRECISIONS, TF32, Net, build, plan_of
from ..passes import Cost, Plan, cost

MAX_PARAMETERS = 4096
"""Nets with more parameters go to the GPU without an estimate."""
CPU_STEP, CPU_PRODUCTS, CPU_RATE, LANES_RATE = 1e-7, 5e10, 7e9, 2.5e10
"""Model of a compiled step of a tiny net on one core: seconds of overhead, and operations per second: of products, of
others, and of all where several nets train side by side. Measured on a Zen 4: a net takes 0.6 to 2.2 times the estimate
(`models/xor.net` on 32 rows 1.2 us, `models/spiral.net` 5.5), and 64 and 132 nets 0.5 to 2 times, in whose vectors all
lanes are used; 8 nets take two to six times as long. A Sapphire Rapids took twice as long for most."""
ITERATION = 5e-7
"""Seconds of an iteration of a loop on the CPU, a Python call: measured for `lstm(4)` on 8 rows."""
GPU_BATCH, GPU_PIECE, GPU_PRODUCTS = 250e-9, 30e-9, 64e9
"""A lower bound for a step on any GPU, at a clock of 2 GHz. For the batch: the row index and then the row from the L2
cache (236 cycles each). For each piece of the plan: a read from shared memory (23), an operation, a write and a
barrier, some 60 cycles. For products: two reads for each multiply-add, 32 per cycle. The latencies are those of Turing
in github.com/sjfeng1999/gpu-arch-microbenchmark. Launch and synchronisation overhead are omitted, some 10 us for the
steps of a call: an epoch, or many if nothing happens between them."""
MULTIPROCESSORS = 132
"""A GPU trains so many nets in the time of one, a block for each: those of an H100. Several blocks of a tiny net fit
into one multiprocessor, so a GPU with fewer is not much slower, and this one with more nets faster than estimated."""
LIKELY = 2
"""Ratio of a real GPU to that bound: clocks are lower, and an exponential or a quotient is several operations. Measured
on an H200: 0.9 to 1.6 times the estimate for eight models that a block trains and for 8 to 1,056 nets of `xor`, 3.4
times for `models/mobility.net`, whose block does the iterations of a loop."""


def choose_backend(net: Net, device: str, backend: str, precision: str, nets: int | None = None) -> Backend:
    """The backend for a net: `select`'s, but if both are `auto`, the CPU if its compiled step is estimated to be faster
    than a GPU's. `nets`: how many like it are trained side by side, its restarts where None. Raises DeviceError."""
    chosen = select(device, backend, tf32=precision == TF32)
    free = (device, backend.partition(":")[0]) == ("auto", "auto")
    if not free or chosen.name != "gpu" or not is_tiny(net, PRECISIONS[precision], nets):
        return chosen
    cpu = select("cpu", backend, "a net this small is estimated to be slower on the GPU")
    return cpu if cpu.compiles else chosen


def is_tiny(net: Net, dtype: str, nets: int | None = None) -> bool:
    """Whether a full-batch training step of so many nets, its restarts where None, is estimated to be faster on the
    CPU. Steps with loops are not: there each iteration is a call, on a GPU a few barriers."""
    if net.graph.train is None or net.size > MAX_PARAMETERS:
        return False
    costs = cost(plan := plan_of(build(net, "train", net.batch_size(), dtype, None)))
    return not iterations(plan) and quicker_on_cpu(costs, pieces(plan), nets or int(net.option("restarts", 1)))


def iterations(plan: Plan) -> int:
    """The iterations of all loops of a plan, without those of loops in them."""
    return sum(step.eqn.params["length"] for step in plan.steps if step.body is not None)


def pieces(plan: Plan) -> int:
    """The pieces of a plan that run one after the other, those of all iterations included."""
    count = len(plan.fusions)
    for step in plan.steps:
        count += 0 if step.body is None else step.eqn.params["length"] * pieces(step.body.plan)
    return count


def quicker_on_cpu(costs: Cost, pieces: int, nets: int) -> bool:
    """The estimate for a plan with so many pieces, and so many nets."""
    return cpu_step(costs, nets) < gpu_step(costs, pieces, nets)


def cpu_step(costs: Cost, nets: int, iterations: int = 0) -> float:
    """The estimate of a step of so many nets on a core, with so many iterations of loops, in seconds."""
    others = iterations * ITERATION
    if nets == 1:
        return CPU_STEP + costs.products / CPU_PRODUCTS + (costs.flops - costs.products) / CPU_RATE + others
    return nets * (CPU_STEP * CPU_RATE + costs.flops) / LANES_RATE + others


def lanes_are_faster(costs: Cost, nets: int, lanes: int) -> bool:
    """Whether a step of so many nets is estimated to be faster in so many SIMD lanes, some of which may be empty, than
    one net after the other: large products of one net fill the lanes by themselves."""
    return cpu_step(costs, lanes) < nets * cpu_step(costs, 1)


def gpu_step(costs: Cost, pieces: int, nets: int) -> float:
    """That on a GPU, which gives each net a block."""
    rounds = math.ceil(nets / MULTIPROCESSORS)
    return rounds * LIKELY * (GPU_BATCH + GPU_PIECE * pieces + costs.products / GPU_PRODUCTS)
