"""Sections, data, train, params, imports."""

from __future__ import annotations

from collections.abc import Mapping, Set

import pytest

from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.graph import Choice, Data, Type, Word

from .resolving import HEAD, error, errors, found, graph

TRAIN = "train {\n  loss = mse(p, y)\n  optimizer = adam()\n}"
NET = f"{HEAD}  output p = x -> dense(1)\n}}\n"


def trained(body: str) -> list[tuple[str, str, str]]:
    return errors(f"{NET}train {{\n  loss = mse(p, y)\n  optimizer = adam()\n  {body}\n}}")


# Data


def test_data() -> None:
    made = graph(
        'data {\n  x = csv("a.csv", columns = [rest, ["u", "v"]])\n  y = [[0, cat], [1, "b"]]\n'
        f"  split = split(train = 80%, stratify = y)\n}}\n{NET}{TRAIN}"
    )
    assert made.data is not None
    first, second = made.data.entries
    assert isinstance(first.value, Choice)
    assert first.value.options["columns"] == (Word("rest"), ("u", "v"))
    assert first.value.options["scale"] == 1.0
    assert second.value == ((0, Word("cat")), (1, "b"))
    assert (second.names, second.name_spans[0].text) == (("y",), "y")
    assert made.data.split is not None
    assert made.data.split.options["train"] == 0.8
    assert made.data.split.options["stratify"] == "y"


def test_data_and_model_name_the_same() -> None:
    wrong = errors(f'data {{\n  x = csv("a.csv")\n  z = [[1]]\n}}\n{NET}')
    assert [(code, text) for code, _, text in wrong] == [("E0225", "z"), ("E0225", "y")]
    wrong = errors(f'data {{\n  xs, y = csv("a.csv")\n}}\n{HEAD.replace("x:", "xx:")}  output p = xx -> dense(1)\n}}')
    assert [text for _, _, text in wrong] == ["xs"], "a misspelled name is one mistake, not two"


def test_wrong_data() -> None:
    wrong = errors(f'data {{\n  x = cvs("a.csv")\n  y = 3 + 4\n  split = 3\n}}\n{NET}')
    assert [(code, text) for code, _, text in wrong] == [("E0208", "cvs"), ("E0225", "3 + 4"), ("E0225", "3")]


# Sizes that the data says

OPEN = 'data { x, y = csv("a.csv") }\nmodel {\n  input x: [?]\n  target y: class(?k)\n  output p = x -> dense(k)\n}'


def measure(data: Data, wanted: Mapping[str, str], targets: Set[str]) -> Mapping[str, Type]:
    assert (wanted, targets) == ({"x": "float", "y": "class"}, {"y"})
    assert data.entries[0].names == ("x", "y")
    return {"x": Type((7,)), "y": Type((), 3)}


def test_measured_sizes() -> None:
    made = graph(OPEN, measure=measure)
    assert (made.inputs[0].type, made.targets[0].type) == (Type((7,)), Type((), 3))
    assert made.outputs["p"].attrs["units"] == 3
    assert made.sizes == {"k": 3}


def test_measure_is_asked_only_where_a_size_is_open() -> None:
    text = OPEN.replace("[?]", "[2]")
    made = graph(text, params={"k": "5"})
    assert (made.sizes, made.outputs["p"].attrs["units"]) == ({"k": 5}, 5)


def test_no_data_to_measure() -> None:
    wrong = errors(OPEN)
    assert [(code, text) for code, _, text in wrong] == [("E0223", "?"), ("E0223", "?k")]
    made, findings = found(OPEN)
    assert made is None
    help = "write the size as a number, or read it in `data`; `--set k=10` gives it on the command line"
    assert findings[1].help == (help,)


def test_what_measure_reports_comes_through_alone() -> None:
    def fails(data: Data, wanted: Mapping[str, str], targets: Set[str]) -> Mapping[str, Type]:
        raise DiagnosticError(Diagnostic("E0401", "there is no file data.csv", data.entries[0].value_span))

    assert [code for code, _, _ in errors(OPEN, measure=fails)] == ["E0401"]


def test_data_of_another_rank() -> None:
    def flat(data: Data, wanted: Mapping[str, str], targets: Set[str]) -> Mapping[str, Type]:
        return {"x": Type((7, 7)), "y": Type(())}

    assert [(code, text) for code, _, text in errors(OPEN, measure=flat)] == [("E0224", "[?]"), ("E0224", "?k")]


