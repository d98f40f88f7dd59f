"""Seeds of a net on a GPU, side by side: a block for each, on rows of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpubp.executor import Abreast
from tests.training.test_abreast import CASES, net_of, seeds_as_alone


@pytest.mark.parametrize("case", ["plain", "all rows at once", "dropout"])
def test_each_seed_is_the_training_alone(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run, done = Abreast.run, list[int]()

    def counted(self: Abreast, members: list[int], steps: int) -> object:
        found = run(self, members, steps)
        done.append(len(found))
        return found

    monkeypatch.setattr(Abreast, "run", counted)
    seeds_as_alone(net_of(tmp_path, **CASES[case] | {"length": "epochs = 3"}), 2, "gpu")
    assert {*done} == {2}
