"""Whatever the text, `resolve` answers with findings, and soon."""

from __future__ import annotations

from .resolving import error, errors, found


def test_many_mistakes_do_not_take_long() -> None:
    body = "\n".join(f"  a{i} = b{i} -> dens{i}(c{i}, unit = d{i})" for i in range(2000))
    _, findings = found(f"model {{\n{body}\n}}")
    assert len(findings) == 100


def test_broken_files_are_not_accused_of_more() -> None:
    text = (
        "model {\n  input x: [4\n  h = x -> dense(3)\n  output p = h -> dense(1)\n}\n"
        "train {\n  loss = sum(p)\n  optimizer = = adam()\n}"
    )
    assert {code[:3] for code, _, _ in errors(text)} == {"E01"}


def test_bodies_that_nothing_calls_are_checked() -> None:
    wrong = errors("block b(n, m = 2) on x {\n  h = x -> dense(n, bia = m) -> relo\n  return nope\n}\nfn f(z) = zz + 1")
    assert [text for _, _, text in wrong] == ["bia", "relo", "nope", "zz"]
    assert errors("block b(n) on x { return if n == 0 then x else x -> dense(n) -> b(n - 1) }") == []


def test_an_endless_default() -> None:
    assert error("block b(n = 1) on x { return x -> b }").code == "E0219"
