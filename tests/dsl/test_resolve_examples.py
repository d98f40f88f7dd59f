"""All example files come to a graph; the places of weights are those that the specification names."""

from __future__ import annotations

import pytest

from dsl.graph import LayerGraph
from dsl.resolve import resolve
from dsl.source import Source

from .catalog_for_tests import CATALOG
from .resolving import EXAMPLES, fake_measure, names, read

FILES = sorted(path.name for path in EXAMPLES.glob("*.net"))
SHARED = {"10_siamese.net", "15_pinn.net", "19_gan.net", "extra_tied.net"}


def example(name: str) -> LayerGraph:
    made, findings = resolve(Source(name, read(name)), CATALOG, measure=fake_measure, read=read)
    assert made is not None, findings
    assert findings == []
    return made


def test_there_are_26() -> None:
    assert len(FILES) == 26


@pytest.mark.parametrize("name", [name for name in FILES if name != "pair.net"])
def test_resolves(name: str) -> None:
    made = example(name)
    seen: set[int] = set()
    nodes = (*made.nodes, *(made.train.nodes if made.train else ()))
    for one in nodes:
        assert all(id(other) in seen for other in one.inputs), "each after its inputs"
        assert len(one.input_spans) == len(one.inputs)
        assert one.span.text
        seen.add(id(one))
    places = [one.name for one in nodes]
    assert name in SHARED or len(places) == len(set(places))
    assert all(id(one) in seen for one in made.outputs.values())


def test_pair_lacks_its_optimizer() -> None:
    made, findings = resolve(Source("pair.net", read("pair.net")), CATALOG, read=read)
    assert made is None
    assert [d.message for d in findings] == ["`train` lacks `optimizer`"]


def test_places_in_resnet() -> None:
    places = names(example("resnet.net"), "conv", "dense")
    assert places[:2] == ["logits.conv_bn.conv", "logits.residual.main.conv_bn.conv"]
    assert "logits.residual_3.main.conv_bn_2.conv" in places
    assert "logits.residual_4.skip.conv_bn.conv" in places
    assert places[-1] == "logits.dense"


def test_places_in_digits() -> None:
    assert names(example("digits_cnn.net"), "conv", "dense", "batchnorm") == [
        "features.conv",
        "features.batchnorm",
        "features.conv_2",
        "features.batchnorm_2",
        "logits.dense",
        "logits.dense_2",
    ]


def test_trace_tells_concrete_values() -> None:
    made = example("resnet.net")
    last = [one for one in made.nodes if one.kind == "conv"][-1]
    assert [frame.what for frame in last.trace] == [
        "for ch = 64",
        "repeat 2, turn 2",
        "residual(ch = 64, stride = 1)",
        "conv_bn(ch = 64, size = 3, stride = 1)",
    ]


def test_train_of_digits() -> None:
    train = example("digits_cnn.net").train
    assert train is not None
    assert train.loss.kind == "+"
    assert [one.kind for one in train.loss.inputs] == ["cross_entropy", "l2"]
    assert train.loss.inputs[1].part == "penalty"
    (name, metric), *rest = train.metrics
    assert (name, metric.kind, metric.part, rest) == ("accuracy", "accuracy", "metric", [])
    assert train.options["batch"] == 128
    assert train.options["seed"] == 0
    assert "seed" not in train.spans
    assert train.spans["batch"].text == "128"


def test_shared_layers_share_their_place() -> None:
    made = example("extra_tied.net")
    assert names(made, "attention") == ["step.attention"] * 6
    assert names(made, "embedding") == ["embed"]
    (weight,) = [one for one in made.nodes if one.kind == "weight"]
    assert weight.attrs == {"path": "embed.weight"}


def test_sizes_from_the_data() -> None:
    made = example("11_charlstm.net")
    assert made.sizes == {"chars": 65}
    assert [str(one.type) for one in made.inputs] == ["class(65)[64]"]


def test_paths_of_weights() -> None:
    train = example("17_finetune.net").train
    assert train is not None
    assert train.options["freeze"] == ("d1.double.conv",)
