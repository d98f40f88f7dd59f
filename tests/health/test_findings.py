"""What is said of a net's health: the sick are named, and nobody else."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import gpubp
from gpubp.health import Finding, diagnose, sizes
from gpubp.health.findings import still
from gpubp.insight import drawn
from tests.insight.worlds import ALL, MODELS, executor


def found(ex: gpubp.Executor, rows: Any, count: int = 64) -> list[Finding]:
    return diagnose(ex.net, sizes(ex, {name: array[:count] for name, array in rows.items()}))


@pytest.mark.parametrize("name", ALL)
def test_the_models_are_well_but_for_one(name: str) -> None:
    """At first, and after some steps."""
    ex, rows = executor(gpubp.load(MODELS / f"{name}.net"), "float32")
    before = {key: value.copy() for key, value in ex.parameters.items()}
    kinds = ["vanishing"] if name == "deep_sigmoid" else []
    assert [one.kind for one in found(ex, rows)] == kinds
    assert all((value == before[key]).all() for key, value in ex.parameters.items())
    ex.run_steps(ex.place(rows), 10, min(int(ex.net.option("batch", 32)), len(next(iter(rows.values())))))
    assert [one.kind for one in found(ex, rows)] == kinds


def test_where_the_gradient_vanishes_is_said() -> None:
    ex, rows = executor(gpubp.load(MODELS / "deep_sigmoid.net"), "float32")
    (finding,) = found(ex, rows)
    assert finding.message.startswith("the gradient vanishes: the delta of layer 1, `p.dense`, is ")
    assert finding.message.endswith(" times that of layer 11, `p`")
    assert "`-> batchnorm` before each activation" in finding.help
    by_layer = [size.delta for size in sizes(ex, {key: value[:64] for key, value in rows.items()})]
    assert all(a < b for a, b in itertools.pairwise(by_layer) if a is not None and b is not None)


NET = """
fn small(z) = z / 10
model {{
  input  x: [4]
  target y: [1]
  output p = x -> {body} -> dense(1)
}}
train {{
  loss = mse(p, y)
  optimizer = sgd(lr = 0.1)
  epochs = 1
}}
"""


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("repeat 8 { dense(32, init = normal(2)) -> relu }", "exploding"),
        ("repeat 8 { dense(32, init = he_normal) -> relu }", ""),
        ("repeat 8 { dense(32, init = normal(0.05)) -> relu }", "vanishing"),
        ("repeat 8 { dense(32, init = he_normal) -> sigmoid }", "vanishing"),
        ("dense(32, bias_init = constant(-9)) -> relu", "dead"),
        ("dense(32, bias_init = constant(-0.5)) -> relu", ""),
        ("dense(32, bias_init = constant(-90)) -> dropout(10%) -> relu", "dead"),
        ("dense(8) -> relu -> dense(32, bias_init = constant(-90)) -> relu -> layernorm", "dead"),
        ("dense(32, bias_init = constant(-90)) -> gelu", "lost"),
        ("dense(8) -> tanh -> dense(32, bias_init = constant(-90)) -> hardswish", "lost"),
        ("dense(32, bias_init = constant(-90)) -> maximum(0)", "lost"),
        ("dense(32, bias_init = constant(-90)) -> sigmoid", "saturated"),
        ("repeat 30 { dense(8, init = normal(0.01)) -> sigmoid }", "vanishing"),
        ("dense(32, init = normal(200)) -> tanh", "saturated"),
        ("dense(32, init = normal(200)) -> sigmoid", "saturated"),
        ("dense(32, init = normal(1)) -> tanh", ""),
    ],
)
def test_planted_ills_are_named(body: str, kind: str) -> None:
    net = gpubp.loads(NET.format(body=body))
    ex = gpubp.Executor(net, "cpu")
    kinds = [one.kind for one in diagnose(net, sizes(ex, drawn(net, 64)))]
    assert kinds == ([kind] if kind else [])


def told(body: str) -> Finding:
    net = gpubp.loads(NET.format(body=body))
    (finding,) = diagnose(net, sizes(gpubp.Executor(net, "cpu"), drawn(net, 64)))
    return finding


def test_the_layer_that_lets_nothing_back_is_named() -> None:
    """A delta of exactly 0: the layer nearest to the output, whatever lies before it."""
    body = "dense(8) -> tanh -> dense(32, bias_init = constant(-90)) -> gelu"
    finding = told(body)
    assert finding.message == (
        "no gradient reaches layer 2, `p.dense_2`: its delta is 0, and its weights do not change; "
        "the same holds for 1 other layer"
    )
    assert finding.help == ("`-> layernorm` between layers", "a smaller rate: `optimizer = sgd(lr = 0.01)`")
    mended = body.replace("-> gelu", "-> layernorm -> gelu")
    net = gpubp.loads(NET.format(body=mended))
    assert diagnose(net, sizes(gpubp.Executor(net, "cpu"), drawn(net, 64))) == []


def test_a_delta_too_small_for_its_type_has_vanished_too() -> None:
    message = told("repeat 30 { dense(8, init = normal(0.01)) -> sigmoid }").message
    assert message.startswith("the gradient vanishes: the delta of layer 1, `p.dense`, is 0, that of layer 31, `p` ")


def test_what_a_net_has_already_is_no_remedy() -> None:
    """The second net is normalized, the last has relus and He initialization."""
    stage = "dense(32, init = he_normal) -> relu"
    other, norm, residual = (
        f"`-> {stage}`",
        "`-> batchnorm` before each activation",
        f"residual connections: `x + (x -> {stage})`",
    )
    for body, help in (
        ("repeat 8 { dense(32, init = he_normal) -> sigmoid }", (other, norm, residual)),
        ("layernorm -> repeat 8 { dense(32) -> sigmoid }", (other, residual)),
        ("repeat 8 { dense(32, init = normal(0.05)) -> relu }", (other, norm, residual)),
        ("repeat 8 { dense(32, init = he_normal) -> relu -> small }", (norm, residual)),
    ):
        assert told(body).help == help


def test_where_the_gradient_explodes_is_said() -> None:
    message = told("repeat 8 { dense(32, init = normal(2)) -> relu }").message
    assert message.startswith("the gradient explodes: the delta of layer 1, `p.dense`, is ")
    assert message.endswith(" times that of layer 9, `p`")


def test_the_worst_of_several_saturated_layers_is_named() -> None:
    net = gpubp.loads(NET.format(body="repeat 2 { dense(32, init = normal(200)) -> tanh }"))
    first, *_ = diagnose(net, sizes(gpubp.Executor(net, "cpu"), drawn(net, 64)))
    assert " of the numbers of layer " in first.message
    assert first.message.endswith(" are saturated: tanh is flat there; the same holds for 1 other layer")


def test_weights_that_begin_with_zeros_have_other_first_ones_for_a_remedy() -> None:
    net = gpubp.loads(NET.format(body="dense(8) -> tanh").replace("dense(1)", "dense(1, init = zeros)"))
    (finding,) = diagnose(net, sizes(gpubp.Executor(net, "cpu"), drawn(net, 64)))
    assert (finding.kind, finding.help[0]) == ("lost", "another initialiser: `dense(1, init = glorot_uniform)`")


def test_a_loss_that_has_nothing_to_mend_is_no_ill() -> None:
    """All deltas are 0, that of the output too."""
    text = NET.format(body="dense(3) -> tanh").replace("mse(p, y)", "sum(relu(y - p))")
    net = gpubp.loads(text.replace("dense(1)", "dense(1, bias_init = constant(90))"))
    assert diagnose(net, sizes(gpubp.Executor(net, "cpu"), drawn(net, 64))) == []


def test_a_loss_that_does_not_move_has_no_other_rate_for_a_remedy_where_it_is_0() -> None:
    text = NET.format(body="dense(3) -> tanh")
    told = still(gpubp.loads(text), [0.5] * 30)
    assert [line.partition(":")[0] for one in told for line in one.help] == ["a larger rate", "or a smaller one"]
    assert [one.help for one in still(gpubp.loads(text.replace("0.1", "0")), [0.5] * 30)] == [()]


def test_remedies_can_be_pasted() -> None:
    """A remedy that is a stage or an option stands where it says, and mends what it is for."""
    sick = "repeat 8 { dense(32) -> sigmoid }"
    for mended in (
        "repeat 8 { dense(32, init = he_normal) -> relu }",
        "repeat 8 { dense(32) -> batchnorm -> sigmoid }",
    ):
        for body, kinds in ((sick, ["vanishing"]), (mended, [])):
            net = gpubp.loads(NET.format(body=body))
            assert [one.kind for one in diagnose(net, sizes(gpubp.Executor(net, "cpu"), drawn(net, 64)))] == kinds


def test_outputs_may_be_sure_of_themselves() -> None:
    text = (
        NET.format(body="dense(3)").replace("dense(1)", "dense(1, init = normal(200)) -> sigmoid").replace("mse", "mae")
    )
    net = gpubp.loads(text)
    assert diagnose(net, sizes(gpubp.Executor(net, "cpu"), drawn(net, 64))) == []


def test_one_ill_of_many_layers_is_one_finding() -> None:
    net = gpubp.loads(NET.format(body="repeat 4 { dense(32, init = zeros) -> relu }"))
    (finding,) = diagnose(net, sizes(gpubp.Executor(net, "cpu"), drawn(net, 64)))
    assert finding.message == (
        "100% of the units of layer 1, `p.dense` are dead: relu gives 0 for every row; "
        "the same holds for 3 other layers"
    )
    assert "another initialiser: `dense(32, init = he_normal)`" in finding.help


def test_what_draws_at_random_is_no_activation() -> None:
    net = gpubp.loads(NET.format(body="dense(8) -> dropout(50%) -> relu -> dense(8) -> tanh"))
    ex = gpubp.Executor(net, "cpu")
    kinds = [[node.kind for node in size.layer.nodes] for size in sizes(ex, drawn(net, 64))]
    assert kinds == [["dense"], ["relu"], ["dense", "tanh"], ["dense"]]


@pytest.mark.parametrize("name", ["vae", "pinn"])
def test_operations_of_a_formula_are_no_layers(name: str) -> None:
    ex, rows = executor(gpubp.load(MODELS / f"{name}.net"), "float32")
    found = sizes(ex, {key: array[:16] for key, array in rows.items()})
    assert all(size.weights or size.layer.nodes[-1].kind in ("relu", "tanh", "sigmoid") for size in found)
    assert sum(size.weights for size in found) >= 3
