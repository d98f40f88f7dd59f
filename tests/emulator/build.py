"""Makes the GPU of this Python's environment an emulated one: `python -m tests.emulator.build`, in an environment made
for it alone (`make emulate`) that has CuPy and the CUDA wheels.

Built are a driver (`driver/`), doubles of cuBLAS and cuBLASLt (`products/`), and CuPy's module for the CUDA runtime,
from CuPy's own text. CuPy's wheel has NVIDIA's runtime inside, which works with NVIDIA's driver alone: it checks whose
it is. So this one module is linked to `runtime/` instead, the functions of the runtime that CuPy calls, written on the
driver's. All else of CuPy, and NVRTC, is what the wheels have.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

from .hook import HOME

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SITE = Path(sysconfig.get_path("purelib"))
NVIDIA = SITE / "nvidia"
RUNTIME = "cupy_backends/cuda/api/runtime"
FLAGS = ("-shared", "-fPIC", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror")
# cuBLAS' headers ask for types of half precision, whose own headers ask for more wheels.
NO_HALVES = ("-D__CUDA_FP16_H__", "-D__CUDA_BF16_H__")
CUPY = {
    "CUPY_CUDA_VERSION": 12090,
    "CUPY_HIP_VERSION": 0,
    "CUPY_USE_CUDA_PYTHON": False,
    "CUPY_CUFFT_STATIC": False,
}
"""What CuPy's text is told when it is built."""


def headers() -> list[str]:
    return [f"-I{NVIDIA / name / 'include'}" for name in ("cuda_runtime", "cuda_nvcc", "cublas")]


def run(*words: object, folder: Path | None = None) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=folder)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")


def driver() -> None:
    made = HOME / "libcuda.so.1"
    link = ("-pthread", "-ldl", "-Wl,-soname,libcuda.so.1", "-Wl,-Bsymbolic")
    run("gcc", *FLAGS, "-fvisibility=hidden", *headers(), "-o", made, *sorted((HERE / "driver").glob("*.c")), *link)


def products(name: str, *files: str) -> None:
    """A double in the place of the wheel's library."""
    script = HOME / f"{name}.map"
    script.write_text(f"{name}.so.12 {{ global: cublas*; local: *; }};\n", "utf-8")
    link = (HOME / "libcuda.so.1", f"-Wl,-soname,{name}.so.12", f"-Wl,--version-script={script}")
    texts = [HERE / "products" / f"{file}.c" for file in (*files, "products")]
    made = NVIDIA / "cublas" / "lib" / f"{name}.so.12"
    made.unlink(missing_ok=True)
    run("gcc", *FLAGS, *NO_HALVES, *headers(), "-o", made, *texts, *link)


def runtime() -> None:
    """CuPy's module for the runtime, in the place of the wheel's."""
    version = metadata.version("cupy-cuda12x")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        get = ("download", "--quiet", "--no-deps", "--no-binary", "cupy", f"cupy=={version}", "-d", folder)
        os.environ["CUPY_INSTALL_USE_STUB"] = "1"  # its build asks for no CUDA
        run(sys.executable, "-m", "pip", "--disable-pip-version-check", *get)
        with tarfile.open(folder / f"cupy-{version}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        text = folder / f"cupy-{version}"
        told = ",".join(f"{key}={value}" for key, value in CUPY.items())
        run(sys.executable, "-m", "cython", "--cplus", "-3", "-E", told, "-I", ".", f"{RUNTIME}.pyx", folder=text)
        objects = []
        for file in ("runtime", "absent"):
            objects.append(folder / f"{file}.o")
            given = [flag for flag in FLAGS if flag != "-shared"]
            run(
                "gcc",
                "-c",
                *given,
                "-fvisibility=hidden",
                *headers(),
                "-o",
                objects[-1],
                HERE / "runtime" / f"{file}.c",
            )
        made = SITE / f"{RUNTIME}{sysconfig.get_config_var('EXT_SUFFIX')}"
        made.unlink()
        include = (*headers(), f"-I{HERE / 'runtime'}", f"-I{sysconfig.get_path('include')}")
        built = (*include, "-o", made, text / f"{RUNTIME}.cpp", *objects, HOME / "libcuda.so.1")
        run("g++", "-shared", "-fPIC", "-O1", "-w", *built)


def digest(*patterns: str) -> str:
    files = sorted(path for pattern in patterns for path in HERE.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def settings() -> str:
    """Environment variables of the processes that use the emulated GPU, for those that are not set."""
    cache = HOME / "translated" / digest("ptx*")
    cache.mkdir(parents=True, exist_ok=True)
    return "\n".join(
        (
            f"EMULATED_GPU_CACHE={cache}",
            f"EMULATED_GPU_PYTHON={sys.executable}",
            f"EMULATED_GPU_ROOT={ROOT}",
            f"CUPY_CACHE_DIR={HOME / 'cupy'}",
            "CUPY_COMPILE_WITH_PTX=1",
            "CUPY_ACCELERATORS=",  # CUB is machine code
            f"XDG_CACHE_HOME={HOME / 'cache'}",  # where kernels are kept: PTX is not for other environments
        )
    )


def main() -> None:
    if not shutil.which("gcc") or not shutil.which("g++"):
        sys.exit("gcc and g++ build the emulated GPU, and are not installed; on Debian and Ubuntu: apt-get install g++")
    if sys.prefix == sys.base_prefix or not (Path(sys.prefix) / "emulated").exists():
        sys.exit("the GPU of an environment made for it alone is emulated: `make emulate` makes one")
    HOME.mkdir(exist_ok=True)
    # What was built of the same texts stays.
    built, texts = HOME / "built", digest("build.py", "driver/*", "products/*", "runtime/*")
    if not built.exists() or built.read_text("utf-8") != texts:
        built.unlink(missing_ok=True)
        driver()
        products("libcublas", "cublas", "absent")
        products("libcublasLt", "cublaslt")
        runtime()
        built.write_text(texts, "utf-8")
    (HOME / "settings").write_text(settings(), "utf-8")
    shutil.copy(HERE / "hook.py", SITE / "emulated_gpu.py")
    (SITE / "emulated_gpu.pth").write_text("import emulated_gpu\n", "utf-8")


if __name__ == "__main__":
    main()
