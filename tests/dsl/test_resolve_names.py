"""Scopes: decisions 11 to 14, and what names may stand where."""

from __future__ import annotations

import pytest

from dsl.graph import Word

from .resolving import HEAD, error, errors, found, graph, model, names, node


def test_a_value_may_share_the_spelling_of_a_function() -> None:
    made = model("  mean = x -> dense(3)\n  relu = mean -> relu\n  output p = relu -> relu")
    assert made.outputs["p"].inputs == (made.values["relu"],)


@pytest.mark.parametrize(
    "text",
    [
        "param relu = 3",
        "let relu = 3",
        "fn relu(z) = z",
        "fn f(relu) = relu",
        "block relu() on x { return x }",
        "block b(relu) on x { return x }",
        "let mse = 1",
    ],
)
def test_what_can_stand_in_a_functions_place_may_not(text: str) -> None:
    assert [code for code, _, _ in errors(text)] == ["E0212"]


def test_a_layer_and_a_loop_may_not_take_a_functions_name() -> None:
    wrong = errors(f"{HEAD}  layer relu = dense(3)\n  output p = x -> for tanh in [1] {{ dense(tanh) }}\n}}")
    assert [(code, text) for code, _, text in wrong] == [("E0212", "relu"), ("E0212", "tanh")]


def test_one_scope_for_file_and_model() -> None:
    wrong = error(f"let a = 1\n{HEAD}  a = x\n  output p = a\n}}")
    assert (wrong.code, wrong.message) == ("E0202", "the name `a` is assigned twice")
    assert [label.span.text for label in wrong.labels] == ["a"]
    assert wrong.span is not None
    assert wrong.span.start > wrong.labels[0].span.start


def test_a_loop_may_not_reuse_a_name_but_two_loops_may_share_one() -> None:
    made = model("  output p = x -> for n in [1, 2] { dense(n) } -> for n in [3] { dense(n) }")
    assert [one.attrs["units"] for one in made.nodes if one.kind == "dense"] == [1, 2, 3]
    assert error(f"let n = 1\n{HEAD}  output p = x -> for n in [1] {{ dense(n) }}\n}}").code == "E0202"


def test_a_block_may_reuse_names_of_the_file() -> None:
    made = model(
        "  output p = x -> b(3)", "param depth = 2\nblock b(depth) on x {\n  h = x -> dense(depth)\n  return h\n}"
    )
    assert node(made, "p.b.h.dense").attrs["units"] == 3


def test_a_block_does_not_see_the_models_values() -> None:
    wrong = error(f"block b() on z {{ return z + x }}\n{HEAD}  output p = x -> b\n}}")
    assert (wrong.code, wrong.message) == ("E0201", "there is no value `x`")


def test_blocks_are_seen_everywhere_params_from_their_line_on() -> None:
    made = graph(f"{HEAD}  output p = x -> b(2)\n}}\nblock b(n) on x {{ return x -> dense(n) }}")
    assert names(made) == ["p.b.dense"]
    wrong = error(f"{HEAD}  output p = x -> dense(width)\n}}\nparam width = 3")
    assert (wrong.code, wrong.help) == ("E0203", ("move this param up",))
    wrong = error(f"block b() on x {{ return x -> dense(width) }}\nparam width = 3\n{HEAD}  output p = x -> b\n}}")
    assert wrong.code == "E0203"


def test_used_before_it_is_made() -> None:
    wrong = error(f"{HEAD}  a = b -> relu\n  b = x -> relu\n  output p = a + b\n}}")
    assert (wrong.code, wrong.message) == ("E0203", "`b` is used before it is defined")
    assert wrong.labels[0].text == "defined here"


def test_words_come_first_where_an_option_has_them() -> None:
    made = graph("model {\n  input x: [8, 8, 1]\n  target same: [1]\n  output p = x -> conv(4, 3, pad = same)\n}")
    assert made.outputs["p"].attrs["pad"] == Word("same")


def test_options_see_no_tensors() -> None:
    made = model("  normal = x -> relu\n  output p = normal -> dense(3, init = normal)")
    init = made.outputs["p"].attrs["init"]
    assert getattr(init, "name", None) == "normal"
    wrong = error(f"{HEAD}  h = x -> relu\n  output p = h -> dense(h)\n}}")
    assert (wrong.code, wrong.message) == ("E0316", "`h` is a tensor, but this is evaluated when the file is loaded")


def test_a_word_stands_where_its_function_may() -> None:
    made = model("  output p = x -> for f in [act, tanh] { dense(2) -> f } -> act", "param act = relu in [relu, tanh]")
    assert [one.kind for one in made.nodes if one.kind in ("relu", "tanh")] == ["relu", "tanh", "relu"]


