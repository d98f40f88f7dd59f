"""Pipes, loops, blocks, layers, fns: what they expand to, and where their weights live."""

from __future__ import annotations

from dsl.diagnostics import Diagnostic
from dsl.source import Source
from tests.work import calls

from .resolving import HEAD, error, errors, found, graph, model, names, node


def test_arguments_inputs_first_then_options() -> None:
    made = model("  output p = dense(x, 8, bias = false)\n  output q = x -> dense(8, false)")
    for output in made.outputs.values():
        assert (output.attrs["units"], output.attrs["bias"]) == (8, False)
        assert output.inputs[0].name == "x"


def test_optional_inputs_go_by_name() -> None:
    made = model("  h = x -> relu\n  output p = x -> attention(2, memory = h)")
    assert made.outputs["p"].attrs["memory"] is made.values["h"]


def test_numbers_of_stages() -> None:
    made = model("  output p = x -> repeat 2 { dense(3) -> repeat 2 { relu } } -> dense(1)")
    assert names(made, "dense") == ["p.dense", "p.dense_2", "p.dense_3"]
    assert names(made, "relu") == ["p.relu", "p.relu_2", "p.relu_3", "p.relu_4"]


def test_for_side_by_side_and_spread() -> None:
    made = model("  output p = concat([for a, b in [[1, 2], [3, 4]] { x -> dense(a + b) }], x)")
    assert [one.kind for one in made.outputs["p"].inputs] == ["dense", "dense", "input"]
    assert [one.attrs["units"] for one in made.nodes if one.kind == "dense"] == [3, 7]
    assert made.outputs["p"].attrs == {"axis": -1}


def test_ranges_include_both_ends_and_may_be_empty() -> None:
    made = model("  output p = x -> for n in 2..4 { dense(n) } -> for n in 3..2 { dense(n) } -> repeat 0 { relu }")
    assert [one.attrs["units"] for one in made.nodes if one.kind == "dense"] == [2, 3, 4]


def test_blocks_of_several_inputs_and_returns() -> None:
    made = graph(
        "block both(n) on a, b {\n  m = a + b -> dense(n)\n  return m, m -> dense(1)\n}\n"
        f"{HEAD}  m, s = x -> both(x, 2)\n  output p = m + s\n}}"
    )
    assert names(made) == ["m.both.m.add", "m.both.m.dense", "m.both.dense", "p.add"]
    assert (made.values["m"].name, made.values["s"].name) == ("m.both.m.dense", "m.both.dense")
    assert [made.values[name].label for name in "ms"] == ["m", "s"]


def test_formals_have_defaults_that_see_formals_before_them() -> None:
    made = model("  output p = x -> b(3)", "block b(n, m = 2 * n) on z { return z -> dense(m) }")
    assert made.outputs["p"].attrs["units"] == 6
    assert made.outputs["p"].trace[0].what == "b(n = 3, m = 6)"


def test_a_block_hands_words_on() -> None:
    made = model("  output p = x -> b(tanh)", "block b(act = relu) on z { return z -> act }")
    assert made.outputs["p"].kind == "tanh"


def test_a_block_may_use_itself() -> None:
    made = model(
        "  output p = x -> tree(3)", "block tree(n) on z { return if n == 0 then z else z -> dense(n) -> tree(n - 1) }"
    )
    assert names(made) == ["p.tree.dense", "p.tree.tree.dense", "p.tree.tree.tree.dense"]


def test_layers() -> None:
    made = model(
        "  layer one = dense(4)\n  layer chain = one -> dense(4) -> b(4)\n"
        "  a = x -> one -> chain\n  output p = a -> chain -> one",
        "block b(n) on z { return z -> dense(n) }",
    )
    assert names(made) == ["one", "one", "chain.dense", "chain.b.dense", "one", "chain.dense", "chain.b.dense", "one"]


def test_a_layer_in_a_block_is_shared_in_that_use_alone() -> None:
    made = model("  output p = x -> b -> b", "block b() on z {\n  layer f = dense(4)\n  return z -> f -> f\n}")
    assert names(made) == ["p.b.f", "p.b.f", "p.b_2.f", "p.b_2.f"]


def test_a_layer_that_is_one_block_gives_its_place_to_the_block() -> None:
    made = model("  layer enc = b(3)\n  output p = x -> enc", "block b(n) on z { return z -> dense(n) }")
    assert names(made) == ["enc.dense"]


def test_weights_as_values() -> None:
    made = model(
        "  layer e = dense(4) -> dense(3)\n  h = x -> e\n  w = e.dense_2.weight\n  output p = h + e.dense_2.weight + w"
    )
    assert made.values["w"].attrs == {"path": "e.dense_2.weight"}
    assert len([one for one in made.nodes if one.kind == "weight"]) == 1


def test_a_return_keeps_clear_of_the_names_beside_it() -> None:
    made = model("  output p = x -> b", "block b() on z {\n  dense = z -> dense(3)\n  return dense -> dense(4)\n}")
    assert names(made) == ["p.b.dense.dense", "p.b.dense_2"]


