"""Compile-time arithmetic: whole where it can be, guarded always; kinds of options."""

from __future__ import annotations

import pytest

from dsl.graph import Duration, Word

from .resolving import HEAD, error, errors, graph, model

SIZES = "let size = {}\nmodel {{\n  input x: [size]\n  output p = x\n}}"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("28 * 28", 784),
        ("64 / 2", 32),
        ("7 // 2", 3),
        ("2^10", 1024),
        ("sqrt(64)", 8),
        ("64 -> sqrt", 8),
        ("-3 + 5", 2),
        ("if 2 > 1 then 3 else nope", 3),
        ("round(2.4)", 2),
        ("20_000", 20000),
        ("abs(-3)", 3),
        ("1 + 2 * 3 - 4", 3),
    ],
)
def test_sizes(text: str, size: int) -> None:
    made = graph(SIZES.format(text)).inputs[0].type
    assert made is not None
    assert made.shape == (size,)
    assert type(made.shape[0]) is int


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("10^10^10", "E0314"),
        ("2^9999999999", "E0314"),
        ("1 / 0", "E0314"),
        ("1 // 0", "E0314"),
        ("0^(-1)", "E0314"),
        ("log(-1)", "E0314"),
        ("log(0)", "E0314"),
        ("sqrt(-1)", "E0314"),
        ("(-8)^0.5", "E0314"),
        ("exp(1000)", "E0314"),
        ("1e308 * 10", "E0314"),
        ("9223372036854775807 + 1", "E0314"),
        ("5% * 2", "E0313"),
        ("3epochs + 1", "E0313"),
        ("12x", "E0226"),
        ("true + 1", "E0310"),
        ('"a" + 1', "E0310"),
        ("[1, true] * 2", "E0310"),
        ('1 < "a"', "E0310"),
        ('1 == "a"', "E0310"),
        ("if 1 then 2 else 3", "E0315"),
        ("-true", "E0310"),
    ],
)
def test_guarded(text: str, code: str) -> None:
    assert error(f"let a = {text}").code == code


@pytest.mark.parametrize(("text", "code"), [("2.5", "E0311"), ("7 / 2", "E0311"), ("0", "E0312"), ("10^12", "E0312")])
def test_sizes_are_whole_and_not_too_large(text: str, code: str) -> None:
    assert error(SIZES.format(text)).code == code


def test_a_number_beside_a_tensor_is_a_constant() -> None:
    made = model("  output p = 2 * x")
    constant = made.outputs["p"].inputs[0]
    assert (constant.kind, constant.attrs, constant.span.text) == ("constant", {"value": 2}, "2")
    assert [span.text for span in made.outputs["p"].input_spans] == ["2", "x"]


def test_fns_of_statics_are_static() -> None:
    assert graph("fn half(n, by = 2) = n / by\n" + SIZES.format("half(12)")).inputs[0].type is not None
    made = model("  output p = x -> dense(half(12))", "fn half(n) = n / 2")
    assert made.outputs["p"].attrs["units"] == 6


def test_kinds() -> None:
    made = model(
        "  output p = x -> dropout(25%) -> dropout(0.5) -> dense(4, false, [[1], [2.5]], bias_init = normal(0.1))"
    )
    dense = made.outputs["p"]
    assert dense.attrs["init"] == ((1,), (2.5,))
    assert dense.attrs["bias"] is False
    choice = dense.attrs["bias_init"]
    assert getattr(choice, "options", None) == {"stddev": 0.1}
    assert [one.attrs["rate"] for one in made.nodes if one.kind == "dropout"] == [0.25, 0.5]
    assert all(type(one.attrs["rate"]) is float for one in made.nodes if one.kind == "dropout")
    assert dense.attr_spans["units"].text == "4"
    assert list(dense.attrs) == ["units", "bias", "init", "bias_init"]


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        ("dense(2.5)", "E0311", "`units` must be whole, but this is 2.5"),
        ("dense(0)", "E0312", "`units` must be at least 1, but this is 0"),
        ("dense(1e19)", "E0312", "`units` must be at most 2^63 - 1, but this is 1e+19"),
        ("dense(3%)", "E0313", "`units` takes a plain number; `%` fits only fractions"),
        ("dense(3epochs)", "E0313", "`units` takes a plain number"),
        ("dense(true)", "E0310", "`units` takes a whole number, but this is the boolean `true`"),
        ('dense("a")', "E0310", "`units` takes a whole number, but this is a string"),
        ("dense(relu)", "E0310", "`units` takes a whole number, but this is the word `relu`"),
        ("dense(3, bias = 1)", "E0310", "`bias` takes `true` or `false`, but this is the number 1"),
        (
            "dense(3, init = [[1, 2], [3]])",
            "E0310",
            "`init` takes a rectangular list of numbers: all rows must have the same length",
        ),
        (
            "dense(3, init = adam)",
            "E0310",
            "`init` takes an initializer or numbers (a scalar or a rectangular list), but this is the word `adam`",
        ),
        ("reshape([2, 1e19])", "E0312", "each number of `shape` must be at most 2^63 - 1"),
        ("reshape([2.5])", "E0311", "`shape` takes whole numbers, but this contains the number 2.5"),
        ("conv(3, 3, pad = relu)", "E0310", "`pad` takes `same` or `valid`, but this is the word `relu`"),
        ("conv(3, 3, pad = smae)", "E0201", "`pad` does not know `smae`"),
        ("attention(2, memory = 3)", "", ""),
    ],
)
def test_misfits(call: str, code: str, message: str) -> None:
    wrong = errors(f"{HEAD}  output p = x -> {call}\n}}")
    assert [(c, m) for c, m, _ in wrong] == ([(code, message)] if code else [])


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        ("dense([4])", ("`4`",)),
        ("reshape(4)", ("`[4]`",)),
        ("dense(3, bias = 1)", ("`bias = true`",)),
        ("dense(3, bias = 0)", ("`bias = false`",)),
        ("dense(3, bias = 2)", ()),
        ("dense([4, 4])", ()),
    ],
)
def test_what_a_misfit_means(call: str, meant: tuple[str, ...]) -> None:
    help = error(f"{HEAD}  output p = x -> {call}\n}}").help
    assert help == tuple(f"did you mean {one}?" for one in meant)


def test_durations_and_words_in_train() -> None:
    train = graph(
        f"{HEAD}  output p = x -> dense(1)\n}}\ntrain {{\n  loss = mse(p, y)\n  optimizer = adam()\n"
        "  schedule = warmup(200steps, cosine(to = 0))\n  precision = float64\n}"
    ).train
    assert train is not None
    schedule = train.options["schedule"]
    options = getattr(schedule, "options", {})
    assert options["length"] == Duration(200, "steps")
    assert options["then"].name == "cosine"
    assert schedule.option_spans["length"].text == "200steps"  # type: ignore[union-attr]
    assert train.options["precision"] == Word("float64")


def test_equality_of_words() -> None:
    made = model("  output p = if act == relu then x -> relu else x -> tanh", "param act = tanh in [relu, tanh]")
    assert made.outputs["p"].kind == "tanh"


def test_whole_division_is_for_numbers_of_the_file() -> None:
    found = error(f"{HEAD}  output p = x // 2 -> dense(1)\n}}")
    assert found.code == "E0316"
    assert found.help == ("`/` divides tensors, element by element",)
