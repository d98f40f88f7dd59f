"""Nets that differ in numbers alone on a GPU, as one program: a block for each net, or a graph for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.executor import Sweep
from gpubp.render import CudaSource
from gpubp.training import begin_search, run_search, searching
from gpubp.training.sweeps import grouped
from tests.executor.nets import rows
from tests.executor.test_side_by_side import MIXED, RATES, as_alone, nets
from tests.render.test_number_table import text_of
from tests.training.test_sweeps import write


@pytest.mark.parametrize(("width", "precision"), [("4", "float32"), ("800", "float64")], ids=["blocks", "a graph"])
def test_each_is_the_net_alone(width: str, precision: str) -> None:
    """Rates, decays, shares of dropout, a smaller last batch; and the figures."""
    texts = [text_of(**one).replace("epochs", f"precision = {precision}\n  epochs") for one in MIXED[:3]]
    sweep = Sweep([gpubp.loads(text.replace("dense(4)", f"dense({width})")) for text in texts], "gpu")
    as_alone(sweep, "auto", rows(22), "gpu")
    made = sweep._alone.native("train", 5)
    assert made is not None
    assert isinstance(made[0], CudaSource)
    assert (made[0].block is not None) is (width == "4")
    assert all(mode == "measure" for mode, *_ in sweep._together._compiled), "no update ran beside those of a block"


def test_nets_with_each_others_numbers_are_found() -> None:
    """The check of the test above."""
    sweep = Sweep(nets("OPTIMIZER", RATES[:3]), "gpu")
    sweep._alone.compiled("train", 5)
    for name in sweep._names.values():
        sweep.arrays[name][...] = sweep.xp.roll(sweep.arrays[name], 1)
    with pytest.raises(AssertionError):
        as_alone(sweep, "auto", rows(22), "gpu")


def test_one_that_diverges_leaves_the_others_alone() -> None:
    sick, well = (Sweep(nets("OPTIMIZER", RATES[:3]), "gpu") for _ in range(2))
    for each in (sick, well):
        each.run_steps(each.place(rows(20)), 4, 5)
    sick.arrays["parameters"][1, :3] = np.inf
    ours, theirs = (sick.backend.to_host(each.run_steps(each.place(rows(20)), 5, 5)[0]) for each in (sick, well))
    assert list(sick.diverged) == [1]
    np.testing.assert_array_equal(ours[[0, 2]], theirs[[0, 2]])


def test_a_search_gives_the_trials_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, found = write(tmp_path, length="epochs = 3", regular=" -> dropout(rate)"), []
    for k in range(2):
        told, begun = begin_search(file, {}, trials=3, out=tmp_path / str(k)), list[Sequence[int]]()
        assert run_search(told, "gpu", begun=begun.append)
        assert begun == ([[1, 2, 3]] if k == 0 else [[1], [2], [3]])
        found.append([replace(trial, seconds=0.0) for trial in told.done])
        monkeypatch.setattr(searching, "grouped", lambda task, asked, *_: grouped(task, asked, "gpu", 1))
    assert found[0] == found[1]
