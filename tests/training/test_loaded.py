"""A run read back: predictions and figures on new tables, whatever the batch; tables that do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.registry import ENTRIES
from gpubp.training import BEST, LAST

from .worlds import train, write_net

ROWS = "a,b,kind\n" + "".join(f"{i},{i % 7 - 3},{'xyz'[i % 3]}\n" for i in range(60))
NET = """
data {{ x, y = csv("t.csv", target = "kind"{options})
  split = split(train = 60%, valid = 20%, test = 20%, stratify = y) }}
model {{ input x: [?]
  target y: class(?)
  output p = x -> dense(8) -> tanh -> dense(3) -> softmax
  output size = x -> dense(2) }}
train {{ loss = cross_entropy(p, y) + 0.1 * mean(abs(size))
  optimizer = adam(lr = 0.05)
  metrics = [accuracy(p, y)]
  epochs = 5 }}
"""


def trained(place: Path, options: str = "") -> gpubp.Run:
    (place / "t.csv").write_text(ROWS, "utf-8")
    (place / "t.net").write_text(NET.format(options=options), "utf-8")
    return train(place / "t.net", out=place / "run")


@pytest.mark.parametrize("options", ["", ", standardize = true", ", scale = 0.1", ", scale = 1/16, standardize = true"])
def test_a_table_is_encoded_as_the_training_rows_were(tmp_path: Path, options: str) -> None:
    run = trained(tmp_path, options)
    loaded = gpubp.load_run(tmp_path / "run", "cpu")
    encoded = loaded.rows(tmp_path / "t.csv", targets=True).arrays
    for name, values in run.dataset.columns.items():
        np.testing.assert_array_equal(encoded[name], values)
    assert loaded.evaluate(tmp_path / "t.csv") == run.executor.evaluate(encoded)


def test_columns_are_found_by_name_and_words_come_back(tmp_path: Path) -> None:
    trained(tmp_path)
    loaded = gpubp.load_run(tmp_path / "run", "cpu")
    (tmp_path / "new.csv").write_text("b;kind;a\n-3;;0\n3;;13\n", "utf-8")
    outputs = loaded.predict(tmp_path / "new.csv")
    direct = loaded.predict({"x": [[0, -3], [13, 3]]})
    for name in ("p", "size"):
        np.testing.assert_array_equal(outputs[name], direct[name])
    words = loaded.labels(outputs)["y"]
    assert list(words) == ["xyz"[i] for i in outputs["p"].argmax(axis=1)]
    (tmp_path / "one.csv").write_text("a,b,kind\n1,2,z\n", "utf-8")
    assert loaded.rows(tmp_path / "one.csv", targets=True).arrays["y"] == [2], "not the first class of that file"


NEXT = """
data {{ text, k = csv("words.csv", columns = [["a", "b", "c"], "k"]) }}
model {{
  input  text: class(?words)[3]
  target k: class(?)
  h = text -> slice(0, 2) -> embedding(8) -> gru(8)
  {outputs} = h -> dense(words) -> softmax
  {next}
}}
train {{
  loss      = cross_entropy(p, {compared})
  optimizer = adam(lr = 0.1)
  epochs    = 60
}}
"""


@pytest.mark.parametrize(
    ("outputs", "next", "compared", "called"),
    [
        ("output p", "next = slice(text, 1, 3)", "next", "next"),
        ("output p", "next = flatten(reshape(slice(text, 1, 3), [2, 1]))", "next", "next"),
        ("output p", "", "slice(text, 1, 3)", "text"),
        ("output p", "output next = slice(text, 1, 3)", "next", "text"),
        ("output p", "next = stack(slice(text, 1, 2), slice(text, 2, 3)) -> reshape([2])", "next", "next"),
        ("output p", "next = concat(slice(text, 1, 2), stack(k))", "next", ""),
    ],
)
def test_labels_that_were_moved_keep_their_words(
    tmp_path: Path, outputs: str, next: str, compared: str, called: str
) -> None:
    """Of a model of the next word; labels of two names may have words of either, and are numbers."""
    (tmp_path / "words.csv").write_text("a,b,c,k\nthe,cat,sat,the\ncat,sat,the,cat\nsat,the,cat,sat\n", "utf-8")
    (tmp_path / "t.net").write_text(NEXT.format(outputs=outputs, next=next, compared=compared), "utf-8")
    train(tmp_path / "t.net", out=tmp_path / "run")
    loaded = gpubp.load_run(tmp_path / "run", "cpu")
    labels = loaded.labels(loaded.predict(tmp_path / "words.csv"))
    assert list(labels) == ([called] if called else [])
    if called:
        assert labels[called].tolist() == [["cat", "sat"], ["sat", "the"], ["the", "cat"]]


def test_a_run_answers_as_it_does_when_it_is_read_back(tmp_path: Path) -> None:
    run = trained(tmp_path, ", standardize = true")
    loaded = gpubp.load_run(tmp_path / "run", "cpu")
    (tmp_path / "new.csv").write_text("b,a\n-3,0\n3,13\n", "utf-8")
    for inputs in (tmp_path / "new.csv", [[0.5, -1], [1, 2]]):
        outputs = run.predict(inputs)
        np.testing.assert_array_equal(outputs["p"], loaded.predict(inputs)["p"])
        assert run.labels(outputs)["y"].tolist() == loaded.labels(outputs)["y"].tolist()
    assert run.evaluate(tmp_path / "t.csv") == loaded.evaluate(tmp_path / "t.csv")
    assert (run.net, run.words) == (run.executor.net, {"y": ("x", "y", "z")})


def test_labels_of_the_array_of_a_single_output(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(ROWS, "utf-8")
    (tmp_path / "t.net").write_text(NET.format(options="").replace("output size", "size"), "utf-8")
    run = train(tmp_path / "t.net")
    outputs = run.predict([[0, -3], [13, 3]])
    assert list(run.labels(outputs)["y"]) == ["xyz"[i] for i in outputs.argmax(axis=1)]


@pytest.mark.parametrize("batch", [1, 2, 7, 33, 60, 1000])
def test_batches_do_not_matter(tmp_path: Path, batch: int) -> None:
    trained(tmp_path)
    loaded = gpubp.load_run(tmp_path / "run", "cpu")
    whole, part = (loaded.predict(tmp_path / "t.csv", n) for n in (4096, batch))
    for name, values in whole.items():
        np.testing.assert_allclose(part[name], values, rtol=3e-6, atol=1e-7)
    first, second = (loaded.evaluate(tmp_path / "t.csv", n) for n in (4096, batch))
    assert first == pytest.approx(second, rel=1e-6)
    for wrong in (0, -1, 2.5):
        with pytest.raises(gpubp.InputError, match="batch must be a whole number of at least 1"):
            loaded.predict(tmp_path / "t.csv", wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,c\n1,2\n", "has no column `b`, which `x` is made of"),
        ("1,2\n3,4\n", "has no columns `a`, `b`, which `x` is made of"),
        ("a,b\n1,two\n", "line 2, column `b`: `two` is"),
        ("a,b\n1,\n", "no row can be used"),
        ("a,b\n1,2,3\n", "3 cells, where the header has 2"),
        ("a,b\n", "has a header, but no rows"),
        ("", "is empty"),
        ("a,b\n1,inf\n", "is not a finite number"),
    ],
)
def test_tables_that_do_not_fit(tmp_path: Path, text: str, message: str) -> None:
    trained(tmp_path)
    (tmp_path / "new.csv").write_text(text, "utf-8")
    with pytest.raises(gpubp.DataError, match=message):
        gpubp.load_run(tmp_path / "run", "cpu").predict(tmp_path / "new.csv")


def test_a_class_that_the_run_does_not_know(tmp_path: Path) -> None:
    trained(tmp_path)
    (tmp_path / "new.csv").write_text("a,b,kind\n1,2,x\n3,4,w\n5,6,w\n", "utf-8")
    with pytest.raises(gpubp.DataError, match="line 3, column `kind`: class `w` does not occur"):
        gpubp.load_run(tmp_path / "run", "cpu").evaluate(tmp_path / "new.csv")


def test_rows_written_in_the_file_are_given_in_order(tmp_path: Path) -> None:
    text = """
