"""The comparison of a primitive's derivative with finite differences, for the tests of all primitives and for
`gradcheck`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..ir import FLOATS, Aval, Eqn, Primitive, Program, Var, apply, evaluate, recording, results, verify

if TYPE_CHECKING:
    from numpy.typing import NDArray

_H, _H_SINGLE = 2e-5, 1e-2
_CLOSE, _CLOSE_SINGLE = 1e-6, 1e-4


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A derivative with respect to input number `input`, from 0, along a random direction, that differs from the
    one-sided differences `right` and `left`. `kink`: these differ from each other as well."""

    input: int
    found: float
    right: float
    left: float
    kink: bool


def both_sides(f: Callable[[float], float], h: float = _H) -> tuple[float, float]:
    """One-sided differences at 0, from the right and from the left, with an error of order h^2."""
    middle = f(0.0)
    right, left = ((-3 * middle + 4 * f(s) - f(2 * s)) / (2 * s) for s in (h, -h))
    return right, left


def several(found: Any) -> tuple[NDArray[Any], ...]:
    """The result or results of a primitive as a tuple of arrays."""
    import numpy as np

    return tuple(map(np.asarray, found if isinstance(found, tuple | list) else (found,)))


def check_rule(
    op: Primitive, arrays: Sequence[NDArray[Any]], params: Mapping[str, Any], seed: int = 0
) -> tuple[int, list[Mismatch]]:
    """Compare each cotangent, for random upstream cotangents, with differences along a random direction. With several
    results, once for all of them and once for each alone.

    Returns the number of cotangents, and those with a relative error above 1e-6 (1e-4 in float32). Steps are
    proportional to each element, so that none crosses 0, where poles and kinks tend to be.
    """
    import numpy as np

    rng = np.random.default_rng(seed + 100)
    count, wrong = 0, []
    ys = several(apply(op, np, arrays, params))
    floats = [i for i, y in enumerate(ys) if str(y.dtype) in FLOATS]
    for chosen in [floats] if len(floats) < 2 else [floats, *([i] for i in floats)]:
        upstream = [rng.normal(size=y.shape) if i in chosen else None for i, y in enumerate(ys)]
        cotangents = cotangents_of(op, arrays, params, upstream)
        count += sum(c is not None for c in cotangents)
        for i, cotangent in enumerate(cotangents):
            if str(arrays[i].dtype) in FLOATS:
                mismatch = _compared(op, arrays, params, upstream, i, cotangent, rng)
                wrong += [] if mismatch is None else [mismatch]
    return count, wrong


def _compared(
    op: Primitive,
    arrays: Sequence[NDArray[Any]],
    params: Mapping[str, Any],
    upstream: Sequence[NDArray[Any] | None],
    i: int,
    cotangent: NDArray[Any] | None,
    rng: Any,
) -> Mismatch | None:
    import numpy as np

    array = arrays[i]
    single = array.dtype == np.float32
    slopes = np.zeros(array.shape) if cotangent is None else cotangent
    # Along the cotangent's signs no terms cancel, so that an error in any part shows in the sum.
    signs = np.where(slopes == 0, rng.choice([-1.0, 1.0], array.shape), np.sign(slopes))
    direction = rng.uniform(0.5, 1.0, array.shape) * signs
    if array.any():  # zeros, where kinks tend to be, are not moved
        direction *= np.minimum(np.abs(array), 1.0)
    largest = 0.0

    def along(t: float) -> float:
        nonlocal largest
        moved = [*arrays[:i], (array + t * direction).astype(array.dtype), *arrays[i + 1 :]]
        pairs = zip(upstream, several(apply(op, np, moved, params)), strict=True)
        terms = [u * y for u, y in pairs if u is not None]
        largest = max(largest, *(float(np.linalg.norm(term.reshape(-1))) for term in terms))
        return sum(float(term.sum()) for term in terms)

    h = _H_SINGLE if single else _H
    found, (right, left) = float((slopes * direction).sum()), both_sides(along, h)
    noise = 2 * float(np.finfo(array.dtype).eps) * largest / h
    near = (_CLOSE_SINGLE if single else _CLOSE) * max(abs(found), abs(right), abs(left)) + noise
    if abs(found - right) <= near and abs(found - left) <= near:
        return None
    return Mismatch(i, found, right, left, kink=abs(right - left) > 2 * near)


def cotangents_of(
    op: Primitive,
    arrays: Sequence[NDArray[Any]],
    params: Mapping[str, Any],
    upstream: Sequence[NDArray[Any] | None],
) -> list[NDArray[Any] | None]:
    """The cotangents that the rules `save_residuals` and `vjp` give for upstream cotangents."""
    import numpy as np

    assert op.vjp is not None
    xs = inputs_for(arrays)
    eqn = Eqn(op, tuple(xs), params, tuple(map(Var, results(op, xs, params))))
    if op.save_residuals is not None:
        eqn = op.save_residuals(eqn)
    gs = [None if u is None else Var(y.aval, "g") for u, y in zip(upstream, eqn.outputs, strict=False)]
    gs += [None] * (len(eqn.outputs) - len(gs))
    several_outputs = len(eqn.outputs) > 1
    with recording() as tail:
        cotangents = op.vjp(
            tuple(gs) if several_outputs else gs[0], eqn.outputs if several_outputs else eqn.output, *xs, **eqn.params
        )
    outputs = [r for r in cotangents if r is not None]
    seeds = {g: u.astype(g.dtype) for g, u in zip(gs, upstream, strict=False) if g is not None and u is not None}
    program = verify(Program((*seeds, *xs), (eqn, *tail), tuple(outputs)))
    values = iter(evaluate(program, [*seeds.values(), *arrays], np))
    return [None if r is None else next(values) for r in cotangents]


def inputs_for(arrays: Sequence[NDArray[Any]]) -> list[Var]:
    """Program inputs with the arrays' shapes and dtypes."""
    return [Var(Aval(a.shape, str(a.dtype)), f"x{i}") for i, a in enumerate(arrays)]
