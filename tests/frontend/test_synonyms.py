"""Other tools' words: each leads to names that are there, and to the right one where it stands."""

from __future__ import annotations

import re

import pytest

from gpubp import NetError
from gpubp.frontend import loads
from gpubp.frontend.catalog import catalog
from gpubp.frontend.synonyms import SYNONYMS

LATER_OPTIONS = {"channels", "size", "stride", "pad"}
"""Options of layers that this version only knows by name."""
NET = """\
model {{
  input  x: [2]
  target y: [1]
  hidden = x -> {layer} -> relu
  output p = hidden -> dense(1)
}}

train {{
  loss      = {loss}
  optimizer = {optimizer}
}}
"""


def test_every_name_is_there() -> None:
    known = catalog()
    names = {name for entries in known.entries.values() for name in entries} | set(known.train) | LATER_OPTIONS
    for entries in known.entries.values():
        for signature in entries.values():
            names.update(option.name for option in signature.options)
    assert {name for several in SYNONYMS.values() for name in several} <= names


def test_words_are_as_they_are_looked_up() -> None:
    assert all(word == word.lower().replace("_", "") for word in SYNONYMS)


@pytest.mark.parametrize(
    ("part", "written", "meant"),
    [
        ("layer", "Linear(8)", "dense"),
        ("layer", "fully_connected(8)", "dense"),
        ("layer", "dense(out_features = 8)", "units"),
        ("layer", "dense(8, use_bias = false)", "bias"),
        ("layer", "dropout(p = 20%)", "rate"),
        ("layer", "convolution1dLayer(8)", "conv"),
        ("layer", "tanhLayer", "tanh"),
        ("layer", "mapminmax", "standardize"),
        ("layer", "dense(8) -> tansig", "tanh"),
        ("loss", "MSELoss(p, y)", "mse"),
        ("loss", "BCE(p, y)", "binary_cross_entropy"),
        ("optimizer", "adam(learning_rate = 0.1)", "lr"),
        ("optimizer", "adamw(weight_decay = 0.1)", "decay"),
        ("optimizer", "trainrp", "rprop"),
        ("optimizer", "traingdm(lr = 0.1)", "sgd"),
        ("optimizer", "sgd(lr = 0.1, mc = 0.9)", "momentum"),
    ],
)
def test_what_it_means_here(part: str, written: str, meant: str) -> None:
    parts = {"layer": "dense(8)", "loss": "mse(p, y)", "optimizer": "adam", part: written}
    with pytest.raises(NetError) as caught:
        loads(NET.format(**parts))
    assert [one.help for one in caught.value.diagnostics] == [(f"did you mean `{meant}`?",)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [('sep = ";"', "delimiter"), ('decimal_mark = ","', "decimal"), ('grouping_mark = ","', "thousands")],
)
def test_options_of_other_readers(written: str, meant: str) -> None:
    text = f'data {{ x = csv("a.csv", {written}) }}\nmodel {{\n  input x: [2]\n  output p = x -> dense(1)\n}}\n'
    with pytest.raises(NetError) as caught:
        loads(text)
    assert [one.help for one in caught.value.diagnostics] == [(f"did you mean `{meant}`?",)]


def helps(text: str) -> list[tuple[str, ...]]:
    with pytest.raises(NetError) as caught:
        loads(text)
    return [one.help for one in caught.value.diagnostics]


def test_an_activation_that_changes_nothing_is_left_out() -> None:
    text = NET.format(layer="dense(8) -> purelin", loss="mse(p, y)", optimizer="adam")
    assert helps(text) == [("without an activation a layer is linear: leave out `-> purelin`",)]


def test_a_duration_is_suggested_for_a_number_without_a_unit() -> None:
    stop = "adam\n  early_stop = early_stop(valid.loss, max_fail = 6)"
    text = NET.format(layer="dense(8)", loss="mse(p, y)", optimizer=stop)
    assert helps(text) == [("did you mean `patience`?",)]
    assert helps(text.replace("max_fail", "patience"))[-1] == ("`patience = 6epochs` or `patience = 6steps`",)


def test_an_optimizer_that_nobody_knows_is_answered_with_all() -> None:
    for written in ("trainxyz", "trainxyz()"):
        ((told,),) = helps(NET.format(layer="dense(8)", loss="mse(p, y)", optimizer=written))
        assert {f"`{name}`" for name in catalog().entries["optimizer"]} <= set(re.findall(r"`\w+`", told))


def test_a_suggestion_takes_the_value() -> None:
    with pytest.raises(NetError) as caught:
        loads(NET.format(layer="dropout(p = same)", loss="mse(p, y)", optimizer="adam"))
    assert caught.value.diagnostics[0].help == (), "`rate` does not take a word"
