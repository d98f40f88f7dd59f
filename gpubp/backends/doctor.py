"""Diagnosis of this machine: which devices can run programs, and what to install for the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module, metadata
from typing import Any, Literal

from dsl.records import dataclass

from ..errors import DeviceError
from .driver import Driver, ask_driver

State = Literal["ok", "missing", "wrong"]
OLDEST, EVER = (7, 5), (5, 0)
"""Minimum compute capabilities for CUDA 13 (Turing) and CUDA 12 (Maxwell)."""
DRIVERS = "from nvidia.com/drivers" if sys.platform == "win32" else "from the system's packages"
WHEELS = {"nvrtc": "compiles kernels", "cublas": "multiplies matrices", "cudart": "has the headers of kernels"}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `missing` is no fault of a machine without a GPU; `wrong` is installed but does not
    work. `help` is the remedy."""

    name: str
    state: State
    text: str
    help: str = ""


def findings(train: Callable[[str], str]) -> list[Finding]:
    """The results of all checks that apply. `train` runs a short training on a device, `gpu:N`, and returns what it
    confirmed. Imports NumPy, and CuPy if there is a driver."""
    driver = ask_driver()
    return [*_driver(driver), *_packages(driver), *_cupy(driver, train), *_cpu()]


def extra(driver: Driver) -> str:
    """The extra that fits a driver and its GPUs."""
    newest = driver.cuda is not None and driver.cuda >= (13, 0)
    return "cuda13" if newest and all(gpu.capability >= OLDEST for gpu in driver.gpus) else "cuda12"


# The GPU -------------------------------------------------------------------------------------------------------------
def _driver(driver: Driver) -> Iterator[Finding]:
    if driver.cuda is None:
        yield Finding("driver", "missing", driver.reason, f"a GPU needs NVIDIA's driver, {DRIVERS}")
        return
    version = f"knows CUDA up to {driver.cuda[0]}.{driver.cuda[1]}"
    if not driver.gpus:
        yield Finding("driver", "wrong", f"{driver.reason}; it {version}", "`nvidia-smi` shows what the driver sees")
        return
    if driver.cuda < (12, 0):
        yield Finding("driver", "wrong", f"{version}, and CuPy 14 needs 12.0", "install a newer driver")
    else:
        yield Finding("driver", "ok", version)
    for gpu in driver.gpus:
        capability = f"compute capability {gpu.capability[0]}.{gpu.capability[1]}"
        text = f"{gpu.name}, {capability}, {gpu.memory / 2**30:.1f} GiB"
        if gpu.capability < EVER:
            yield Finding(f"GPU {gpu.number}", "wrong", f"{text}: too old for CUDA 12", "the CPU does its work")
        else:
            yield Finding(f"GPU {gpu.number}", "ok", text)


def _packages(driver: Driver) -> Iterator[Finding]:
    """The installed packages, without importing them."""
    installed = {
        d.metadata["Name"].lower().replace("_", "-"): d.version for d in metadata.distributions() if d.metadata
    }
    extra_name = extra(driver)
    install = f"pip install 'gpubp[{extra_name}]'"
    cupys = sorted(name for name in installed if name == "cupy" or name.startswith("cupy-"))
    if not cupys:
        yield Finding("CuPy", "missing", "not installed", install if driver.gpus else "")
        return
    listed = ", ".join(f"{name} {installed[name]}" for name in cupys)
    if len(cupys) > 1:
        remedy = f"pip uninstall {' '.join(cupys)}, then {install}"
        yield Finding("CuPy", "wrong", f"{listed}: two packages write to the same folder", remedy)
        return
    (name,) = cupys
    cuda = next((number for number in ("12", "13") if name == f"cupy-cuda{number}x"), "")
    if cuda and driver.cuda is not None and driver.gpus and int(cuda) > driver.cuda[0]:
        text = f"{listed} is for CUDA {cuda}, but the driver only supports CUDA up to {driver.cuda[0]}.{driver.cuda[1]}"
        other = "" if extra_name == f"cuda{cuda}" else f"pip uninstall {name}, then {install}, or "
        yield Finding("CuPy", "wrong", text, f"{other}install a newer driver")
    elif cuda == "13" and any(gpu.capability < OLDEST for gpu in driver.gpus):
        text = f"{listed} is for CUDA 13, which no longer knows GPUs older than 7.5"
        yield Finding("CuPy", "wrong", text, f"pip uninstall {name}, then {install}")
    else:
        yield Finding("CuPy", "ok", listed)
        install = f"pip install 'gpubp[cuda{cuda}]'" if cuda else install
    for wheel, use in WHEELS.items():
        name = {"nvrtc": "cuda-nvrtc", "cudart": "cuda-runtime"}.get(wheel, wheel)
        found = [n for n in (f"nvidia-{name}", *(f"nvidia-{name}-cu{c}" for c in (11, 12, 13))) if n in installed]
        matching = [n for n in found if not cuda or n.endswith(f"-cu{cuda}") or installed[n].startswith(f"{cuda}.")]
        if matching:
            yield Finding(wheel, "ok", ", ".join(f"{n} {installed[n]}" for n in matching))
        else:
            there = f"only {', '.join(found)}; " if found else ""
            text = f"{there}no wheel that {use}; a CUDA toolkit of the system may take its place"
            yield Finding(wheel, "missing", text, install if driver.gpus else "")


