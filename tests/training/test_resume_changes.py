"""What a resume may change, what it refuses to, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

import gpubp
from gpubp.executor import checkpoint
from gpubp.training import BEST, LAST, read

from .worlds import state, train, write_net


def files(base: Path) -> dict[str, bytes]:
    return {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("lr = 0.02", "lr = 0.03", "`optimizer` was `adam.lr = 0.02.* and is `adam.lr = 0.03"),
        ("tanh", "sigmoid", "the model has changed"),
        ("mse(p, y)", "mae(p, y)", "the loss has changed"),
        ("batch = 8", "batch = 9", "`batch` was `8` and is `9`"),
        ("train = 60%, valid = 20%", "train = 50%, valid = 30%", "`split` was"),
        ("  batch = 8", "  shuffle = false\n  batch = 8", "`shuffle` was `true` and is `false`"),
    ],
)
def test_another_experiment_does_not_go_on(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = write_net(tmp_path)
    train(path, out=tmp_path / "out", epochs=2)
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")
    with pytest.raises(gpubp.CheckpointError, match=message) as caught:
        train(path, resume=tmp_path / "out")
    assert "start = load(" in str(caught.value)


@pytest.mark.parametrize("first", ["", "batch = 32"])
def test_all_rows_in_an_update_and_a_batch_are_two_experiments(tmp_path: Path, first: str) -> None:
    """An optimizer of full batches has all rows if the file says nothing, and never the usual 32."""
    path = write_net(tmp_path, optimizer="rprop")
    text = path.read_text("utf-8")
    path.write_text(text.replace("batch = 8", first), "utf-8")
    train(path, out=tmp_path / "out", epochs=2)
    path.write_text(text.replace("batch = 8", "" if first else "batch = 32"), "utf-8")
    with pytest.raises(gpubp.CheckpointError, match=r"`batch` was `(all` and is `32|32` and is `all)`"):
        train(path, resume=tmp_path / "out")


def test_a_run_of_a_version_with_fewer_options_goes_on(tmp_path: Path) -> None:
    """Its checkpoint says nothing of an option that came later, and says of others that they are none."""
    path = write_net(tmp_path)
    whole = train(path)
    train(path, out=tmp_path / "out", epochs=2)
    saved = read(tmp_path / "out" / LAST)
    said = saved.about["net"]["data"]
    assert ", standardize = false" in said
    old = said.replace(", standardize = false", "").replace("scale = 1.0", "test = none, scale = 1.0, reshape = none")
    for text in (old.replace("= 1.0", "= 2.0"), old):
        environment = {**saved.about["environment"], "gpubp": "0.0.1"}
        about = {**saved.about, "net": {**saved.about["net"], "data": text}, "environment": environment}
        checkpoint.save(tmp_path / "out" / LAST, checkpoint.Saved(saved.state, about))
        if text != old:
            with pytest.raises(gpubp.CheckpointError, match="the data has changed"):
                train(path, resume=tmp_path / "out")
    other = tmp_path / "other.net"
    other.write_text(path.read_text("utf-8").replace('"y")', '"y", standardize = true)'), "utf-8")
    with pytest.raises(gpubp.CheckpointError, match="the data has changed"):
        train(other, resume=tmp_path / "out")
    assert state(train(path, resume=tmp_path / "out")) == state(whole)


def test_other_data_does_not_go_on(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    train(path, out=tmp_path / "out", epochs=2)
    with (tmp_path / "a.csv").open("a") as file:
        file.write("1,2,3,4\n")
    with pytest.raises(gpubp.CheckpointError, match=r"was trained on other data: `a\.csv` has changed"):
        train(path, resume=tmp_path / "out")


def test_layout_length_metrics_and_comments_may_change(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    whole = train(path)
    train(path, out=tmp_path / "out", epochs=2)
    text = path.read_text("utf-8").replace("epochs = 10", "# more\n  steps = 50\n  metrics = [mae(p, y)]")
    path.write_text(text.replace(" -> ", "\n    -> "), "utf-8")
    resumed = train(path, resume=tmp_path / "out")
    assert state(resumed) == state(whole)
    assert resumed.warnings == []


@pytest.mark.parametrize("optimizer", ["lbfgs", "levenberg_marquardt"])
def test_a_search_that_has_ended_goes_on_from_the_point_it_ended_at(tmp_path: Path, optimizer: str) -> None:
    """The last update made no trial, so the longer training starts another where the shorter one measured itself."""
    path = write_net(tmp_path, optimizer=optimizer)
    path.write_text(path.read_text("utf-8").replace("batch = 8", "precision = float64"), "utf-8")
    ended = train(path, out=tmp_path / "out", epochs=4)
    longer = train(path, resume=tmp_path / "out", epochs=8)
    assert longer.history[0]["train.loss"] == pytest.approx(ended.metrics["train.loss"], rel=1e-12)
    assert longer.metrics["train.loss"] < ended.metrics["train.loss"]


def test_a_schedule_over_another_length_is_told(tmp_path: Path) -> None:
    path = write_net(tmp_path, keys="  schedule = cosine\n")
    train(path, out=tmp_path / "out", epochs=2)
    told = "the length of the training has changed, and its schedule may depend on it"
    assert train(path, resume=tmp_path / "out").warnings == [told]
    assert train(path, resume=tmp_path / "out", epochs=2).warnings == []


def test_another_machine_is_told(tmp_path: Path) -> None:
    path, out = write_net(tmp_path), tmp_path / "out"
    train(path, out=out, epochs=2)
    saved = read(out)
    environment = {**saved.about["environment"], "numpy": "1.0"}
    checkpoint.save(out / LAST, checkpoint.Saved(saved.state, {**saved.about, "environment": environment}))
    resumed = train(path, resume=out)
    (warning,) = resumed.warnings
    assert "numpy 1.0, now" in warning
    assert "may differ in its last digits" in warning


def test_a_run_without_a_checkpoint(tmp_path: Path) -> None:
    path, out = write_net(tmp_path), tmp_path / "out"
    train(path, out=out, epochs=1)
    for file in (LAST, "env.json"):  # the last that are written, in the other order
        (out / file).unlink()
        with pytest.raises(gpubp.CheckpointError, match="has no checkpoint: it ended before the first one was saved"):
            train(path, resume=out)
    train(path, out=out, epochs=1)  # and its folder may be taken
    assert read(out).about["step"] == 5


def test_half_a_line_of_metrics_is_no_harm(tmp_path: Path) -> None:
    path, out = write_net(tmp_path), tmp_path / "out"
    train(path, out=tmp_path / "whole")
    train(path, out=out, epochs=4)
    with (out / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 5.0, "st')
    train(path, out=out, resume=out)
    assert (out / "metrics.jsonl").read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize("source", ["a", "a/last.safetensors"])
def test_a_resume_into_another_folder_leaves_the_first_alone(tmp_path: Path, source: str) -> None:
    path = write_net(tmp_path)
    whole = train(path, out=tmp_path / "whole")
    train(path, out=tmp_path / "a", epochs=4)
    before = files(tmp_path / "a")
    resumed = train(path, out=tmp_path / "b", resume=tmp_path / source)
    assert files(tmp_path / "a") == before
    assert state(resumed) == state(whole)
    for name in (LAST, BEST, "metrics.jsonl"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
