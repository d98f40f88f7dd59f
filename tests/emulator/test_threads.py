"""Executors on streams of their callers, in several threads, in memory that is not CuPy's pool, and in a forked
process."""

from __future__ import annotations

from textwrap import dedent

import pytest

from .test_emulated import pytestmark as needs_emulated_gpu
from .test_emulated import well

pytestmark = needs_emulated_gpu

DIGITS = """
import threading, gpubp
from tests.gpu.test_compiled import rows_of
net = gpubp.load("models/digits.net")
rows = rows_of(net, 64)

def trained(steps=5, device="gpu"):
    ex = gpubp.Executor(net, device, seed=7)
    losses = ex.backend.to_host(ex.train_steps(rows, steps, 32))
    ex.backend.finish()
    return losses.tolist()
"""


def test_calls_on_other_streams_wait_for_each_other() -> None:
    """They share the memory of all values. What runs only when somebody waits for it shows whether they do."""
    text = """
    ex = gpubp.Executor(net, "gpu")
    halves = [{"image": cupy.asarray(rows["image"][k : k + 32])} for k in (0, 32)]
    wanted = [ex.predict(half)["p"].get() for half in halves]
    streams = [cupy.cuda.Stream(non_blocking=True), cupy.cuda.Stream(), cupy.cuda.Stream.null]
    for first in streams:
        for second in streams:
            with first: one = ex.predict(halves[0])["p"]
            with second: two = ex.predict(halves[1])["p"]
            with second: assert (two.get() == wanted[1]).all(), (first, second)
            with first: assert (one.get() == wanted[0]).all(), (first, second)
    """
    well(DIGITS + dedent(text), EMULATED_GPU_LATE="1")


def test_one_thread_trains_while_another_captures() -> None:
    """No call may wait for the whole GPU then: that would fail, and end the capture."""
    text = """
    from gpubp.backends.cuda import CupyDevice
    wanted, beside, real = trained(), [], CupyDevice.graph

    def graph(self, work):
        def both():
            work()
            if threading.current_thread() is threading.main_thread():
                other = threading.Thread(target=lambda: beside.append(trained()))
                other.start()
                other.join()
        return real(self, both)

    CupyDevice.graph = graph
    assert trained() == wanted
    assert beside
    assert all(found == wanted for found in beside)
    """
    well(DIGITS + dedent(text))


@pytest.mark.parametrize("allocator", ["None", "cupy.cuda.PythonFunctionAllocator(malloc, free).malloc"])
def test_memory_of_another_allocator(allocator: str) -> None:
    text = f"""
    wanted = trained()
    malloc, free = lambda size, device: runtime.malloc(size), lambda at, device: runtime.free(at)
    cupy.cuda.set_allocator({allocator})
    assert trained() == wanted
    assert gpubp.Executor(net, "gpu").backend.free_memory() is None, "what there is, only the allocator knows"
    """
    well(DIGITS + dedent(text))


def test_a_forked_process_says_that_it_cannot() -> None:
    text = """
    import os
    ex = gpubp.Executor(net, "gpu")
    for call in (lambda: ex.loss(rows), lambda: gpubp.Executor(net, "gpu")):
        if not (child := os.fork()):
            try: call()
            except gpubp.DeviceError as error: os._exit("this process was forked from" not in str(error))
            os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
    ex.loss(rows)
    """
    well(DIGITS + dedent(text))


def test_arrays_of_another_gpu() -> None:
    text = """
    wanted = trained()
    rows = {name: cupy.asarray(array) for name, array in rows.items()}
    assert trained(device="gpu:1") == wanted
    """
    well(DIGITS + dedent(text), EMULATED_GPUS="2")


def test_arrays_of_other_libraries_are_waited_for() -> None:
    """PyTorch's and JAX's have both interfaces, and only one of them says on which stream they are computed."""
    text = """
    class Foreign:
        def __init__(self, array, stream):
            self.array, self.stream = array, stream
            self.__cuda_array_interface__ = {**array.__cuda_array_interface__, "stream": None}

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

        def __dlpack__(self, **options):
            with self.stream:
                return self.array.__dlpack__(**options)

        def __array__(self, *_):
            raise TypeError("it is on a GPU")

    images = cupy.asarray(rows["image"])
    ex = gpubp.Executor(net, "gpu")
    wanted = ex.predict({"image": images})["p"].get()
    stream, late = cupy.cuda.Stream(non_blocking=True), cupy.zeros_like(images)
    cupy.cuda.Device().synchronize()
    with stream:
        late += images
    assert (ex.predict({"image": Foreign(late, stream)})["p"].get() == wanted).all()
    """
    well(DIGITS + dedent(text), EMULATED_GPU_LATE="1")
