"""The cases of the benchmark: which net, on which rows, what is measured, and how much faster than each peer it should
be. A net is a `.net` file; its first weights and the rows are made here once and handed to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent
NETS = Path(__file__).resolve().parent / "cases"

Kind = Literal["train", "restarts", "predict", "epoch", "first", "memory", "process"]
Family = Literal["mlp", "cnn", "lstm", "transformer"]


@dataclass(frozen=True, slots=True)
class Case:
    """`kind`: what a unit of the figure is. `train`: a step on one batch of `rows`; `restarts`: a step of one of
    `count` nets trained side by side; `predict`: a call with `rows`; `epoch`: all rows once, in another order each
    time; `first`: from the text of the net to the end of the first step, in a fresh process without caches; `memory`:
    the most memory of a fresh process of 20 steps; `process`: from the start of a process to the trained net.
    `targets`: by peer, how many times faster than it gpubp should be.
    """

    name: str
    title: str
    net: Path
    family: Family
    kind: Kind
    rows: int
    activation: str = "relu"
    count: int = 1
    rate: float = 0.001
    targets: Mapping[str, float] = field(default_factory=dict)


def _case(name: str, title: str, net: str, family: Family, kind: Kind, rows: int, **more: Any) -> Case:
    return Case(name, title, NETS / f"{net}.net", family, kind, rows, **more)


def _xor(name: str, title: str, kind: Kind, **more: Any) -> Case:
    return Case(name, title, ROOT / "models" / "xor.net", "mlp", kind, 4, "tanh", rate=0.05, **more)


CASES: tuple[Case, ...] = (
    _xor("xor", "XOR 2-8-1, a step", "train", targets={"torch": 500, "jax": 8}),
    _xor("restarts", "64 XOR restarts, a net and step", "restarts", count=64, targets={"torch": 1000, "jax": 2}),
    _case("mlp_small", "64-128-64-10 at 64, a step", "mlp_small", "mlp", "train", 64, targets={"torch": 3, "jax": 1.4}),
    _case(
        "mlp_medium", "784-256-128-10 at 64, a step", "mlp_medium", "mlp", "train", 64, targets={"torch": 2, "jax": 1.3}
    ),
    _case(
        "mlp_large",
        "784-1024-1024-10 at 512, a step",
        "mlp_large",
        "mlp",
        "train",
        512,
        targets={"torch": 2, "jax": 1.05},
    ),
    _case("cnn", "CNN on 28x28 at 64, a step", "cnn", "cnn", "train", 64, targets={"torch": 1.2, "jax": 1.2}),
    _case("lstm", "LSTM of 64, 32 steps, at 32, a step", "lstm", "lstm", "train", 32),
    _case("transformer", "2 transformer blocks at 32, a step", "transformer", "transformer", "train", 32),
    _case("predict_one", "784-256-128-10, 1 example", "mlp_medium", "mlp", "predict", 1),
    _case("predict_many", "784-256-128-10, 10,000 examples", "mlp_medium", "mlp", "predict", 10_000),
    _case("epoch", "digits 64-128-10 at 64, an epoch", "digits", "mlp", "epoch", 64),
    _case("first_mlp", "784-256-128-10, text to first step", "mlp_medium", "mlp", "first", 64),
    _case("first_transformer", "2 transformer blocks, text to first step", "transformer", "transformer", "first", 32),
    _case("memory_mlp", "784-1024-1024-10 at 512, memory", "mlp_large", "mlp", "memory", 512),
    _case("memory_cnn", "CNN on 28x28 at 64, memory", "cnn", "cnn", "memory", 64),
    _xor("process", "process start to trained XOR", "process", targets={"torch": 8, "jax": 6, "sklearn": 2.5}),
)
BY_NAME = {case.name: case for case in CASES}


def materials(case: Case) -> dict[str, Any]:
    """The first weights of the case's net in the order of its layers, `w0`, `w1` ..., each with an axis of restarts in
    front where there are several; the rows `x` and `y`."""
    import numpy as np

    import gpubp
    from gpubp.data import load
    from gpubp.executor import Ensemble

    net = gpubp.load(case.net)
    node, target = net.graph.inputs[0], net.graph.targets[0]
    if net.graph.rows is not None:
        part = load(net.graph, net.base, 0).part("train")
        x, y = np.asarray(part["x"], np.float32), np.asarray(part["y"])
    else:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(case.rows, *node.type.shape)).astype(np.float32)
        y = rng.integers(0, target.type.classes, case.rows)
    y = y.astype(np.float32 if target.type.classes is None else np.int64)
    if case.kind == "restarts":
        ensemble = Ensemble(net, case.count, device="cpu", backend="numpy")
        members = [ensemble.member(k).parameters for k in range(case.count)]
        weights = [np.stack([m[name] for m in members]) for name in members[0]]
    else:
        weights = list(gpubp.Executor(net, device="cpu", backend="numpy").parameters.values())
    return {f"w{i}": np.asarray(w) for i, w in enumerate(weights)} | {"x": x, "y": y}


def reference(case: Case, arrays: Mapping[str, Any], steps: int = 20) -> Any:
    """What everybody must come to: the losses of the first steps, (steps,) or (steps, restarts), or the outputs of the
    first rows, in double precision on NumPy."""
    import numpy as np

    import gpubp

    net = gpubp.load(case.net, params={"mixed": False} if case.kind == "epoch" else {})
    x, y = arrays["x"], arrays["y"]

    def single(pick: Any) -> Any:
        ex = gpubp.Executor(net, device="cpu", backend="numpy", precision="float64")
        ex.set_parameters({name: pick(arrays[f"w{i}"]) for i, name in enumerate(ex.parameters)})
        return np.asarray(
            ex.predict(x[:steps]) if case.kind == "predict" else ex.train_steps({"x": x, "y": y}, steps, case.rows)
        )

    if case.kind == "restarts":
        return np.stack([single(lambda w, k=k: w[k]) for k in range(case.count)], axis=1)
    return single(lambda w: w)
