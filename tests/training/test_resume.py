"""A run that was stopped and resumed is, to the bit, the run that was not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.training import LAST, Saved, read, save

from .worlds import state, train, write_net

OPTIMIZERS = ["adam(lr = 0.02)", "adamw(lr = 0.02)", "sgd(lr = 0.02, momentum = 0.9)", "rmsprop(lr = 0.01)"]


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_ten_epochs_are_five_and_five(tmp_path: Path, optimizer: str, precision: str) -> None:
    path = write_net(tmp_path, optimizer=optimizer, regular=" -> dropout(30%)", keys="  metrics = [r2(p, y)]\n")
    whole = train(path, precision=precision)
    train(path, precision=precision, epochs=5, out=tmp_path / "out")
    resumed = train(path, precision=precision, resume=tmp_path / "out")
    assert state(resumed) == state(whole)
    assert resumed.history == whole.history[5:]
    assert resumed.metrics == whole.metrics


def test_resumed_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    path = write_net(tmp_path, regular=" -> dropout(30%)")
    whole = train(path)
    train(write_net(tmp_path, regular=" -> dropout(30%)", length="steps = 13"), out=tmp_path / "out")
    resumed = train(write_net(tmp_path, regular=" -> dropout(30%)"), resume=tmp_path / "out")
    assert state(resumed) == state(whole)
    assert [record["step"] for record in resumed.history] == [15, 20, 25, 30, 35, 40, 45, 50]


def test_resumed_again_and_again(tmp_path: Path) -> None:
    path, out = write_net(tmp_path), tmp_path / "out"
    train(path, epochs=1, out=out)
    for epochs in range(2, 11):
        run = train(path, epochs=epochs, out=out, resume=out)
    assert state(run) == state(train(path))


def test_the_seed_goes_with_the_state(tmp_path: Path) -> None:
    """Also the split: rows that were held back for testing must not be trained on after a resume."""
    path = write_net(tmp_path)
    whole = train(path, seed=9)
    train(path, seed=9, epochs=5, out=tmp_path / "out")
    resumed = train(path, resume=tmp_path / "out")
    assert resumed.executor.seed == 9
    np.testing.assert_array_equal(resumed.dataset.parts["test"], whole.dataset.parts["test"])
    assert state(resumed) == state(whole)
    assert resumed.metrics == whole.metrics
    assert state(train(path, seed=9, resume=tmp_path / "out")) == state(whole)
    with pytest.raises(gpubp.CheckpointError, match="with the seed 9 and cannot continue with 1"):
        train(path, seed=1, resume=tmp_path / "out")


def test_resuming_what_is_done_only_measures(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    whole = train(path, out=tmp_path / "out")
    again = train(path, resume=tmp_path / "out")
    assert again.history == []
    assert again.metrics == whole.metrics
    assert state(again) == state(whole)


def test_equal_runs_are_equal_files(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    run = train(path, out=tmp_path / "deep" / "0", epochs=2)
    folder = tmp_path / "deep" / "0"
    assert {file.name for file in folder.iterdir()} == {
        *("written.net", "resolved.net", "env.json", "metrics.jsonl", "health.jsonl"),
        *("last.safetensors", "best.safetensors"),
    }
    found = read(folder).state
    assert {name: array.tobytes() for name, array in found.items()} == state(run)
    assert all(found[name].shape == array.shape for name, array in run.executor.state_dict().items())
    assert read(folder / LAST).state.keys() == found.keys()
    first = (folder / LAST).read_bytes()
    for number in range(1, 4):
        train(path, out=str(tmp_path / "deep" / str(number)), epochs=2)
        assert (tmp_path / "deep" / str(number) / LAST).read_bytes() == first, "two runs with one seed: the same bytes"


def test_algorithms_that_were_chosen_by_their_times(tmp_path: Path) -> None:
    """They are part of what is saved, and a resume begins with them, whatever its machine would choose."""
    path = write_net(tmp_path)
    seen: list[dict[str, int]] = []

    def look(run: gpubp.Run) -> None:
        seen.append(dict(run.executor.backend.algorithms))
        run.executor.backend.algorithms["a product"] = 3

    train(path, out=tmp_path / "out", epochs=2, callbacks=[look])
    assert read(tmp_path / "out").about["algorithms"] == {"a product": 3}
    assert json.loads((tmp_path / "out" / "env.json").read_text("utf-8"))["algorithms"] == {"a product": 3}
    assert seen[0] == {}
    seen.clear()
    train(path, resume=tmp_path / "out", epochs=3, callbacks=[look])
    assert seen == [{"a product": 3}]


def test_any_layout_is_saved_right(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "fortran": np.asfortranarray(rng.normal(size=(3, 4))),
        "strided": rng.normal(size=(6, 8))[::2, ::-2],
        "transposed": rng.normal(size=(2, 3, 4)).T,
        "broadcast": np.broadcast_to(rng.normal(size=(3, 1)), (3, 5)),
        "other end first": rng.normal(size=(3, 2)).astype(">f4"),
        "scalar": np.array(3, dtype=np.int64),
        "empty": np.zeros((0, 3), dtype=np.float32),
        "flags": rng.normal(size=(3, 3)).T > 0,
    }
    save(tmp_path / "a.safetensors", Saved(arrays, {"step": 7}))
    found = read(tmp_path / "a.safetensors")
    assert found.about["step"] == 7
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.state[name], array)
        assert found.state[name].dtype == array.dtype.newbyteorder("=")
        assert found.state[name].shape == array.shape


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read `.*nowhere`: no such file or directory"),
        (b"", "is not a saved state"),
        (b"\x00" * 100, "is not a saved state"),
        (b"some text that is long enough to be read", "is not a saved state"),
    ],
)
def test_what_cannot_be_resumed_from(tmp_path: Path, content: bytes | None, message: str) -> None:
    place = tmp_path / "nowhere"
    if content is not None:
        place = tmp_path / "broken.safetensors"
        place.write_bytes(content)
    with pytest.raises(gpubp.CheckpointError, match=message):
        train(write_net(tmp_path), resume=place)


def test_a_state_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    train(path, out=tmp_path / "out", epochs=1)
    file = tmp_path / "out" / LAST
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(gpubp.CheckpointError, match="is not a saved state"):
        train(path, resume=tmp_path / "out")


def test_a_folder_without_a_state(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(gpubp.CheckpointError, match=r"cannot read .*no such file"):
        train(write_net(tmp_path), resume=tmp_path / "out")


def test_a_state_of_another_net(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    train(path, out=tmp_path / "out", epochs=1)
    path.write_text(path.read_text("utf-8").replace("dense(6)", "dense(7)"), "utf-8")
    with pytest.raises(gpubp.CheckpointError) as caught:
        train(path, resume=tmp_path / "out")
    assert str(caught.value).startswith(
        f"`{tmp_path / 'out'}` cannot continue as `{path}`: `p.dense.weight` has shape (3, 6)"
    )


def test_seed_and_precision_are_those_of_the_state(tmp_path: Path) -> None:
    path, out = write_net(tmp_path), tmp_path / "out"
    whole = train(path, precision="float64", seed=3)
    train(path, precision="float64", seed=3, out=out, epochs=2)
    resumed = train(path, out=out, resume=out)
    assert state(resumed) == state(whole)
    assert (resumed.executor.dtype, resumed.executor.seed) == ("float64", 3)
    alone = gpubp.load(out / "resolved.net")
    assert (alone.dtype, alone.option("seed"), alone.option("epochs")) == ("float64", 3, 10)
    with pytest.raises(gpubp.CheckpointError, match="with the precision float64 and cannot continue with float32"):
        train(path, resume=out, precision="float32")
    with pytest.raises(gpubp.CheckpointError, match="with the seed 3 and cannot continue with 4"):
        train(path, resume=out, seed=4)


def test_a_place_that_cannot_be_saved_to_is_told_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    called: list[gpubp.Run] = []
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(gpubp.CheckpointError, match=r"cannot save to .*file` is not a directory"):
            train(write_net(tmp_path), out=out, callbacks=[called.append])
    assert not called
    assert (tmp_path / "file").read_text() == "here"
