"""The public package: what importing it costs, what it offers, and layers from outside."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp import frontend, ops
from gpubp.registry import ENTRIES

ROOT = Path(__file__).resolve().parents[2]


def python(code: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LOADED = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def test_importing_gpubp_is_light() -> None:
    loaded = python(f"import gpubp; {LOADED}").split()
    assert not {"cupy", "matplotlib", "numpy", "scipy", "pandas", "safetensors"} & set(loaded)


def test_importing_dsl_needs_no_numpy_and_no_gpubp() -> None:
    loaded = python(f"import dsl; {LOADED}").split()
    assert not {"numpy", "gpubp", "cupy"} & set(loaded)


def test_checking_a_file_of_inline_rows_needs_no_numpy() -> None:
    loaded = python(f"import gpubp; gpubp.load('models/xor.net').summary(); {LOADED}").split()
    assert not {"numpy", "cupy"} & set(loaded)


def test_training_on_the_cpu_imports_no_gpu_library_and_no_plotting() -> None:
    code = "import gpubp; gpubp.train(gpubp.load('models/xor.net'), 'cpu', epochs=2)"
    assert not {"cupy", "matplotlib"} & set(python(f"{code}; {LOADED}").split())


def test_the_public_names() -> None:
    names = "Executor Net Run load loads train layer GpubpError NetError DataError ShapeError InputError DeviceError"
    for name in [*names.split(), "CheckpointError", "DivergedError"]:
        assert name in gpubp.__all__
        assert getattr(gpubp, name) is getattr(gpubp, name)
    assert set(gpubp.__all__) <= set(dir(gpubp))
    with pytest.raises(AttributeError, match="no_such_name"):
        gpubp.no_such_name  # noqa: B018
    assert gpubp.__version__


def test_the_exception_tree() -> None:
    for error in (gpubp.NetError, gpubp.ShapeError, gpubp.InputError, gpubp.DeviceError, gpubp.CheckpointError):
        assert issubclass(error, gpubp.GpubpError)
    assert issubclass(gpubp.DataError, gpubp.NetError)
    assert issubclass(gpubp.InputError, ValueError)
    assert issubclass(gpubp.DivergedError, gpubp.GpubpError)


NET = """
model {{
  input  x: [3]
  target y: [2]
  output p = x -> {stage}
}}
train {{ loss = mse(p, y)
  optimizer = sgd(lr = 0.1)
  epochs = 1
}}
"""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What a test adds to the language goes with it."""
    before = dict(ENTRIES)
    frontend.loading._known.clear()
    yield
    ENTRIES.clear()
    ENTRIES.update(before)
    frontend.loading._known.clear()


def add_scaled() -> None:
    @gpubp.layer("scaled")
    def scaled(cx: Any, x: Any, *, units: int, factor: float = 2.0, twice: bool = False) -> Any:
        """x W, scaled."""
        weight = cx.parameter("weight", (x.shape[-1], units), "ones")
        return (x @ weight) * (factor * (2.0 if twice else 1.0))


def test_a_layer_from_outside() -> None:
    add_scaled()
    net = gpubp.loads(NET.format(stage="scaled(2, twice = true)"))
    ex = gpubp.Executor(net, "cpu", precision="float64")
    assert {name: value.shape for name, value in ex.parameters.items()} == {"p.scaled.weight": (3, 2)}
    x = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(ex.predict(x), [[24, 24]])
    _, gradients = ex.gradients({"x": x, "y": np.zeros((1, 2))})
    np.testing.assert_allclose(gradients["p.scaled.weight"], 24 * 4 * np.outer([1, 2, 3], [1, 1]))
    assert "scaled" in net.summary()


def test_a_loss_from_outside_is_a_metric_too() -> None:
    @gpubp.loss("quartic")
    def quartic(cx: Any, p: Any, y: Any, *, scale: float = 1.0) -> Any:
        """The mean of (p - y)^4, and 2^p - p^2, which is 0 for 2 and 4."""
        return ops.mean(scale * (p - y) ** 4 + (2**p - p**2), (1,))

    text = NET.format(stage="dense(2, init = ones)")
    text = text.replace("mse(p, y)", "quartic(p, y, scale = 0.5)\n  metrics = [quartic(p, y)]")
    ex = gpubp.Executor(gpubp.loads(text), "cpu", precision="float64")
    rows = {"x": [[-1.0, 2.0, 1.0], [1.0, 2.0, 1.0]], "y": [[1.0, 1.0], [1.0, 1.0]]}
    assert ex.loss(rows) == pytest.approx((0.5 + 0.5 * 81) / 2)
    assert ex.evaluate(rows)["quartic"] == pytest.approx(41)
    with pytest.raises(gpubp.NetError, match="`quartic` has no argument `scal`"):
        gpubp.loads(text.replace("scale", "scal"))
    with pytest.raises(gpubp.GpubpError, match=r'the name in files is missing: `@gpubp.loss\("name"\)`'):
        gpubp.loss(quartic)


def test_a_loss_makes_no_weights() -> None:
    @gpubp.loss("weighty")
    def weighty(cx: Any, p: Any, y: Any) -> Any:
        return ops.sum_((p - y) ** 2 * cx.parameter("scale", (2,), "ones"), (1,))

    text = NET.format(stage="dense(2)")
    for loss in ("weighty(p, y)", "mse(p, y)\n  metrics = [weighty(p, y)]"):
        with pytest.raises(gpubp.NetError, match="`weighty` makes a weight: a loss or metric has none of its own"):
            gpubp.loads(text.replace("mse(p, y)", loss))