def test_fns_take_tensors_and_statics() -> None:
    made = model("  output p = f(x, 2) + f(x, b = x)", "fn f(a, b = 1) = a * b")
    assert [[one.kind for one in n.inputs] for n in made.nodes if n.kind == "*"] == [
        ["input", "constant"],
        ["input", "input"],
    ]
    assert names(made) == ["p.f.mul", "p.f_2.mul", "p.add"]


def test_spans_and_traces() -> None:
    text = f"block b(n) on z {{ return z -> dense(n) }}\n{HEAD}  output p = x -> b(3) -> relu\n}}"
    made = graph(text)
    dense = node(made, "p.b.dense")
    assert (dense.span.text, [span.text for span in dense.input_spans]) == ("dense(n)", ["z"])
    assert [(frame.what, frame.span.text) for frame in dense.trace] == [("b(n = 3)", "b(3)")]
    relu = made.outputs["p"]
    assert ([span.text for span in relu.input_spans], relu.trace) == (["b(3)"], ())


def test_endless_recursion() -> None:
    for text in (
        "block b(n) on z { return z -> b(n + 1) }\nmodel {\n  input x: [1]\n  output p = x -> b(0)\n}",
        "fn f(n) = 1 + f(n)\nlet a = f(1)",
        "fn f(n) = g(n)\nfn g(n) = [f(n), (if f(n) == 1 then 2 else 3)]\nlet a = f(1)",
    ):
        wrong = error(text)
        assert wrong.code == "E0219"
        assert "200 levels deep" in wrong.message
        # each way into an expansion is told once, the innermost first
        assert 2 <= len(wrong.notes) <= 5
        assert wrong.notes[-1] == f"and {201 - len(wrong.notes)} expansions around it"


def test_limits_come_after_little_work() -> None:
    said: list[Diagnostic] = []
    for body in (
        "x -> b(30)",
        "x -> repeat 1000000000 { relu }",
        "x -> repeat 1000000000 { repeat 0 { relu } }",
        "x -> for i in 1..9000000000000000000 { relu }",
        "concat([for i in 1..1000000000 { x }])",
        "x -> repeat 100 { repeat 100 { repeat 100 { dense(3) } } }",
    ):
        text = (
            "block b(n) on z { return if n == 0 then z else z -> b(n - 1) -> b(n - 1) }\n"
            f"model {{\n  input x: [1]\n  output p = {body}\n}}"
        )
        assert calls(lambda text=text: said.append(error(text))) < 3_000_000, body
        assert said[-1].code == "E0219", body


def test_1000_layers() -> None:
    body = "\n".join(f"  h{i} = h{i - 1} -> dense(8) -> relu" for i in range(1, 501))
    text = f"model {{\n  input h0: [4]\n{body}\n  output p = h500\n}}"
    made, _ = found(text)
    assert made is not None
    assert len(made.nodes) == 1001


def test_errors_inside_expansions_come_once_with_the_trace() -> None:
    text = (
        f"block b(n, m = 1) on z {{\n  return z -> dense(n, bia = true)\n}}\n{HEAD}"
        "  output p = x -> repeat 3 { b(2) } -> b(3)\n}"
    )
    wrong = error(text)
    assert wrong.code == "E0204"
    assert wrong.notes == (
        "in `b(n = 2, m = 1)`, expanded from test.net:7:30",
        "in `repeat 3, turn 1`, expanded from test.net:7:19",
        "dense(units, bias = true, init = glorot_uniform, bias_init = zeros)",
    )
    assert isinstance(wrong.span.source if wrong.span else None, Source)


def test_values_that_need_names() -> None:
    two = "block b() on z { return z, z + 1 }\n"
    wrong = errors(
        f"{two}{HEAD}  a = x -> b\n  c, d, e = x -> b\n  f, g = x -> relu\n  h = 1 + (x -> b)\n  i = x -> b -> relu\n"
        "  j = [x -> b]\n  output p = x -> b\n}"
    )
    assert {code for code, _, _ in wrong} == {"E0218"}
    assert [text for _, _, text in wrong] == ["a", "c, d, e", "x -> relu", "x -> b", "b", "x -> b", "x -> b"]


def test_wrong_loops() -> None:
    for body, code in (
        ("repeat 2.5 { relu }", "E0311"),
        ("repeat -1 { relu }", "E0312"),
        ("repeat true { relu }", "E0310"),
        ("for i in 3 { relu }", "E0318"),
        ("for i in x { relu }", "E0318"),
        ("for i in 1..2.5 { relu }", "E0311"),
        ("for i, j in [[1, 2], [3]] { relu }", "E0318"),
        ("for i, j in 1..3 { relu }", "E0318"),
    ):
        assert error(f"{HEAD}  output p = x -> {body}\n}}").code == code, body


def test_weightless() -> None:
    assert error(f"fn f(z) = z -> dense(3)\n{HEAD}  output p = x -> f\n}}").code == "E0222"
