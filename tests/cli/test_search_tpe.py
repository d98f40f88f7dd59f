"""`search --method tpe`: suggestions that learn from earlier trials, the same ones after an interruption."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from gpubp.frontend import Domain
from gpubp.training import Search, Trial, begin_search, resume_search, run_search
from gpubp.training.tpe import FIRST, ROUND, learned
from gpubp.training.trials import RANDOM, settings

from .test_search import net, trials
from .worlds import Call

SPACE = {
    "rate": Domain(first=1e-4, last=1.0, log=True),
    "share": Domain(first=0.0, last=0.5),
    "width": Domain(("4", "8", "16", "32", "64")),
    "many": Domain(first=1, last=5000, whole=True),
    "word": Domain(("tanh", "relu", "gelu")),
}


def bowl(params: dict[str, str]) -> float:
    """Least, 0, at rate 0.01, share 0.2, width 16, many 2500 and relu."""
    return (
        (math.log10(float(params["rate"])) + 2) ** 2
        + 20 * (float(params["share"]) - 0.2) ** 2
        + abs(math.log2(int(params["width"])) - 4) / 2
        + ((int(params["many"]) - 2500) / 2500) ** 2
        + (params["word"] != "relu")
    )


def made(
    count: int,
    seed: int = 0,
    *,
    value: Callable[[dict[str, str]], float | None] = bowl,
    before: tuple[Trial, ...] = (),
    space: dict[str, Domain] = SPACE,
    rising: bool = False,
) -> list[Trial]:
    """So many trials; those `before` are not made again."""
    done = list(before)
    for some in learned(space, seed, done, count, rising=rising):
        left = (one for one in some if one[0] > len(done))
        done += [Trial(number, params, value(params), 1, 0.0) for number, params in left]
    return done


def by_number(trial: dict[str, Any]) -> int:
    return int(trial["number"])


def test_it_finds_better_params_than_chance() -> None:
    chance = [min(bowl(params) for params in islice(settings(SPACE, RANDOM, seed), 40)) for seed in range(9)]
    learnt = [min(trial.value or 0.0 for trial in made(40, seed)) for seed in range(9)]
    assert median(learnt) < 0.75 * median(chance)


def test_suggestions_depend_on_the_seed_and_the_trials_before_alone() -> None:
    whole = made(FIRST + 6)
    assert [trial.params for trial in whole[:FIRST]] == list(islice(settings(SPACE, RANDOM, 0), FIRST))
    for cut in (0, 3, FIRST, FIRST + 1, FIRST + 5):
        assert made(FIRST + 6, before=tuple(whole[:cut])) == whole
    assert made(FIRST + 2, seed=1) != whole[: FIRST + 2]
    other = made(FIRST + 2, value=lambda params: -bowl(params))
    assert other[-1].params != whole[FIRST + 1].params


def test_trials_of_a_round_are_apart_and_do_not_wait_for_each_other() -> None:
    done: list[Trial] = []
    rounds = learned(SPACE, 0, done, FIRST + 2 * ROUND, rising=False)
    for size in (FIRST, ROUND, ROUND):
        some = next(rounds)
        assert [number for number, _ in some] == [*range(len(done) + 1, len(done) + size + 1)]
        assert len({tuple(params.values()) for _, params in some}) == size
        done += [Trial(number, params, bowl(params), 1, 0.0) for number, params in reversed(some)]
    assert next(rounds, None) is None


def test_the_highest_is_looked_for_where_more_is_better() -> None:
    up, down = made(FIRST + 4, value=lambda params: -bowl(params), rising=True), made(FIRST + 4)
    assert [trial.params for trial in up] == [trial.params for trial in down]


def test_values_stay_within_their_domains() -> None:
    for trial in made(30):
        assert 1e-4 <= float(trial.params["rate"]) <= 1
        assert 0 <= float(trial.params["share"]) <= 0.5
        assert trial.params["width"] in SPACE["width"].values
        assert 1 <= int(trial.params["many"]) <= 5000
        assert trial.params["word"] in SPACE["word"].values


def test_trials_that_fail_are_kept_away_from() -> None:
    """All with `relu` fail, and are soon left alone."""
    found = made(40, value=lambda params: None if params["word"] == "relu" else bowl(params))
    assert sum(trial.value is None for trial in found[25:]) <= 3
    assert len(made(FIRST + 3, value=lambda params: None)) == FIRST + 3


def test_no_two_are_alike_and_none_is_missed() -> None:
    space = {"width": SPACE["width"], "word": SPACE["word"], "one": Domain(first=3.0, last=3.0)}
    found = made(20, value=lambda params: float(params["width"]), space=space)
    assert len({tuple(trial.params.values()) for trial in found}) == len(found) == 15


def test_a_search_goes_on_with_the_same_suggestions(call: Call, tmp_path: Path) -> None:
    net(tmp_path)
    words = ("--device", "cpu", "--quiet")
    begun = ("search", "a.net", "--epochs", "1", "--method", "tpe", *words)
    assert call(*begun, "--trials", "14", "--out", "whole").code == 0
    assert call(*begun, "--trials", "12", "--out", "s").code == 0
    assert json.loads((tmp_path / "s/search.json").read_text("utf-8"))["method"] == "tpe"
    more = call("search", "--resume", "s", "--trials", "14", "--device", "cpu")
    assert more.code == 0, more.err
    assert "14 trials, chosen by TPE with the seed 0" in more.out
    assert trials(tmp_path / "s") == trials(tmp_path / "whole")


def _has_done(told: Search, count: int) -> bool:
    return len(told.done) >= count


def test_a_search_that_is_stopped_in_a_round_goes_on_with_it(tmp_path: Path) -> None:
    """Its trials are of two shapes, and each shape is trained by itself."""
    net(tmp_path)
    file, how = str(tmp_path / "a.net"), {"trials": FIRST + ROUND + 1, "method": "tpe", "epochs": 1}
    assert run_search(begin_search(file, {}, out=tmp_path / "whole", **how), "cpu")
    stopped = begin_search(file, {}, out=tmp_path / "s", **how)
    for seen in (1, FIRST + 1):
        assert not run_search(stopped, "cpu", stopping=partial(_has_done, stopped, seen))
        assert len(trials(tmp_path / "s")) not in (0, FIRST, FIRST + ROUND)
        stopped = resume_search(tmp_path / "s")
    assert run_search(stopped, "cpu")
    assert sorted(trials(tmp_path / "s"), key=by_number) == sorted(trials(tmp_path / "whole"), key=by_number)


def test_a_round_is_divided_among_processes(call: Call, tmp_path: Path) -> None:
    net(tmp_path)
    words = ("--epochs", "1", "--method", "tpe", "--trials", str(FIRST + ROUND), "--device", "cpu")
    for folder, jobs in (("one", "1"), ("two", "2")):
        said = call("search", "a.net", *words, "--jobs", jobs, "--out", folder)
        assert said.code == 0, said.err
    one, two = (sorted(trials(tmp_path / folder), key=by_number) for folder in ("one", "two"))
    assert one == two


def test_all_combinations_need_no_method(call: Call, tmp_path: Path) -> None:
    net(tmp_path)
    said = call("search", "a.net", "--set", "rate=0.1", "--method", "tpe", "--device", "cpu", "--epochs", "1")
    assert "2 trials, all combinations" in said.out


def test_without_optuna(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net(tmp_path)
    assert call("search", "a.net", "--epochs", "1", "--trials", "1", "--method", "tpe", "--out", "s").code == 0
    monkeypatch.setitem(sys.modules, "optuna", None)
    for words in (("a.net", "--method", "tpe"), ("--resume", "s")):
        said = call("search", *words)
        assert (said.code, said.out) == (2, "")
        help = "`pip install 'gpubp[search]'` brings it"
        assert said.err == f"error: the method `tpe` needs optuna, which is not installed: {help}\n"
