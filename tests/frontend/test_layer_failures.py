"""Layers from outside may raise and return anything: what leaves `load` is a diagnostic in the file's terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpubp
import gpubp.frontend.loading
from dsl.render import to_text
from gpubp import ops
from gpubp.ir import PRIMITIVES
from gpubp.registry import ENTRIES, register

from .wrong import TRAIN, model, only

HELP = "`gpubp.ops` has the functions of values: `ops.sin(x)`, `ops.sum_(x, (1,))`, `ops.absolute(x)`"


@pytest.fixture
def layers() -> Iterator[None]:
    @gpubp.layer("boom")
    def boom(cx, x, *, k: int = 3):  # type: ignore[no-untyped-def]
        raise ValueError("no such luck")

    @gpubp.layer("widen_wrongly")
    def widen_wrongly(cx, x):  # type: ignore[no-untyped-def]
        return x @ cx.parameter("weight", (9, 2), "zeros")

    @gpubp.layer("nothing")
    def nothing(cx, x):  # type: ignore[no-untyped-def]
        pass

    @gpubp.layer("from_numpy")
    def from_numpy(cx, x):  # type: ignore[no-untyped-def]
        return np.sin(x)

    @gpubp.layer("method")
    def method(cx, x):  # type: ignore[no-untyped-def]
        return x.sum(1)

    @gpubp.layer("two_for_one")
    def two_for_one(cx, x):  # type: ignore[no-untyped-def]
        return ops.sin(x, x)

    @gpubp.layer("batchless")
    def batchless(cx, x):  # type: ignore[no-untyped-def]
        return ops.sum_(x, (0,))

    @gpubp.layer("picky")
    def picky(cx, x):  # type: ignore[no-untyped-def]
        raise gpubp.ShapeError("`picky` wants 9 values", "give it 9")

    yield
    for name in ("boom", "widen_wrongly", "from_numpy", "method", "two_for_one", "nothing", "batchless", "picky"):
        del ENTRIES["function", name]


@pytest.mark.usefixtures("layers")
@pytest.mark.parametrize(
    ("layer", "code", "message", "said"),
    [
        ("boom(k = 2)", "E0307", "`boom` fails: ValueError: no such luck", "raised at "),
        ("widen_wrongly", "E0307", "`widen_wrongly` fails: shapes do not fit inside its function", "[2, 4] and [9, 2]"),
        ("nothing", "E0307", "the function of `nothing` returns nothing in place of a value made by gpubp.ops", ""),
        ("batchless", "E0307", "the function of `batchless` loses the batch: it is the first axis of every value", ""),
        ("picky", "E0301", "`picky` wants 9 values", ""),
    ],
)
def test_a_layer_that_fails(layer: str, code: str, message: str, said: str) -> None:
    found = only(model(f"a = x -> {layer}"))
    assert (found.code, found.message) == (code, message)
    assert found.span is not None
    assert found.span.text == layer
    assert said in "\n".join(found.notes)


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("abs", ("did you mean `ops.absolute`?",)),
        ("max", ("did you mean `ops.max_` or `ops.maximum`?",)),
        ("sigmiod", ("did you mean `ops.sigmoid`?",)),
        ("fft", ()),
    ],
)
def test_a_function_that_is_named_as_in_numpy(name: str, help: tuple[str, ...]) -> None:
    gpubp.layer("named_as_in_numpy")(lambda cx, x: getattr(ops, name)(x))
    try:
        found = only(model("a = x -> named_as_in_numpy"))
    finally:
        del ENTRIES["function", "named_as_in_numpy"]
    assert found.message.startswith("`named_as_in_numpy` fails: AttributeError: module 'gpubp.ops' has no attribute")
    assert found.help == help


@pytest.mark.usefixtures("layers")
def test_a_layer_that_calls_numpy_on_a_value() -> None:
    found = only(model("a = x -> from_numpy"))
    assert found.message.startswith("`from_numpy` fails: TypeError: ")
    assert found.help == (HELP,)


@pytest.mark.usefixtures("layers")
@pytest.mark.parametrize(
    ("layer", "error", "help"),
    [
        ("method", "AttributeError: 'Var' object has no attribute 'sum'", (HELP,)),
        ("two_for_one", "TypeError: `sin` takes 1 value, but got 2", ()),
    ],
)
def test_a_layer_that_takes_a_value_for_an_array(layer: str, error: str, help: tuple[str, ...]) -> None:
    found = only(model(f"a = x -> {layer}"))
    assert (found.message, found.help) == (f"`{layer}` fails: {error}", help)


def test_what_is_no_layer() -> None:
    with pytest.raises(gpubp.GpubpError, match=r"the name in files is missing: `@gpubp.layer\(\"name\"\)`"):
        gpubp.layer(lambda cx, x: x)  # type: ignore[arg-type]
    with pytest.raises(gpubp.GpubpError, match="`n` has a default, so it is an option, and these stand behind"):
        gpubp.layer("threefold")(lambda cx, x, n=3: x)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return None", "the initialiser `initial_from_outside` gives no array of numbers, the weight needs [3, 1]"),
        ("return np.ones(3)", "the initialiser `initial_from_outside` gives an array of shape [3], the weight needs"),
        ("return np.full(shape, 'a')", "gives no array of numbers"),
        ("return 1 / 0", "ZeroDivisionError('division by zero')"),
        ("raise ValueError('it is too narrow')", "`p.dense.weight`: it is too narrow"),
    ],
)
def test_an_initialiser_that_fails(body: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {}
    exec(f"import numpy as np\ndef wrong(rng, shape):\n    {body}", names)
    key = ("initializer", "initial_from_outside")
    register(*key)(names["wrong"])
    monkeypatch.setattr(gpubp.frontend.loading, "_known", {})
    try:
        net = gpubp.loads("model {\n  input x: [3]\n  output p = x -> dense(1, init = initial_from_outside)\n}\n")
        with pytest.raises(gpubp.NetError) as caught:
            gpubp.Executor(net, device="cpu")
    finally:
        del ENTRIES[key]
    (found,) = caught.value.diagnostics
    assert found.code == "E0304"
    assert said in found.message
    assert found.span is not None
    assert found.span.text == "initial_from_outside"


@pytest.mark.usefixtures("layers")
def test_what_a_layer_raised_is_the_cause() -> None:
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(model("a = x -> boom"))
    assert isinstance(caught.value.__cause__, ValueError)
    assert any(note.startswith(f"raised at {__file__}:") for note in caught.value.diagnostics[0].notes)


# Whatever the file ---------------------------------------------------------------------------------------------------
STAGES = st.sampled_from(
    [
        *("dense(3)", "dense(4)", "relu", "flatten", "reshape([2, 2])", "reshape([4, 1])", "reshape([1])", "softmax"),
        *("sum", "mean(axis = 1)", "slice(1, 3)", "wrap", "repeat 2 { grow }", "shared", "one_hot", "dropout(10%)"),
    ]
)
OPERATORS = st.sampled_from(["a + b", "a * b", "concat(a, b)", "stack(a, b)", "where(a > 0, a, b)", "blend(a, b)"])
BLOCKS = """\
block wrap() on v { return v + (v -> dense(4)) }
block grow() on v { return concat(v, v -> dense(2)) }
fn blend(v, w) = 0.5 * v + 0.5 * w
"""
OURS = {name for name in PRIMITIVES if "_" in name} - {"one_hot"}


@settings(max_examples=60, deadline=None)
@given(st.lists(STAGES, max_size=4), st.lists(STAGES, max_size=4), OPERATORS, st.sampled_from(["x", "image", "digit"]))
def test_only_diagnostics_in_the_files_terms_escape(left: list[str], right: list[str], join: str, start: str) -> None:
    a, b = " -> ".join([start, *left]), " -> ".join(["x", *right])
    body = f"layer shared = dense(4) -> relu\n  a = {a}\n  b = {b}\n  output p = {join}"
    if start == "digit":
        body = body.replace("output p", "p")
    try:
        gpubp.loads(BLOCKS + model(body))
    except gpubp.NetError as error:
        for found in error.diagnostics:
            to_text(found)
            assert not any(name in found.message for name in OURS)
            assert len({label.span for label in found.labels}) == len(found.labels)


@pytest.mark.parametrize(
    ("body", "message", "notes"),
    [
        (lambda cx, p, g: 1 / 0, "`own` fails: ZeroDivisionError: division by zero", ("raised at",)),
        (lambda cx, p: p, "`own` fails: TypeError: .* takes 2 positional arguments but 3 were given", ("raised at",)),
        (lambda cx, p, g: g[0], "`own` fails: TypeError: a value is not indexed", ("raised at",)),
        (lambda cx, p, g: np.sign(g), "`own` fails: TypeError: ", ("raised at",)),
        (
            lambda cx, p, g: p - cx.rate(0.1) * g,
            "`own` fails: shapes do not fit inside its function",
            ("its function says: types float32 and float64 cannot be combined", "raised at"),
        ),
        (lambda cx, p, g: None, "the function of `own` returns nothing in place of the new parameters, float32", ()),
        (lambda cx, p, g: 3, "the function of `own` returns a int in place of the new parameters", ()),
        (lambda cx, p, g: ops.sum_(g), r"returns float32 of shape \[\] in place of .*, float32 of shape \[1\]$", ()),
    ],
)
def test_an_optimizer_from_outside_may_do_anything(body: Any, message: str, notes: tuple[str, ...]) -> None:
    gpubp.optimizer("own")(body)
    try:
        found = only(model("output p = x -> dense(1)") + TRAIN.format("mse(p, y)", "").replace("adam", "own"))
    finally:
        del ENTRIES["optimizer", "own"]
    assert re.search(message, found.message)
    assert found.span is not None
    assert found.span.text == "own"
    assert [one[: len(note)] for one, note in zip(found.notes, notes, strict=True)] == [*notes]
