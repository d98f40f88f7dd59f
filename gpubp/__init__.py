"""gpubp: networks written in short `.net` files, trained by backpropagation on CuPy or NumPy arrays.

>>> import gpubp
>>> net = gpubp.load("models/xor.net")
>>> run = gpubp.train(net)
>>> run.predict([[0, 1]])
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import (
        CheckpointError,
        DataError,
        DeviceError,
        DeviceFailedError,
        DivergedError,
        GpubpError,
        InputError,
        NetError,
        SaveError,
        ShapeError,
    )
    from .executor import Executor
    from .frontend import Net, load, loads
    from .insight import Explanation, explain
    from .picture import Graph, graph
    from .training import (
        CrossValidation,
        Ensemble,
        LoadedRun,
        RangeTest,
        Replication,
        Run,
        cross_validate,
        export,
        load_ensemble,
        load_run,
        range_test,
        replicate,
        train,
    )

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "CrossValidation",
    "DataError",
    "DeviceError",
    "DeviceFailedError",
    "DivergedError",
    "Ensemble",
    "Executor",
    "Explanation",
    "GpubpError",
    "Graph",
    "InputError",
    "LoadedRun",
    "Net",
    "NetError",
    "RangeTest",
    "Replication",
    "Run",
    "SaveError",
    "ShapeError",
    "cross_validate",
    "explain",
    "export",
    "graph",
    "layer",
    "load",
    "load_ensemble",
    "load_run",
    "loads",
    "loss",
    "optimizer",
    "range_test",
    "replicate",
    "train",
]

_PLACES = {
    "Executor": "executor",
    "Net": "frontend",
    "Graph": "picture",
    "Explanation": "insight",
    "explain": "insight",
    "graph": "picture",
    "load": "frontend",
    "loads": "frontend",
    "CrossValidation": "training",
    "Ensemble": "training",
    "LoadedRun": "training",
    "RangeTest": "training",
    "Replication": "training",
    "Run": "training",
    "cross_validate": "training",
    "export": "training",
    "load_ensemble": "training",
    "load_run": "training",
    "range_test": "training",
    "replicate": "training",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when first used (PEP 562): the command line's help needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module `gpubp` has no attribute `{name}`")
    value = getattr(import_module(f".{_PLACES.get(name, 'errors')}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def layer(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make a function `(cx, x, *, options)` a layer that `.net` files can name.

    `x` is a value whose first axis is the batch; what is returned, too. The annotations of the keyword-only arguments
    are the layer's options; `cx`, a gpubp.layers.Context, makes its weights. Raises GpubpError where the name is taken,
    or an option has no type.

    >>> @gpubp.layer("scaled")
    ... def scaled(cx, x, *, factor: float = 2.0):
    ...     return x * factor
    >>> net = gpubp.loads("model {\\n  input x: [2]\\n  output p = x -> scaled(factor = 3)\\n}")
    >>> gpubp.Executor(net, "cpu").predict([[1, 2]]).tolist()
    [[3.0, 6.0]]
    """
    return _registered("layer", name, "function", makes_weights=True)


def loss(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make a function `(cx, p, y, *, options)` a loss that `.net` files can name, and a metric too.

    It returns one number per example, an array `(batch,)`, and makes no weights; options and errors as of `layer`.
    """
    return _registered("loss", name, "loss")


def optimizer(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make a function `(cx, p, g, *, options)` an optimizer that `.net` files can name.

    It returns the new parameters. `p`, `g`: all parameters that are updated with the same settings, and their
    gradients, one array `(n,)` each; `cx`, a gpubp.optim.UpdateContext, has the learning rate and keeps the optimizer's
    state. Options and errors as of `layer`.
    """
    return _registered("optimizer", name, "optimizer")


def _registered(what: str, name: str, part: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    if not isinstance(name, str):
        GpubpError = import_module(".errors", __name__).GpubpError
        raise GpubpError(f'the name in files is missing: `@gpubp.{what}("name")`')
    import_module(".frontend", __name__)  # with it, the names of all words are taken
    decorator: Callable[[Callable[..., Any]], Callable[..., Any]] = import_module(".registry", __name__).register(
        part, name, **more
    )
    return decorator