# Params


def test_params() -> None:
    text = "param w = 32 in [16, 32]\nparam d = 20% in [0%, 20%]\nparam n = 3 in 2..8\n" + NET.replace(
        "dense(1)", "dense(w)"
    )
    made = graph(text)
    assert {name: (p.value, p.domain) for name, p in made.params.items()} == {
        "w": (32, (16, 32)),
        "d": (0.2, (0.0, 0.2)),
        "n": (3, ("..", 2, 8)),
    }
    assert type(made.params["d"].value) is float
    made = graph(text, params={"w": "2 * 8"})
    assert (made.params["w"].value, made.outputs["p"].attrs["units"]) == (16, 16)


@pytest.mark.parametrize(
    ("set_", "code", "message"),
    [
        ({"w": "17"}, "E0317", "17 is not in the domain of `w`"),
        ({"w": "relu"}, "E0310", "`w` is the number 32 in the file, but the word `relu` is set"),
        ({"wd": "16"}, "E0216", "there is no param `wd` to set"),
        ({"w": "1 / 0"}, "E0314", "this divides by zero"),
    ],
)
def test_wrong_overrides(set_: dict[str, str], code: str, message: str) -> None:
    wrong = error("param w = 32 in [16, 32]\n" + NET.replace("dense(1)", "dense(w)"), params=set_)
    assert (wrong.code, wrong.message) == (code, message)
    assert wrong.span is not None
    assert wrong.span.source.name == "command line"
    (name, value), *_ = set_.items()
    assert wrong.span.source.text == f"--set {name}={value}"
    assert wrong.span.text == (name if code == "E0216" else value)


@pytest.mark.parametrize("written", ["b.csv", '"b.csv"', "b, or c.csv"])
def test_a_string_is_set_with_or_without_quotes(written: str) -> None:
    """A shell drops them."""
    made = graph('param table = "a.csv"\ndata { x, y = csv(table) }\n' + NET, params={"table": written})
    assert made.params["table"].value == written.strip('"')


@pytest.mark.parametrize("few", [True, False])
def test_a_condition_chooses_what_data_and_train_take(few: bool) -> None:
    made = graph(
        f"param few = {str(few).lower()}\n"
        'data {\n  x, y = if few then csv("a.csv") else csv("b.csv")\n'
        "  split = if few then split(train = 50%) else split(train = 80%)\n}\n"
        f"{NET}train {{\n  loss = if few then mse(p, y) else huber(p, y)\n"
        "  optimizer = if few then sgd(lr = 0.1) else adam\n  metrics = if few then [] else [mse(p, y)]\n}"
    )
    assert made.data is not None
    assert made.data.split is not None
    assert made.train is not None
    (entry,) = made.data.entries
    assert isinstance(entry.value, Choice)
    assert entry.value.options["path"] == ("a.csv" if few else "b.csv")
    assert made.data.split.options["train"] == (0.5 if few else 0.8)
    assert made.train.loss.kind == ("mse" if few else "huber")
    assert made.train.options["optimizer"].name == ("sgd" if few else "adam")  # type: ignore[union-attr]
    assert len(made.train.metrics) == (0 if few else 1)


def test_a_key_that_the_command_line_has_an_option_for() -> None:
    wrong = error("param w = 32\n" + NET.replace("dense(1)", "dense(w)"), params={"seed": "3"})
    assert (wrong.code, wrong.help) == ("E0216", ("a key of `train`: `gpubp run FILE --seed 3`",))


def test_an_override_that_does_not_parse() -> None:
    made, findings = found("param w = 32\n" + NET.replace("dense(1)", "dense(w)"), params={"w": "3 +"})
    assert made is None
    assert {d.span.source.name for d in findings if d.span} == {"command line"}


@pytest.mark.parametrize(
    "text",
    [
        "param a = 3 in [1, 2]",
        "param a = 5 in 1..3",
        "param a = 2.5 in 1..3",
        "param a = 1.0 in log(0, 3)",
        "param a = 1 in 3..1",
        "param a = 1 in 3",
        "param a = relu in [tanh]",
    ],
)
def test_domains(text: str) -> None:
    assert error(text).code == "E0317"


# Train