data { x = [[0, 0], [0, 1], [1, 0], [1, 1]]
  y = [[0], [1], [1], [0]] }
model { input x: [2]
  target y: [1]
  output p = x -> dense(3) -> tanh -> dense(1) -> sigmoid }
train { loss = binary_cross_entropy(p, y)
  optimizer = adam
  epochs = 2 }
"""
    gpubp.train(gpubp.loads(text), "cpu", out=tmp_path / "run")
    loaded = gpubp.load_run(tmp_path / "run", "cpu")
    (tmp_path / "new.csv").write_text("u,v\n0,1\n1,1\n", "utf-8")
    np.testing.assert_array_equal(loaded.predict(tmp_path / "new.csv")["p"], loaded.predict([[0, 1], [1, 1]]))
    (tmp_path / "new.csv").write_text("0,1,2\n1,1,2\n", "utf-8")
    with pytest.raises(gpubp.DataError, match="has 3 columns, but `x` takes 2"):
        loaded.predict(tmp_path / "new.csv")
    with pytest.raises(gpubp.DataError, match=r"help: .*: an \.npz file"):
        loaded.evaluate(tmp_path / "new.csv")
    rows = {"x": [[0, 1], [1, 1]], "y": [[1], [0]]}
    np.savez(tmp_path / "new.npz", **rows)
    assert loaded.evaluate(tmp_path / "new.npz") == loaded.evaluate(rows)


def test_one_checkpoint_of_a_run(tmp_path: Path) -> None:
    run = train(write_net(tmp_path, optimizer="adam(lr = 0.3)", length="epochs = 30"), out=tmp_path / "run")
    best = gpubp.load_run(tmp_path / "run" / BEST, "cpu")
    losses = [record["valid.loss"] for record in run.history]
    assert best.executor.evaluate(run.dataset.part("valid"))["loss"] == min(losses)
    assert best.path == tmp_path / "run"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (None, "is not a run: no such file or directory"),
        ("resolved.net", "is not a run: it has no `resolved.net`"),
        ("last.safetensors", "has no checkpoint"),
        ("metrics.jsonl", "is not a run: it has no `metrics.jsonl`"),
    ],
)
def test_what_is_no_run(tmp_path: Path, spoil: str | None, message: str) -> None:
    if spoil is not None:
        train(write_net(tmp_path), out=tmp_path / "run", epochs=1)
        (tmp_path / "run" / spoil).unlink()
    with pytest.raises(gpubp.CheckpointError, match=message):
        gpubp.load_run(tmp_path / "run", "cpu")


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, '{"base": 3}', "\0\0"])
def test_env_that_is_damaged(tmp_path: Path, content: str) -> None:
    train(write_net(tmp_path), out=tmp_path / "run", epochs=1)
    (tmp_path / "run" / "env.json").write_text(content, "utf-8")
    if content == '{"base": 3}':
        assert gpubp.load_run(tmp_path / "run", "cpu").executor.step == 5
    else:
        with pytest.raises(gpubp.CheckpointError, match=r"env\.json` is damaged"):
            gpubp.load_run(tmp_path / "run", "cpu")


def test_an_edited_model_does_not_take_the_weights(tmp_path: Path) -> None:
    trained(tmp_path)
    file = tmp_path / "run" / "resolved.net"
    text = file.read_text("utf-8")
    file.write_text(text.replace("cross_entropy(p, y)", "2 * cross_entropy(p, y)"), "utf-8")
    gpubp.load_run(tmp_path / "run", "cpu")
    file.write_text(text.replace("tanh", "relu"), "utf-8")
    with pytest.raises(gpubp.CheckpointError, match="the weights in its folder are of different models"):
        gpubp.load_run(tmp_path / "run", "cpu")


@pytest.mark.parametrize("name", [LAST, BEST])
def test_a_checkpoint_of_another_run(tmp_path: Path, name: str) -> None:
    """Of the same model: its figures would be those of other weights. By its own name a copy is loaded."""
    path = write_net(tmp_path, length="epochs = 2\n  early_stop = early_stop(valid.loss, patience = 2epochs)")
    for seed in (0, 1):
        train(path, out=tmp_path / f"run-{seed}", seed=seed)
    (tmp_path / "run-1" / name).replace(tmp_path / "run-0" / name)
    for use in (gpubp.load_run, lambda run: train(path, resume=run)):
        with pytest.raises(gpubp.CheckpointError, match="of another run, which differs in `seed`"):
            use(tmp_path / "run-0")
    copy = (tmp_path / "run-0" / name).rename(tmp_path / "run-0" / "copy.safetensors")
    assert gpubp.load_run(copy, "cpu").about["net"]["seed"] == "1"


def test_a_run_with_a_layer_of_ones_own(tmp_path: Path) -> None:
    """Where nobody has defined it, the remedy is told."""
    gpubp.layer("of_ones_own")(lambda cx, x: x * 2.0)
    text = NET.format(options="").replace("dense(8)", "of_ones_own -> dense(8)")
    (tmp_path / "t.csv").write_text(ROWS, "utf-8")
    (tmp_path / "t.net").write_text(text, "utf-8")
    train(tmp_path / "t.net", out=tmp_path / "run")
    del ENTRIES["function", "of_ones_own"]
    with pytest.raises(gpubp.NetError, match="help: the run was trained with one that is not gpubp's: import its mod"):
        gpubp.load_run(tmp_path / "run", "cpu")
