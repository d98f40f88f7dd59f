"""The emulated GPU is as strict as a real one, and trainings on it hold: on the second of two GPUs, and where work runs
only when somebody waits for it. Each process has a GPU of its own: one that has failed stays so."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    "emulated_gpu" not in sys.modules, reason="no GPU is emulated in this environment: `make emulate` makes one"
)
ROOT = Path(__file__).parents[2]


def run(text: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A Python text in a process of its own."""
    head = "import numpy as np, cupy\nfrom cupy.cuda import runtime\n"
    words = [sys.executable, "-c", head + textwrap.dedent(text)]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **variables})


def well(text: str, **variables: str) -> None:
    done = run(text, **variables)
    assert done.returncode == 0, done.stderr[-3000:]


def told(text: str, *words: str, **variables: str) -> None:
    """The text fails, and what is told of it holds all of some words."""
    done = run(text, **variables)
    assert done.returncode
    for word in words:
        assert word in done.stderr, done.stderr[-3000:]


def test_fresh_memory_holds_no_numbers() -> None:
    well("assert np.isnan(cupy.empty(1000, 'float32').get()).all(), 'fresh'")


@pytest.mark.parametrize(
    "call",
    [
        "runtime.memcpy(at + 512, host.ctypes.data, 513, 1)",
        "runtime.memcpy(host.ctypes.data, at + 1000, 100, 2)",
        "runtime.memset(at - 8, 0, 8)",
        "runtime.free(at + 512)",
    ],
)
def test_memory_that_is_not_there(call: str) -> None:
    told(f"at = runtime.malloc(1024); host = np.zeros(2000, 'uint8'); {call}", "cudaErrorInvalidValue")


KERNEL = """
    k = cupy.RawKernel('extern "C" __global__ void k(float *a, int n) { a[threadIdx.x + n] = n; }', 'k')
    at = runtime.malloc(512)
    a = cupy.ndarray(128, 'float32', cupy.cuda.MemoryPointer(cupy.cuda.UnownedMemory(at, 512, None), 0))
"""


def test_a_kernel_that_leaves_its_memory_ends_the_context() -> None:
    text = """
    try: k((1,), (128,), (a, 1))
    except cupy.cuda.driver.CUDADriverError: runtime.malloc(8)
    """
    told(KERNEL + text, "k, block (0, 0, 0)", "cudaErrorIllegalAddress")


def test_trainings_have_no_races() -> None:
    """Nor have CuPy's reductions, which run there, too: the first is the one that is put in for compute-sanitizer."""
    races = {"EMULATED_GPU_RACES": "1"}
    text = "from tools.gpu_races import work; work('racecheck')"
    told(text, "train_planted_race, block (0, 0, 0)", "a race: thread", **races)


def test_launches_that_no_gpu_takes() -> None:
    told(KERNEL + "    k((1,), (1025,), (a, 0))", "CUDA_ERROR_INVALID_VALUE")
    told(KERNEL + "    k((1, 65536), (32,), (a, 0))", "CUDA_ERROR_INVALID_VALUE")


CAPTURE = KERNEL + "    stream = cupy.cuda.Stream(non_blocking=True)\n"


def test_a_graph_keeps_the_values_of_arguments() -> None:
    well(
        CAPTURE
        + """
    n = np.int32(0)
    k((1,), (128,), (a, n))
    with stream:
        stream.begin_capture()
        for v in (0, 5): k((1,), (1,), (a, np.int32(v)))
        graph = stream.end_capture()
    a.fill(-1)
    assert a[0] == -1
    graph.launch(stream)
    stream.synchronize()
    assert (a[0], a[5], a[1]) == (0, 5, -1)
    """
    )


@pytest.mark.parametrize(
    ("call", "mode", "error"),
    [
        ("stream.synchronize()", 2, "cudaErrorStreamCaptureUnsupported"),
        ("cupy.cuda.Device().synchronize()", 2, "cudaErrorStreamCaptureUnsupported"),
        ("runtime.malloc(8)", 0, "cudaErrorStreamCaptureUnsupported"),
        ("runtime.memcpy(at, np.zeros(8).ctypes.data, 8, 1)", 0, "cudaErrorStreamCaptureUnsupported"),
    ],
)
def test_what_no_capture_allows(call: str, mode: int, error: str) -> None:
    """The call fails, and so does the end of the capture; the stream is good for another."""
    well(
        CAPTURE
        + f"""
    k((1,), (1,), (a, 0))
    with stream:
        stream.begin_capture({mode})
        for call, wanted in ((lambda: {call}, {error!r}), (stream.end_capture, 'cudaErrorStreamCaptureInvalidated')):
            try: call()
            except runtime.CUDARuntimeError as found: assert wanted in str(found), found
            else: raise AssertionError(wanted)
        stream.begin_capture()
        k((1,), (1,), (a, 0))
        stream.end_capture()
    """
    )


def test_allocation_in_a_relaxed_capture() -> None:
    well(
        CAPTURE
        + "    with stream:\n        stream.begin_capture()\n        runtime.malloc(8)\n        stream.end_capture()"
    )