def test_a_name_in_the_loss_and_the_metrics() -> None:
    made = graph(
        f"fn twice(z) = 2 * z\n{HEAD}  output p = x -> dense(1)\n  kl = mse(p, y)\n}}\n"
        "train {\n  loss = kl + l2(0.1) + mean(abs(p))\n  optimizer = adam\n"
        "  metrics = [kl, mae(p, y), mean(p), twice(kl)]\n}"
    )
    assert made.train is not None
    assert [name for name, _ in made.train.metrics] == ["kl", "mae", "mean", "twice"]
    assert made.train.metrics[0][1] is made.values["kl"]
    every = (*made.nodes, *made.train.nodes)
    assert len({one.name for one in every}) == len(every)
    assert made.values["kl"].part == "loss"


def test_a_metric_named_by_as() -> None:
    made = graph(
        f"{HEAD}  output p = x -> dense(1)\n}}\ntrain {{\n  loss = mse(p, y)\n  optimizer = adam\n"
        "  metrics = [mae(p, y), p -> mae(y) as again, p - y -> abs -> mean as gap]\n}"
    )
    assert made.train is not None
    assert [(name, node.part, node.kind) for name, node in made.train.metrics] == [
        ("mae", "metric", "mae"),
        ("again", "metric", "mae"),
        ("gap", "function", "mean"),
    ]
    every = (*made.nodes, *made.train.nodes)
    assert len({one.name for one in every}) == len(every)


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ("loss = 3", "E0202", "loss"),
        ("kl = p", "E0211", "kl"),
        ("metrics = accuracy(p, y)", "E0318", "accuracy(p, y)"),
        ("metrics = [p + 1]", "E0228", "p + 1"),
        ("metrics = [mae(p, y), mae(y, p)]", "E0228", "mae(y, p)"),
        ("metrics = [p -> mae(y)]", "E0228", "p -> mae(y)"),
        ("metrics = [mae(p, y), y -> mae(p) as mae]", "E0228", "y -> mae(p) as mae"),
        ("metrics = [p -> mae(y) -> abs as a]", "E0208", "mae"),
        ("metrics = [p -> abs as a -> mean as b]", "E0217", "a"),
        ("metrics = [adam(p)]", "E0208", "adam"),
        ("metrics = [mean(p -> dense(1))]", "E0222", "dense"),
        ("freeze = [p.dens]", "E0201", "p.dens"),
        ("clip = clip_norm(relu)", "E0310", "relu"),
        ("clip = l2(1)", "E0208", "l2"),
        ("rates = [rate(p, -1)]", "E0312", "-1"),
        ("a, batch = 3", "E0211", "a"),
    ],
)
def test_wrong_keys(body: str, code: str, text: str) -> None:
    assert [(c, t) for c, _, t in trained(body)] == [(code, text)]


def test_the_loss_is_a_tensor() -> None:
    assert error(f"{NET}train {{\n  loss = 3\n  optimizer = adam()\n}}").code == "E0316"


def test_what_train_must_have() -> None:
    wrong = error(f"{NET}train {{\n}}")
    assert (wrong.code, wrong.message) == ("E0211", "`train` lacks `loss` and `optimizer`")


def test_penalties_and_metrics_have_their_places() -> None:
    wrong = errors(f"{HEAD}  a = l2(0.1)\n  b = accuracy(x, y)\n  output p = x -> dense(1)\n}}")
    assert [(code, text) for code, _, text in wrong] == [("E0208", "l2"), ("E0208", "accuracy")]


def test_outputs_may_not_depend_on_targets() -> None:
    wrong = error(f"{HEAD}  h = y + 1\n  output p = x -> attention(2, memory = h)\n}}")
    assert (wrong.code, wrong.labels[0].span.text) == ("E0220", "target y: [1]")


def test_sections_come_once_and_in_any_order() -> None:
    made = graph(f"{TRAIN}\n{NET}")
    assert made.train is not None
    wrong = errors(f"{NET}model {{ }}")
    assert [(code, text) for code, _, text in wrong] == [("E0213", "model")]
    assert errors(TRAIN) == [("E0213", "this file has no `model`", "train")]


def test_a_choice_of_another_tool_is_known_by_its_last_name() -> None:
    wrong = error(f"{NET}train {{\n  loss = mse(p, y)\n  optimizer = torch.optim.Adam(lr = 0.1)\n}}")
    assert (wrong.code, wrong.help) == ("E0208", ("did you mean `adam`?",))
