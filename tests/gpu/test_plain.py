"""CuPy's own kernels beside NumPy's: every primitive by every form of its text, random programs, whole nets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.insight.rules import inputs_for
from gpubp.ir import FLOATS, Example, Primitive, Program, apply, bind, evaluate, recording, results, verify
from gpubp.passes import plan
from gpubp.render import compile_source, plan_source
from tests.ops.checks import EXAMPLES, IDS, arguments
from tests.render.test_c_source import MODELS
from tests.render.test_plan_source import CLASSES, REGRESSION, XOR

Array = np.ndarray[Any, Any]
each_example = pytest.mark.parametrize(("primitive", "example"), EXAMPLES, ids=IDS)
each_type = pytest.mark.parametrize("floats", ["float64", "float32"])


def near(found: Sequence[Any], wanted: Sequence[Any]) -> None:
    """The same shapes and types; whole numbers alike, floats up to what functions of two libraries may differ in."""
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if str(b.dtype) in FLOATS:
            unit = np.finfo(b.dtype).eps
            size = float(np.max(np.abs(b), initial=1.0, where=np.isfinite(b)))
            np.testing.assert_allclose(a, b, rtol=64 * unit, atol=64 * unit * size)
        else:
            np.testing.assert_array_equal(a, b)


def several(found: Any) -> Sequence[Any]:
    return found if isinstance(found, tuple | list) else (found,)


def host(values: Sequence[Any]) -> list[Array]:
    return [np.asarray(v.get()) if hasattr(v, "get") else np.asarray(v) for v in values]


@each_example
@each_type
def test_a_primitive(cupy: Any, primitive: Primitive, example: Example, floats: str) -> None:
    arrays, params = arguments(example, floats)
    with np.errstate(all="ignore"):
        wanted = several(apply(primitive, np, arrays, params))
    found = several(apply(primitive, cupy, [cupy.asarray(a) for a in arrays], params))
    assert all(isinstance(y, cupy.ndarray) for y in found)
    near(host(found), wanted)


@each_example
@each_type
def test_a_primitive_in_a_plan(cupy: Any, primitive: Primitive, example: Example, floats: str) -> None:
    """Into memory that is there already."""
    arrays, params = arguments(example, floats)
    xs = inputs_for(arrays)
    with recording() as eqns:
        made = bind(primitive, *xs, **params)
    assert [y.aval for y in made] == list(results(primitive, xs, params))
    program = verify(Program(tuple(xs), tuple(eqns), tuple(made)))
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, [a.copy() for a in arrays], np)]
    planned = plan(program, xs)
    arena = cupy.full(planned.arena, 0xFF, dtype="uint8")
    step, slots, outputs = compile_source(plan_source(planned, "run"), "bind_run", cupy)(arena)
    for _ in range(2):
        for slot, values in zip(slots, arrays, strict=True):
            slot[...] = cupy.asarray(values)
        step()
        near(host(outputs), wanted)


def rows_of(net: gpubp.Net, count: int) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    rows: dict[str, Array] = {}
    for node in (*net.graph.inputs, *net.graph.targets):
        assert node.type is not None
        shape, classes = (count, *node.type.shape), node.type.classes
        rows[node.name] = rng.integers(0, classes, shape) if classes else rng.uniform(0, 1, shape)
    return rows


NETS: dict[str, Callable[[], gpubp.Net]] = {
    **{path.stem: (lambda path=path: gpubp.load(path)) for path in MODELS},
    "every op": lambda: gpubp.loads(CLASSES),
    "arithmetic": lambda: gpubp.loads(REGRESSION),
    "four rows": lambda: gpubp.loads(XOR),
}


def figures(net: gpubp.Net, device: str, backend: str, nudge: int | None = None) -> list[Array]:
    """The losses of three steps; then two losses of all rows, the gradients and the state. `nudge`: the seed of which
    weights are one unit in the last place larger at first, and which are smaller."""
    ex, rows = gpubp.Executor(net, device, "float64", backend=backend), rows_of(net, 12)
    if nudge is not None:
        rng = np.random.default_rng(nudge)
        for weights in ex.parameters.values():
            weights[...] = np.nextafter(weights, rng.choice([-np.inf, np.inf], weights.shape))
    losses = ex.train_steps(rows, 3, 4)
    loss, gradients = ex.gradients(rows)
    values = [losses, loss, ex.loss(rows), *gradients.values(), *ex.state_dict().values()]
    return [np.array(ex.backend.to_host(v)) if hasattr(v, "get") else np.array(v) for v in values]


def plain(wanted: Sequence[Array]) -> list[Array]:
    """How far figures may be from these where a net does not magnify rounding."""
    return [1e-10 + 1e-8 * np.abs(b) for b in wanted]


def magnified(net: gpubp.Net, wanted: Sequence[Array]) -> list[Array]:
    """How far they may be where it does: beside that, four times the furthest that eight nudges of the weights move
    each of them on the CPU."""
    nudged = [figures(net, "cpu", "numpy", seed) for seed in range(8)]
    furthest = [np.max([np.abs(a - b) for a in moved], axis=0) for b, *moved in zip(wanted, *nudged, strict=True)]
    return [bound + 4 * far for bound, far in zip(plain(wanted), furthest, strict=True)]


def within(found: Sequence[Array], wanted: Sequence[Array], bounds: Sequence[Array]) -> list[bool]:
    return [bool(np.all(np.abs(a - b) <= bound)) for a, b, bound in zip(found, wanted, bounds, strict=True)]


@pytest.mark.parametrize("name", NETS)
def test_a_net(name: str) -> None:
    """Rounding is no error of a kernel, and a net such as deep_batchnorm magnifies it; all others keep to `plain`."""
    net = NETS[name]()
    found, wanted = figures(net, "gpu", "cupy"), figures(net, "cpu", "numpy")
    if not all(within(found, wanted, plain(wanted))):
        assert all(within(found, wanted, magnified(net, wanted)))
