"""The places where a shape came about: both sides of what does not fit, each place once, nothing that is beside it."""

from __future__ import annotations

from .wrong import TRAIN, errors, model, only


def causes(text: str) -> list[tuple[str, str]]:
    return [(label.span.text, label.text) for label in only(text).labels]


def test_the_last_changes_of_both_sides() -> None:
    a, b = "a = image -> flatten -> relu -> dense(64) -> tanh -> dense(10)", "b = image -> dense(3) -> flatten"
    assert causes(model(f"{a}\n  {b}\n  c = a + b")) == [
        ("dense(10)", "[64] becomes [10]"),
        ("flatten", "[8, 8, 1] becomes [64]"),
        ("flatten", "[8, 8, 3] becomes [192]"),
        ("dense(3)", "[8, 8, 1] becomes [8, 8, 3]"),
    ]


def test_a_block_counts_as_one_change_and_one_without_effect_as_none() -> None:
    blocks = (
        "block narrow(n) on x { return x -> dense(2 * n) -> relu -> dense(n) }\n"
        "block around() on x { return x -> dense(99) -> dense(2) }\n"
    )
    body = "a = x -> narrow(2) -> around\n  b = a + x"
    assert causes(blocks + model(body)) == [("narrow(2)", "[4] becomes [2]"), ("input x: [4]", "[4], declared here")]


def test_what_comes_into_a_block_is_told_at_its_header_and_outside() -> None:
    block = "block join() on a, b { return a + b }\n"
    found = only(block + model("c = x -> dense(3)\n  d = x -> dense(2)\n  e = join(c, d)"))
    assert [(label.span.text, label.text) for label in found.labels] == [
        ("a", "comes in as [3]"),
        ("dense(3)", "[4] becomes [3]"),
        ("b", "comes in as [2]"),
        ("dense(2)", "[4] becomes [2]"),
    ]


def test_every_place_is_told_once() -> None:
    found = only(model("a = image -> dense(3)\n  b = concat(a, a, x)"))
    spans = [label.span for label in found.labels]
    assert len(spans) == len(set(spans))


def test_independent_errors_all_come_and_nothing_that_follows_from_them() -> None:
    body = "a = x -> reshape([3])\n  b = a + image\n  c = concat(a, b)\n  output p = x -> dense(2)"
    found = errors(model(body) + TRAIN.format("mse(p, y) + mean(c)", "mse(p, digit), p"))
    assert [(one.code, one.span.text) for one in found if one.span is not None] == [
        ("E0301", "reshape([3])"),
        ("E0302", "dense(2)"),
        ("E0301", "mse(p, y)"),
        ("E0306", "mse(p, digit)"),
    ]


def test_a_place_that_is_expanded_often_is_told_once() -> None:
    assert len(errors("block bad() on x { return x -> reshape([7]) }\n" + model("a = x -> bad\n  b = x -> bad"))) == 1