def test_words_of_a_domain_are_words() -> None:
    text = "param mode = fast in [fast, slow]\nlet n = if mode == fast then 1 else 2\n"
    assert graph(f"{text}model {{\n  input x: [n]\n  output p = x\n}}").inputs[0].type is not None
    assert error("param mode = quick in [1]").code == "E0201"


def test_log_is_a_function_and_a_domain() -> None:
    made = model("  output p = log(x) -> dense(3, init = normal(lr))", "param lr = 1e-3 in log(1e-4, 1e-2)")
    assert getattr(made.params["lr"].domain, "name", None) == "log"
    assert made.outputs["p"].inputs[0].kind == "log"


def test_as_names_a_stage() -> None:
    made = model("  output p = x -> dense(3) as h -> relu as r -> dense(1)\n  q = h + r")
    assert names(made) == ["h", "r", "p.dense", "q.add"]
    assert [made.values[name].label for name in ("h", "r", "p")] == ["h", "r", "p"]


def test_a_value_that_is_passed_on_keeps_its_label() -> None:
    made = model("  a = x -> relu\n  b = a\n  output p = b")
    assert made.values["p"] is made.values["a"]
    assert made.values["a"].label == "a"


def test_names_of_other_kinds_in_the_wrong_place() -> None:
    wrong = errors(
        f"let n = 3\nblock b() on x {{ return x }}\n{HEAD}  layer f = dense(3)\n  a = x + f\n  c = b\n  d = x -> n\n"
        f"  e = x -> x\n  g = n.weight\n  output p = x -> f\n}}"
    )
    assert [(code, text) for code, _, text in wrong] == [
        ("E0210", "f"),
        ("E0210", "b"),
        ("E0209", "n"),
        ("E0209", "x"),
        ("E0209", "n.weight"),
    ]


def test_suggestions_are_near_and_of_the_right_kind() -> None:
    def help_of(body: str) -> tuple[str, ...]:
        return error(f"block resize() on x {{ return x }}\n{HEAD}{body}\n}}").help

    assert help_of("  output p = x -> dens(3)") == ("did you mean `dense`?",)
    assert help_of("  output p = x -> resise") == ("did you mean `resize`?",)
    assert help_of("  hidden = x -> relu\n  output p = hiden + 1") == ("did you mean `hidden`?",)
    assert help_of("  output p = x -> dense(3, bia = false)") == ("did you mean `bias`?",)
    assert help_of("  output p = x -> dense(3, bia = 4)") == (), "`bias` would not take 4"
    assert help_of("  output p = x -> zzzzzzz(3)") == ("`gpubp words` lists what there is",)


def test_no_cascades() -> None:
    wrong = errors(f"{HEAD}  a = nope -> relu\n  b = a -> dense(3)\n  c = a + b\n  output p = c -> relu\n}}")
    assert [text for _, _, text in wrong] == ["nope"]


def test_names_of_a_statement_that_was_not_understood_are_silent() -> None:
    wrong = errors(f"{HEAD}  a = x -> -> relu\n  output p = a -> dense(1)\n}}")
    assert [code[:3] for code, _, _ in wrong] == ["E01"]


def test_unused() -> None:
    _, findings = found(
        "param w = 1\nlet l = 2\nfn f(z, k = 1) = z\nblock b(n) on x {\n  h = x -> relu\n  return x\n}\n"
        f"block never() on x {{ return x }}\n{HEAD}  a = x -> relu\n  layer e = dense(3)\n  output p = f(x) -> b(1)\n}}"
    )
    assert {(d.code, d.severity) for d in findings} == {("W0201", "warning"), ("W0202", "warning")}
    assert [d.message for d in findings] == [
        "the param `w` is never used",
        "the let `l` is never used",
        "the argument `k` of `f` is never used",
        "the argument `n` of `b` is never used",
        "the value `h` of `b` is never used",
        "the block `never` is never used",
        "the value `a` is never used",
        "the layer `e` is never used",
    ]


def test_a_branch_not_taken_uses_its_names() -> None:
    _, findings = found("let n = 1\nlet m = if n == 1 then 2 else n\nmodel {\n  input x: [m]\n  output p = x\n}")
    assert findings == []


def test_an_unused_input_is_an_error() -> None:
    wrong = error("model {\n  input x: [1]\n  input z: [1]\n  output p = x -> dense(1)\n}")
    assert (wrong.code, wrong.message) == ("E0221", "the input `z` is never used")