@pytest.mark.parametrize("annotation", ["nowhere", "float)", [float], 1 / 3])
def test_an_option_of_no_known_type_is_refused_at_once(annotation: Any) -> None:
    def odd(cx: Any, p: Any, y: Any, *, scale: Any = 1.0) -> Any:
        return p

    odd.__annotations__["scale"] = annotation
    with pytest.raises(gpubp.GpubpError, match="loss `odd`: option `scale` needs an annotation of int, float"):
        gpubp.loss("odd")(odd)


def test_what_is_no_function_is_no_loss() -> None:
    with pytest.raises(gpubp.GpubpError, match="loss `odd` is a Python function, but <class 'int'> is not"):
        gpubp.loss("odd")(int)


def test_a_layer_from_outside_is_found_after_other_files_were_loaded() -> None:
    text = NET.format(stage="scaled(2)")
    with pytest.raises(gpubp.NetError, match="`scaled`"):
        gpubp.loads(text)
    add_scaled()
    assert gpubp.loads(text).size == 6


def test_its_options_are_checked_like_any_others() -> None:
    add_scaled()
    for stage, message in [
        ("scaled", "units"),
        ("scaled(2.5)", "2.5"),
        ("scaled(2, facto = 3)", "facto"),
        ("scaled(2, twice = 3)", "twice"),
    ]:
        with pytest.raises(gpubp.NetError, match=message) as caught:
            gpubp.loads(NET.format(stage=stage))
        assert all(d.code.startswith(("E02", "E03")) for d in caught.value.diagnostics)


def test_its_shape_errors_point_at_the_text() -> None:
    @gpubp.layer("picky")
    def picky(cx: Any, x: Any) -> Any:
        raise gpubp.ShapeError("`picky` takes nothing", "give it up")

    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(NET.format(stage="picky"))
    (found,) = caught.value.diagnostics
    assert found.message == "`picky` takes nothing"
    assert found.help == ("give it up",)
    assert found.span is not None
    assert found.span.text == "picky"


def test_a_name_that_is_taken_even_before_anything_was_loaded() -> None:
    code = """
import gpubp
try:
    @gpubp.layer("dense")
    def dense(cx, x): return x
except gpubp.GpubpError as error:
    print(error)
print(gpubp.loads("model { input x: [1] \\n output p = x -> dense(2) }").size)
"""
    assert python(code).splitlines() == ["function `dense` is defined twice", "4"]


def test_a_name_that_is_taken() -> None:
    with pytest.raises(gpubp.GpubpError, match="`dense` is defined twice"):

        @gpubp.layer("dense")
        def dense(cx: Any, x: Any) -> Any:
            return x


def test_a_cell_that_is_run_again_defines_its_layer_anew() -> None:
    code = """
import gpubp
for factor in (2, 3):
    exec(f'''
@gpubp.layer("again")
def again(cx, x, *, by: float = {factor}): return x * by
''')
    net = gpubp.loads("model { input x: [1] \\n output p = x -> again }")
    print(gpubp.Executor(net, "cpu").predict([[1]]).tolist())
try:
    @gpubp.layer("again")
    def other(cx, x): return x
except gpubp.GpubpError as error:
    print(error)
try:
    @gpubp.layer("two words")
    def words(cx, x): return x
except gpubp.GpubpError as error:
    print(error)
"""
    assert python(code).splitlines() == [
        "[[2.0]]",
        "[[3.0]]",
        "function `again` is defined twice",
        "function `two words`: a name has letters, digits and `_`, and begins with a letter",
    ]


WRONG: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "asks": (lambda cx, x: x if x > 0 else -x, "TypeError: while a layer is traced no value is known, so `if` "),
    "takes": (lambda cx, x: x[:, 0], "TypeError: a value is not indexed: `ops.slice_` takes a part of it"),
    "numpys": (lambda cx, x: np.exp(x), "TypeError: operand 'Var' does not support ufuncs"),
    "arrays": (lambda cx, x: x * np.ones(3), "TypeError: `mul` takes values and numbers, but this is ndarray"),
    "texts": (lambda cx, x: x + "a", "TypeError: `add` takes values and numbers, but this is str"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_layer_cannot_do_with_a_value(name: str) -> None:
    function, said = WRONG[name]
    gpubp.layer(name)(function)
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(NET.format(stage=name))
    (found,) = caught.value.diagnostics
    assert found.message.startswith(f"`{name}` fails: {said}")


def test_numbers_of_numpy_are_numbers() -> None:
    @gpubp.layer("counted")
    def counted(cx: Any, x: Any) -> Any:
        return np.float32(0.5) * x * np.float64(2) + np.int64(1) - np.array(1)

    net = gpubp.loads("model {\n  input x: [2]\n  output p = x -> counted\n}\n")
    assert gpubp.Executor(net, "cpu").predict([[3, 4]]).tolist() == [[3, 4]]


def test_an_initialiser_that_there_is_not() -> None:
    @gpubp.layer("begun")
    def begun(cx: Any, x: Any) -> Any:
        return x @ cx.parameter("w", (3, 3), "nope")

    with pytest.raises(gpubp.NetError, match="there is no initialiser `nope`"):
        gpubp.Executor(gpubp.loads("model {\n  input x: [3]\n  output p = x -> begun\n}\n"), "cpu")


def test_an_option_without_a_type_is_refused_where_it_is_defined() -> None:
    """Not later, when it would spoil every file."""
    with pytest.raises(gpubp.GpubpError, match="option `units` needs an annotation"):

        @gpubp.layer("loose")
        def loose(cx, x, *, units):  # type: ignore[no-untyped-def]
            return x

    assert gpubp.loads(NET.format(stage="dense(2)")).size == 8
