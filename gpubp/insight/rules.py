"""The derivative of a primitive beside finite differences: the one definition of that check, for the tests of the
registry and for `gradcheck`."""

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
    """A derivative by input number `input`, from 0, along a direction drawn at random, that is not what differences
    from the right and from the left of the point give. `kink`: these do not agree with each other, either."""

    input: int
    found: float
    right: float
    left: float
    kink: bool


def both_sides(f: Callable[[float], float], h: float = _H) -> tuple[float, float]:
    """The derivative at 0 from points on its right only, and on its left only, each with an error of order h^2."""
    middle = f(0.0)
    right, left = ((-3 * middle + 4 * f(s) - f(2 * s)) / (2 * s) for s in (h, -h))
    return right, left


def several(found: Any) -> tuple[NDArray[Any], ...]:
    """What a primitive gives, as a tuple of arrays."""
    import numpy as np

    return tuple(map(np.asarray, found if isinstance(found, tuple | list) else (found,)))


def check_rule(
    op: Primitive, arrays: Sequence[NDArray[Any]], params: Mapping[str, Any], seed: int = 0
) -> tuple[int, list[Mismatch]]:
    """Compare each cotangent, for a random upstream one, with differences along a direction drawn at random; where
    there are several results, for one of all of them and for one of each alone.

    Returns how many cotangents there are, and those that differ by more than 1e-6 of it (1e-4 in float32). The steps go
    by the size of each number, so that none crosses 0, where poles and kinks stand.
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
                found = _compared(op, arrays, params, upstream, i, cotangent, rng)
                wrong += [] if found is None else [found]
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
    # Along the cotangent's own signs no term cancels another, and a part of the whole is seen in the sum.
    signs = np.where(slopes == 0, rng.choice([-1.0, 1.0], array.shape), np.sign(slopes))
    direction = rng.uniform(0.5, 1.0, array.shape) * signs
    if array.any():  # zeros, on which kinks stand, are left where they are
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
    """What the rules `keep` and `vjp` alone give for upstream cotangents, evaluated."""
    import numpy as np

    assert op.vjp is not None
    xs = inputs_for(arrays)
    eqn = Eqn(op, tuple(xs), params, tuple(map(Var, results(op, xs, params))))
    if op.save_residuals is not None:
        eqn = op.save_residuals(eqn)
    gs = [None if u is None else Var(y.aval, "g") for u, y in zip(upstream, eqn.outputs, strict=False)]
    gs += [None] * (len(eqn.outputs) - len(gs))
    more = len(eqn.outputs) > 1
    with recording() as tail:
        found = op.vjp(tuple(gs) if more else gs[0], eqn.outputs if more else eqn.output, *xs, **eqn.params)
    wanted = [r for r in found if r is not None]
    given = {g: u.astype(g.dtype) for g, u in zip(gs, upstream, strict=False) if g is not None and u is not None}
    program = verify(Program((*given, *xs), (eqn, *tail), tuple(wanted)))
    values = iter(evaluate(program, [*given.values(), *arrays], np))
    return [None if r is None else next(values) for r in found]


def inputs_for(arrays: Sequence[NDArray[Any]]) -> list[Var]:
    """Program inputs of the arrays' shapes and types."""
    return [Var(Aval(a.shape, str(a.dtype)), f"x{i}") for i, a in enumerate(arrays)]