def test_the_legacy_stream_beside_a_captured_one_that_waits_for_it() -> None:
    text = "    stream = cupy.cuda.Stream()\n    stream.begin_capture()\n    k((1,), (1,), (a, 0))"
    told(KERNEL + text, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT")


def test_a_copy_that_nobody_has_waited_for() -> None:
    """Only where work is late does it show."""
    text = """
    pinned = cupy.cuda.alloc_pinned_memory(512)
    host = np.frombuffer(pinned, 'float32', 128)
    host[:] = 3
    a.fill(1)
    stream = cupy.cuda.Stream(non_blocking=True)
    cupy.cuda.Device().synchronize()
    runtime.memcpyAsync(pinned.ptr, at, 512, 2, stream.ptr)
    assert host[0] == BEFORE
    stream.synchronize()
    assert host[0] == 1
    """
    well(KERNEL + text.replace("BEFORE", "1"))
    well(KERNEL + text.replace("BEFORE", "3"), EMULATED_GPU_LATE="1")


TRAINED = """
import gpubp
from tests.gpu.test_compiled import rows_of
found = []
for device in DEVICES:
    net = gpubp.load(f"models/{MODEL}.net")
    ex = gpubp.Executor(net, device, "float64")
    rows = rows_of(net, 48)
    losses = np.asarray(ex.backend.to_host(ex.train_steps(rows, 12, 16)))
    ex.require_finite()
    assert device == "cpu" or {array.device.id for array in ex.arrays().values()} == {1}
    found.append([losses, np.float64(ex.loss(rows)), *ex.state_dict().values()])
for a, b in zip(*found, strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
"""


@pytest.mark.parametrize("model", ["iris", "digits", "digits_gru", "vae"])
@pytest.mark.parametrize("late", ["", "1"])
def test_a_training(model: str, late: str) -> None:
    """On the second of two GPUs beside the processor; `late`: what the host reads before it has waited is wrong."""
    variables = {"EMULATED_GPUS": "2", **({"EMULATED_GPU_LATE": late} if late else {})}
    well(f"DEVICES, MODEL = ('gpu:1', 'cpu'), {model!r}\n" + textwrap.dedent(TRAINED), **variables)


COMMAND = ("-m", "gpubp", "run", "models/xor.net", "--device", "gpu", "--epochs", "20", "--quiet")


def command(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`gpubp run` on a small net."""
    environment = {**os.environ, **variables}
    return subprocess.run([sys.executable, *COMMAND, *words], capture_output=True, text=True, cwd=ROOT, env=environment)


def test_a_gpu_that_fails_in_the_middle(tmp_path: Path) -> None:
    done = command("--out", str(tmp_path / "run"), EMULATED_GPU_FAILS="40")
    assert done.returncode == 1
    assert done.stderr.startswith("error: GPU 0 has failed: ")
    assert "Traceback" not in done.stderr


def test_a_gpu_without_room() -> None:
    """What CuPy raises then is MemoryError, told in one sentence."""
    text = """
    from gpubp.backends import select
    backend = select("gpu")
    try:
        with backend.running(): cupy.empty(1 << 28, "uint8")
    except MemoryError as error:
        assert type(error) is MemoryError
        assert str(error).startswith("Out of memory allocating 268,435,456 bytes"), error
        assert "on GPU 0; a smaller batch" in str(error), error
    else:
        raise AssertionError("there was room")
    """
    well(text, EMULATED_GPU_MIB="64")


LARGE = """
import gc, gpubp
net = gpubp.loads('''
model {
  input x: [1000]
  target y: [1]
  output p = x -> dense(5000) -> dense(1)
}
train {
  loss = mse(p, y)
  optimizer = adam(lr = 0.01)
  epochs = 1
}
''')
data = {"train": {"x": np.zeros((8, 1000)), "y": np.zeros((8, 1))}}
"""


def test_memory_that_was_used_before_is_free() -> None:
    """What CuPy's pool keeps, and what an executor has that is garbage; a training leaves nothing behind."""
    text = """
    pool = cupy.get_default_memory_pool()
    cupy.empty(150 << 20, "uint8")
    for _ in range(3):
        gpubp.train(net, "gpu", data=data)
    gc.collect()
    assert pool.used_bytes() < 1 << 10, pool.used_bytes()
    assert pool.free_bytes() > 100 << 20
    """
    well(LARGE + textwrap.dedent(text), EMULATED_GPU_MIB="220")


@pytest.mark.parametrize("capability", ["75", "80"])
def test_tf32_needs_tensor_cores_for_it(capability: str) -> None:
    """A GPU without them computes by kernels of ours, in float32."""
    text = f"""
    import gpubp
    from benchmarks.gpu_cases import Case, materials, text
    case = Case("small", (3136, 16, 10), 32, filters=(16, 64))
    rows = {{k: v for k, v in materials(case).items() if k in "xy"}}
    losses = []
    for device, precision in (("gpu", "tf32"), ("gpu", "float32"), ("cpu", "float32")):
        ex = gpubp.Executor(gpubp.loads(text(case)), device, precision)
        losses.append(ex.backend.to_host(ex.run_steps(ex.place(rows), 2, 32)[0]))
        assert device == "cpu" or ex.backend.compiles
    assert (losses[0] == losses[1]).all() == ({capability} < 80), losses
    np.testing.assert_allclose(losses[0], losses[2], rtol=1e-2)
    """
    well(text, EMULATED_GPU_CAPABILITY=capability)


def test_kernels_that_cannot_be_kept(tmp_path: Path) -> None:
    """They are compiled each time."""
    (tmp_path / "file").touch()
    done = command("--no-save", XDG_CACHE_HOME=str(tmp_path / "file"))
    assert done.returncode == 0, done.stderr
    assert "kernels are compiled anew each time: cannot make" in done.stderr
    assert "without compiled kernels" not in done.stderr


@pytest.mark.parametrize(("count", "gpus"), [("0", 0), ("2", 2)])
def test_doctor(count: str, gpus: int) -> None:
    words = [sys.executable, "-m", "gpubp", "doctor"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "EMULATED_GPUS": count})
    assert done.returncode == (0 if gpus else 1), done.stderr
    assert done.stdout.count("a sum was compiled and is right") == gpus
    assert done.stdout.count("cuBLAS multiplied two matrices") == gpus
    assert done.stdout.count("with the losses of CuPy's own") == gpus
