"""The algorithms of large products, as real CuPy chooses them on an emulated GPU and its doubles of cuBLASLt's: each of
another order of sums, so that the bytes of a training tell which was taken."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from .test_emulated import pytestmark, well  # noqa: F401 - skips these, too

BEGIN = """
    import os, gpubp
    from benchmarks.gpu_cases import Case, materials, text
    from gpubp.backends.cuda import cublaslt, gpu
    from gpubp.render.cuda import gemm
    cublaslt.LARGE, gemm.MIDDLE, gpu.GpuNumbers.PERIOD = 1, 0, 1009
    case, measured, timed = Case("small", (64, 32, 10), 32), gpu.GpuBench.times, []
    rows = {k: v for k, v in materials(case).items() if k in "xy"}

    def times(self, works, rounds):
        found = measured(self, works, rounds)
        assert len(found) == len(works) and all(0 <= time < 1e5 for each in found for time in each)
        timed.append(len(works))
        return [[0.0 if k == liked else 1.0] * rounds for k in range(len(works))]

    gpu.GpuBench.times = times
"""
CHOSEN = """
    def train(folder, like, **variables):
        global liked
        liked = like
        timed.clear()
        os.environ.update(variables, XDG_CACHE_HOME=f"{TMP}/{folder}")
        ex = gpubp.Executor(gpubp.loads(text(case)), "gpu")
        ex.run_steps(ex.place(rows), 3, case.batch)
        for name in variables: del os.environ[name]
        return b"".join(np.asarray(value).tobytes() for value in ex.state_dict().values())

    first, backwards = train("first", 0), train("backwards", 1)
    assert max(timed) == 4, timed
    assert first != backwards
    assert train("backwards", 0) == backwards and not timed, "another choice than before"
    assert train("unsteady", 1, EMULATED_GPU_UNSTEADY="1") == first
    assert train("refuses", 9, EMULATED_GPU_REFUSES="0") == backwards and max(timed) == 3
    gpu.GpuNumbers.PERIOD = 1 << 31
    assert train("full", 1) == first and not timed
    gpu.GpuNumbers.PERIOD = 1009
    assert train("full", 1) == first and not timed, "not for good"
"""
RESUMED = """
    rows, net = {k: v.astype("int64") if k == "y" else v for k, v in rows.items()}, gpubp.loads(text(case))

    def bytes_of(folder, like, epochs, **options):
        global liked
        liked, os.environ["XDG_CACHE_HOME"] = like, f"{TMP}/{folder}"
        run = gpubp.train(net, "gpu", data=rows, epochs=epochs, **options)
        return [np.asarray(value).tobytes() for value in run.executor.state_dict().values()]

    whole = bytes_of("a", 1, 4)
    assert bytes_of("b", 0, 4) != whole
    bytes_of("a", 1, 2, out=f"{TMP}/run")
    assert bytes_of("b", 0, 4, resume=f"{TMP}/run") == whole
"""


@pytest.mark.parametrize("late", [{}, {"EMULATED_GPU_LATE": "1"}])
def test_algorithms_of_large_products(tmp_path: Path, late: dict[str, str]) -> None:
    """Chosen by the events of real CuPy; one that gives other bits each time or does not run is not taken, and without
    memory to try them it is the first."""
    well(f"TMP = {str(tmp_path)!r}\n" + textwrap.dedent(BEGIN + CHOSEN), EMULATED_GPU_MIB="4096", **late)


def test_a_resume_takes_the_algorithms_of_its_run(tmp_path: Path) -> None:
    """On a machine that has chosen others: the bytes of the run that was not stopped."""
    well(f"TMP = {str(tmp_path)!r}\n" + textwrap.dedent(BEGIN + RESUMED))
