"""Whether NVIDIA's compute-sanitizer finds races between the threads of a block, or barriers that some of them never
reach, in the kernels of two tiny trainings and of their evaluations. Kernels of CuPy and CUB, which run there, too, are
left out. Two kernels with a known race and a known divergent barrier show that the tools look at all; one that has
neither, and waits as our blocks do, shows whether what they find is to be believed. Exit code 1: they found something
else, or not that; 0: not so, or there is no such tool.

The options are those of compute-sanitizer 2023.3 (CUDA 12.3) and later. racecheck of 2025.3.1 (CUDA 13.0) finds races
where there are none, at barriers for some of a block's warps; that of 2026.4.0 does not. `pip install
nvidia-cuda-sanitizer-api` brings the newest, which is taken before that of the machine.

    python -m tools.gpu_races [--seconds 45]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 45.0
"""Seconds for both tools."""
PLACES = ("/usr/local/cuda/bin", "/usr/local/cuda/compute-sanitizer", "/opt/cuda/extras/compute-sanitizer")
"""Where it lies if it is not on the path."""
EPOCHS = {"xor": 20, "iris": 4}
KERNELS = "(train|measure|predict)_"
"""How the names of our kernels begin."""
PLANTED = {"racecheck": "train_planted_race", "synccheck": "train_planted_barrier"}
"""The kernel in which each tool must find something. It is launched last, for synccheck then ends the context; and by
itself, for the other tool might wait forever for threads that have ended."""
FLAWLESS, THREADS, LAUNCHES, STEPS = "train_flawless", 288, 40, 9
"""The kernel in which none may find anything, the threads of its block, how often it is launched, and its steps."""
TEXT = """
extern "C" __global__ void train_flawless(int *out, int steps) {
    __shared__ int rows[256], sums[256], weights[288], besides[32];
    __shared__ bool going;
    const int t = threadIdx.x;
    weights[t] = t;
    __syncthreads();
    for (int s = 0; s < steps; s++) {
        if (t < 256) {
            if (t < 16) rows[t] = s;
            asm volatile("bar.sync 15, 256;" : : : "memory");
            if (t >= 32 && t < 80) sums[t] = rows[(t - 32) / 3] + weights[t];
            asm volatile("bar.sync 15, 256;" : : : "memory");
            if (t == 0) going = sums[40] >= 0;
        } else {
            besides[t - 256] = weights[t - 256] + weights[t];
        }
        __syncthreads();
        if (!going) break;
        weights[t] += besides[t % 32];
        __syncthreads();
    }
    out[t] = weights[t];
}
extern "C" __global__ void train_planted_race(int *out) {
    __shared__ int place;
    if (threadIdx.x % 32 == 0) place = threadIdx.x;
    out[threadIdx.x] = place;
}
extern "C" __global__ void train_planted_barrier(int *out) {
    if (threadIdx.x % 32 < 13) __syncthreads();
    out[threadIdx.x] = 0;
}
"""
SAYS = {
    "racecheck": "racecheck finds no hazard between the threads of a block in kernels of xor and iris",
    "synccheck": "synccheck finds no divergent barrier in kernels of xor and iris",
}
FOUND = {"racecheck": "Race reported between", "synccheck": "Barrier error"}
"""What they write of each thing that they found."""
_NAME = re.compile(rf"\b{KERNELS}\w+")


def find_tool() -> str | None:
    """That of the environment's wheels, of the path, or of a toolkit."""
    wheels = find_spec("nvidia")
    folders = [] if wheels is None else sorted(Path(p) for p in wheels.submodule_search_locations or ())
    for path in (*(str(bin) for folder in folders for bin in folder.glob("cu*/bin")), None, *PLACES):
        if found := shutil.which("compute-sanitizer", path=path):
            return found
    return None


def found_by(tool: str, report: str) -> Counter[str] | None:
    """In which kernels a tool found something, and how many times; None where it did not come to its end."""
    if "SUMMARY: " not in report:
        return None
    names = (_NAME.search(text) for text in report.split(FOUND[tool])[1:])
    return Counter("a kernel without a name" if name is None else name[0] for name in names)


def verdict(tool: str, report: str | None) -> tuple[str, str]:
    """What a tool found, and whether its claim is met, missed or not measured. `report`: None if it took too long."""
    found = None if report is None else found_by(tool, report)
    if found is None:
        return "it took too long" if report is None else "it did not come to its end", "not measured"
    planted, wrong = found.pop(PLANTED[tool], 0), found.pop(FLAWLESS, 0)
    if found:
        figure = ", ".join(f"{count} in {name}" for name, count in found.most_common())
        return (f"{figure}, but also {wrong} where there is none", "not measured") if wrong else (figure, "missed")
    if not planted:
        return "it does not find the planted one either", "not measured"
    return "0 found", "met"


def ran(words: Sequence[str], seconds: float) -> str | None:
    """What a command prints; None where it takes longer."""
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            return process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the tool, and what it looks at


def work(tool: str) -> None:
    """What a tool looks at."""
    import cupy

    import gpubp

    for name, epochs in EPOCHS.items():
        gpubp.train(gpubp.load(ROOT / "models" / f"{name}.net"), "gpu", epochs=epochs)
    flawless = cupy.RawKernel(TEXT, FLAWLESS)
    for _ in range(LAUNCHES):
        flawless((1,), (THREADS,), (cupy.zeros(THREADS, "int32"), cupy.int32(STEPS)))
    cupy.RawKernel(TEXT, PLANTED[tool])((1,), (64,), (cupy.zeros(64, "int32"),))
    cupy.cuda.runtime.deviceSynchronize()


def main(words: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.gpu_races", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=LIMIT, metavar="N", help=f"for both tools; {LIMIT:g} otherwise"
    )
    parser.add_argument("--work", choices=SAYS, metavar="TOOL", help="only what this tool looks at")
    given = parser.parse_args(words)
    if given.work:
        work(given.work)
        return 0
    path, well = find_tool(), True
    if path is None:
        print("compute-sanitizer is not on this machine; it comes with the CUDA toolkit")
    told = []
    for tool, says in SAYS.items():
        figure, came = "", "not measured"
        if path is not None:
            asked = ("--tool", tool, "--kernel-name", f"regex={KERNELS}", "--print-limit", "100")
            looked_at = (sys.executable, "-m", "tools.gpu_races", "--work", tool)
            report = ran((path, *asked, *looked_at), given.seconds / len(SAYS))
            print(f"{tool}:\n{report or ''}", flush=True)
            figure, came = verdict(tool, report)
            well &= came == "met"
        told.append(f"claim: {says}: {figure}, {came}")
    print("\n".join(told))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