def _cupy(driver: Driver, train: Callable[[str], str]) -> Iterator[Finding]:
    """What actually runs on each GPU."""
    if not driver.gpus:
        return
    for gpu in driver.gpus:
        if gpu.capability < EVER:
            continue
        try:
            backend = import_module(".cupy", __package__).CupyBackend(gpu.number)
        except DeviceError as error:
            yield Finding(f"kernel on GPU {gpu.number}", "wrong", error.reason, f"pip install 'gpubp[{extra(driver)}]'")
            continue
        yield Finding(f"kernel on GPU {gpu.number}", "ok", "a sum was compiled and is right")
        cuda = backend.xp.cuda.runtime.runtimeGetVersion() // 1000
        wheels = f"pip install 'gpubp[cuda{cuda}]'"
        alone = "`gpubp run FILE --backend cupy` leaves compiled kernels out"
        yield _tried(f"product on GPU {gpu.number}", partial(_product, backend), wheels)
        yield _tried(f"training on GPU {gpu.number}", partial(train, backend.place), alone)
        free = backend.free_memory()
        yield Finding(f"memory of GPU {gpu.number}", "ok", f"{free / 2**30:.1f} GiB free")


def _tried(name: str, work: Callable[[], str], help: str) -> Finding:
    try:
        return Finding(name, "ok", work())
    except Exception as error:  # a broken installation fails in many ways
        return Finding(name, "wrong", (str(error) or type(error).__name__).splitlines()[0], help)


def _product(backend: Any) -> str:
    xp = backend.xp
    with backend.running():
        a = xp.ones((64, 32), dtype="float32")
        total = float((a @ a.T).sum())
    if total != 64 * 64 * 32:
        raise ArithmeticError(f"a product of ones sums to {total}, not {64 * 64 * 32}")
    return "cuBLAS multiplied two matrices, and the sum is right"


# The CPU -------------------------------------------------------------------------------------------------------------
WIDE = frozenset("avx512f avx512dq avx512bw avx512vl avx512cd".split())
"""The processor features that the AVX-512 kernels of OpenBLAS need."""
WIDE_KERNELS = frozenset("SkylakeX Cooperlake Sapphirerapids".split())


def blas(version: str, pools: Sequence[Mapping[str, Any]], processor: str) -> Finding:
    """NumPy and its BLAS; `processor`: its description by the system. OpenBLAS selects kernels by processor model, and
    falls back to older ones for models it does not know."""
    own = [pool for pool in pools if pool["user_api"] == "blas"]
    parts = [
        " ".join(map(str, filter(None, (p["internal_api"], p["version"], p.get("architecture")))))
        + f", {p['num_threads']} threads"
        for p in own
    ]
    narrow = any(p["internal_api"] == "openblas" and p.get("architecture") not in WIDE_KERNELS for p in own)
    helps = narrow and set(processor.split()) >= WIDE
    return Finding(
        "NumPy",
        "ok",
        f"{version}, BLAS: {', '.join(parts) or 'unknown'}",
        "this processor has AVX-512, whose kernels OPENBLAS_CORETYPE=SkylakeX selects: large products may be faster"
        if helps
        else "",
    )


def _cpu() -> Iterator[Finding]:
    numpy = import_module("numpy")
    pools = import_module("threadpoolctl").threadpool_info()
    native = import_module(".native", __package__)
    yield blas(numpy.__version__, pools, native.processor())
    if not native.SUPPORTED:
        yield Finding("C compiler", "missing", "nothing is compiled on Windows; NumPy does its work")
        return
    compiler = native.find_compiler()
    if compiler is None:
        text = "none (cc, gcc, clang); NumPy does its work"
        yield Finding("C compiler", "missing", text, "one makes the training of small nets several times faster")
        return
    try:
        version = compiler.version
        native.NativeBackend(compiler).cache.library("int ready(void) { return 0; }\n", compiler)
        yield Finding("C compiler", "ok", version)
    except native.CacheError as error:
        yield Finding("C compiler", "wrong", f"{version}, but {error}", native.CACHE_HELP)
    except native.NativeError as error:
        yield Finding("C compiler", "wrong", str(error), f"mend `{compiler.command}`, or name another with CC")
