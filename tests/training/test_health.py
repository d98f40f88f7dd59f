"""The health of a net while it is trained: what is measured, what is said, and that nothing else changes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import gpubp
from benchmarks import gpu_cases
from gpubp.executor import Executor
from gpubp.frontend import Length, build, plan_of
from gpubp.health import Finding
from gpubp.passes import cost
from gpubp.training import health_records
from gpubp.training.health import EVERY, FIRST, LEAST, Health, compiled_step

from .worlds import state, train, write_net, write_rows

MODELS = Path(__file__).resolve().parents[2] / "models"
H100 = MODELS.parent / "benchmarks" / "results" / "nvidia-h100-80gb-hbm3.json"
LONG = "steps = 360"
NET = """
data {{
  x, y = csv("a.csv", target = "y")
}}
model {{
  input  x: [3]
  target y: [1]
  output p = x -> {body}
}}
train {{
  loss = mse(p, y)
  optimizer = {optimizer}
  batch = 20
  epochs = {epochs}
}}
"""


@pytest.mark.parametrize("case", gpu_cases.CASES, ids=lambda case: case.name)
def test_the_speed_of_a_gpu_is_about_what_was_measured(case: gpu_cases.Case) -> None:
    """How often health is measured depends on it."""
    net = gpubp.loads(gpu_cases.text(case))
    costs = cost(plan_of(build(net, "train", case.batch, "float32", None)))
    measured = json.loads(H100.read_text("utf-8"))["benchmark"]["cases"][case.name]["us"]["gpubp"]
    estimate = 1e6 * compiled_step(costs, "gpu", tf32=case.precision == "tf32")
    assert 0.5 < estimate / median(measured) < 2


def trained(base: Path, body: str, optimizer: str = "adam(lr = 1e-3)", epochs: int = 50, **options: Any) -> gpubp.Run:
    write_rows(base / "a.csv")
    text = NET.format(body=body, optimizer=optimizer, epochs=epochs)
    return gpubp.train(gpubp.loads(text, base=base), "cpu", **options)


@pytest.mark.parametrize("regular", ["", " -> dropout(30%)", " -> batchnorm"])
def test_nothing_of_the_training_changes(tmp_path: Path, regular: str) -> None:
    watched = train(write_net(tmp_path, length=LONG, regular=regular))
    alone = train(write_net(tmp_path, length=LONG, regular=regular, keys="  health = false\n"))
    assert state(watched) == state(alone)
    assert watched.history == alone.history
    assert watched.metrics == alone.metrics


def test_a_line_for_each_layer_of_each_measured_step(tmp_path: Path) -> None:
    run = train(write_net(tmp_path, length=LONG), out=tmp_path / "out")
    found = health_records(tmp_path / "out")
    steps = [0, 100, 200, 300, 360]
    layers = [(2, "p.dense"), (3, "p")]
    assert [(r["step"], r["number"], r["layer"]) for r in found] == [(s, *one) for s in steps for one in layers]
    keys = ["step", "epoch", "layer", "number", "activation", "gradient", "dead", "saturated"]
    assert all(list(r) == keys for r in found)
    assert all(r["epoch"] == r["step"] / 5 for r in found)
    assert all(0 < r["gradient"] < 100 and 0 < r["activation"] < 100 and r["dead"] == 0 for r in found)
    assert run.health == []


def test_the_sizes_are_those_of_the_step_that_comes(tmp_path: Path) -> None:
    """Against the outputs and the gradients that the executor gives for the same rows."""
    net = gpubp.load(write_net(tmp_path, length=LONG))
    ex = Executor(net, "cpu", precision="float64", backend="numpy")
    rows = gpubp.data.load(net.graph, net.base, 0).part("train")
    placed = ex.place(rows)
    ex.fit_first(placed)
    health = Health(placed, Length(8, 5, 360), [], None)
    last = health.measure(ex)[-1]
    x, y = placed.batch(0, 0, 0, 8, mixed=True)
    p = ex.predict({"x": x})["p"]
    assert last["activation"] == pytest.approx(math.sqrt(float((p**2).mean())), rel=1e-5)
    assert last["gradient"] == pytest.approx(math.sqrt(float(((2 * (p - y) / 8) ** 2).mean())), rel=1e-5)


@pytest.mark.parametrize("at", [1, 99, 100, 101, 250, 359])
def test_a_run_that_is_resumed_has_the_same_lines(tmp_path: Path, at: int) -> None:
    path = write_net(tmp_path, length=LONG, regular=" -> dropout(30%)")
    whole = train(path, out=tmp_path / "whole")
    train(write_net(tmp_path, length=f"steps = {at}", regular=" -> dropout(30%)"), out=tmp_path / "part")
    path = write_net(tmp_path, length=LONG, regular=" -> dropout(30%)")
    resumed = train(path, out=tmp_path / "part", resume=tmp_path / "part")
    elsewhere = train(path, out=tmp_path / "other", resume=tmp_path / "part" / "last.safetensors")
    texts = [(tmp_path / name / "health.jsonl").read_bytes() for name in ("whole", "part", "other")]
    if at >= LEAST:
        assert texts[0] == texts[1] == texts[2]
    assert resumed.health == whole.health == elsewhere.health


def test_a_short_run_that_is_resumed_is_told_what_was_measured_before(tmp_path: Path) -> None:
    body = "dense(16, bias_init = constant(-90)) -> relu -> dense(1)"
    whole = trained(tmp_path, body, epochs=8)
    assert [finding.kind for finding in whole.health] == ["dead"]
    trained(tmp_path, body, epochs=8, out=tmp_path / "out", stopping=lambda: True)
    assert trained(tmp_path, body, epochs=8, resume=tmp_path / "out").health == whole.health


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"step": 0}', '{"step": 0, "number": 2, "layer": "p", "activation": [], "gradient": 1}']
)
def test_a_damaged_file_is_read_as_far_as_it_is_whole(tmp_path: Path, line: str) -> None:
    path, out = write_net(tmp_path, length=LONG), tmp_path / "out"
    train(write_net(tmp_path, length="steps = 150"), out=out)
    kept = health_records(out)[:2]
    (out / "health.jsonl").write_text("".join(json.dumps(r) + "\n" for r in kept) + line + "\n", "utf-8")
    assert health_records(out) == kept
    write_net(tmp_path, length=LONG)
    run = train(path, out=out, resume=out)
    assert [r["step"] for r in health_records(out)] == [0, 0, 200, 200, 300, 300, 360, 360]
    assert run.health == []


def test_off_means_off(tmp_path: Path) -> None:
    run = train(write_net(tmp_path, length=LONG, keys="  health = false\n"), out=tmp_path / "out")
    assert not (tmp_path / "out" / "health.jsonl").exists()
    assert health_records(tmp_path / "out") == []
    last = json.loads((tmp_path / "out" / "metrics.jsonl").read_text("utf-8").splitlines()[-1])
    assert last == {"metrics": run.metrics}


def test_measurements_get_rarer(tmp_path: Path) -> None:
    net = gpubp.load(write_net(tmp_path))
    ex = Executor(net, "cpu", backend="numpy")
    placed = ex.place(gpubp.data.load(net.graph, net.base, 0).part("train"))
    health = Health(placed, Length(8, 5, 10**7), [], None)
    at, found = 0, []
    while at < 10**6:
        assert health.due(ex, at)
        found.append(at)
        at += health.steps_left(ex, at)
    assert found[: FIRST + 2] == [EVERY * i for i in range(FIRST + 1)] + [EVERY * (FIRST + 2)]
    assert len(found) < 200


SICK = {
    "vanishing": ("repeat 8 { dense(16) -> sigmoid } -> dense(1)", "adam(lr = 1e-3)"),
    "exploding": ("repeat 8 { dense(32, init = normal(2)) -> relu } -> dense(1)", "sgd(lr = 1e-30)"),
    "dead": ("dense(16, bias_init = constant(-90)) -> relu -> dense(1)", "adam(lr = 1e-3)"),
    "lost": ("dense(16, bias_init = constant(-90)) -> gelu -> dense(1)", "adam(lr = 1e-3)"),
    "saturated": ("dense(16, init = normal(200)) -> tanh -> dense(1)", "adam(lr = 1e-3)"),
    "still": ("dense(16) -> tanh -> dense(1)", "sgd(lr = 1e-9)"),
}


@pytest.mark.parametrize("kind", SICK)
def test_the_sick_are_named_once_and_with_a_remedy(tmp_path: Path, kind: str) -> None:
    run = trained(tmp_path, *SICK[kind])
    assert [finding.kind for finding in run.health] == [kind]
    assert all("`" in line for line in run.health[0].help)
    assert len(run.health[0].help) >= 2


@pytest.mark.parametrize(
    ("kind", "mended", "optimizer"),
    [
        ("vanishing", "repeat 8 { dense(16, init = he_normal) -> relu } -> dense(1)", "adam(lr = 1e-3)"),
        ("vanishing", "repeat 8 { dense(16) -> batchnorm -> sigmoid } -> dense(1)", "adam(lr = 1e-3)"),
        ("exploding", "repeat 8 { dense(32, init = he_normal) -> relu } -> dense(1)", "adam(lr = 1e-3)"),
        ("dead", "dense(16) -> leaky_relu -> dense(1)", "adam(lr = 1e-3)"),
        ("lost", "dense(16, bias_init = constant(-90)) -> layernorm -> gelu -> dense(1)", "adam(lr = 1e-3)"),
        ("lost", "dense(16) -> gelu -> dense(1, init = zeros)", "adam(lr = 1e-3)"),
        ("saturated", "dense(16, init = glorot_uniform) -> tanh -> dense(1)", "adam(lr = 1e-3)"),
        ("still", "dense(16) -> tanh -> dense(1)", "sgd(lr = 1e-3)"),
    ],
)
def test_the_mended_are_not(tmp_path: Path, kind: str, mended: str, optimizer: str) -> None:
    assert kind in SICK
    assert trained(tmp_path, mended, optimizer).health == []


def test_one_step_does_not_show_that_nothing_comes_back(tmp_path: Path) -> None:
    """A training so short is measured once, where weights that begin with zeros let nothing through."""
    run = trained(tmp_path, "dense(16) -> gelu -> dense(1, init = zeros)", epochs=15, out=tmp_path / "out")
    assert [(r["step"], r["gradient"] == 0) for r in health_records(tmp_path / "out")] == [(0, True), (0, False)]
    assert run.health == []


def test_trained_weights_may_stand_still(tmp_path: Path) -> None:
    run = trained(tmp_path, *SICK["still"])
    assert gpubp.train(run.net, "cpu", start=run.executor.parameters).health == []


def test_remedies_are_written_in_the_words_of_the_file(tmp_path: Path) -> None:
    (vanishing,) = trained(tmp_path, *SICK["vanishing"]).health
    assert vanishing.help[0] == "`-> dense(16, init = he_normal) -> relu`"
    (exploding,) = trained(tmp_path, *SICK["exploding"]).health
    assert exploding.help[:2] == (
        "`clip = clip_norm(1.0)`",
        "another initialiser: `dense(32, init = he_normal)`",
    )
    (still,) = trained(tmp_path, "dense(16) -> tanh -> dense(1)", "sgd(lr = 1e-9, momentum = 0.9)").health
    assert still.help[0] == "a larger rate: `optimizer = sgd(lr = 1e-8, momentum = 0.9)`"


def test_an_explosion_is_told_at_once(tmp_path: Path) -> None:
    told: list[Finding] = []
    epochs: list[int] = []

    def notice(finding: Finding) -> None:
        told.append(finding)
        assert epochs == []

    run = trained(tmp_path, *SICK["exploding"], notice=notice, callbacks=[lambda run: epochs.append(len(run.history))])
    assert told == run.health
    assert len(epochs) == 50


def test_it_is_told_before_the_training_fails(tmp_path: Path) -> None:
    told: list[Finding] = []
    with pytest.raises(gpubp.DivergedError):
        trained(tmp_path, SICK["exploding"][0], "sgd(lr = 1)", notice=told.append)
    assert [finding.kind for finding in told] == ["exploding"]


@pytest.mark.parametrize(("name", "kinds"), [("deep_sigmoid", ["vanishing"]), ("deep_mended", []), ("xor", [])])
def test_the_models(name: str, kinds: list[str]) -> None:
    run = gpubp.train(gpubp.load(MODELS / f"{name}.net"), "cpu", epochs=20 if name != "xor" else 500)
    assert [finding.kind for finding in run.health] == kinds


def test_the_best_of_several_restarts_is_looked_at(tmp_path: Path) -> None:
    run = train(write_net(tmp_path, length=LONG, keys="  restarts = 3\n"), out=tmp_path / "out")
    assert [r["step"] for r in health_records(tmp_path / "out")] == [360, 360]
    assert run.health == []


def test_a_rate_that_makes_gradients_grow_is_told(tmp_path: Path) -> None:
    told: list[Finding] = []
    run = trained(tmp_path, "dense(1)", "sgd(lr = 0.05)", epochs=40, notice=told.append)
    assert [finding.kind for finding in run.health] == ["exploding"]
    assert told == run.health
    assert run.health[0].help == ("`clip = clip_norm(1.0)`", "a smaller rate: `optimizer = sgd(lr = 0.005)`")
    assert trained(tmp_path, "dense(1)", "sgd(lr = 0.006)", epochs=40).health == []


@pytest.mark.parametrize("depth", [3, 60])
def test_gradients_too_small_for_their_squares_are_measured(tmp_path: Path, depth: int) -> None:
    run = trained(tmp_path, f"repeat {depth} {{ dense(8) -> sigmoid }} -> dense(1)", epochs=7, out=tmp_path / "out")
    found = health_records(tmp_path / "out")
    assert all(r["gradient"] > 0 for r in found)
    assert [finding.kind for finding in run.health] == (["vanishing"] if depth == 60 else [])


def test_lines_that_come_after_the_first_checkpoint_are_kept(tmp_path: Path) -> None:
    """The first lines of a run that goes on from a state without any."""
    path = write_net(tmp_path, length="steps = 10")
    train(path, out=tmp_path / "out")
    assert (tmp_path / "out" / "health.jsonl").read_bytes() == b""
    seen = []

    def stop() -> bool:
        seen.append(None)
        return len(seen) == 2

    path = write_net(tmp_path, length=LONG)
    assert train(path, out=tmp_path / "out", resume=tmp_path / "out", stopping=stop).stopped == "interrupted"
    train(path, out=tmp_path / "out", resume=tmp_path / "out")
    assert [r["step"] for r in health_records(tmp_path / "out")] == [s for s in (100, 200, 300, 360) for _ in "ab"]
