"""A small catalogue, just rich enough for the example files; nothing here computes a tensor."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dsl.catalog import REQUIRED, Catalog, Kind, Option, Part, Signature
from dsl.graph import Word


def whole(name: str, default: object = REQUIRED, minimum: float | None = 1) -> Option:
    return Option(name, ("whole",), default, minimum=minimum)


def real(name: str, default: object = REQUIRED, minimum: float | None = None) -> Option:
    return Option(name, ("real",), default, minimum=minimum)


def fraction(name: str, default: object = REQUIRED) -> Option:
    return Option(name, ("fraction",), default)


def flag(name: str, default: object = False) -> Option:
    return Option(name, ("flag",), default)


def word(name: str, words: str, default: object = REQUIRED, *more: Kind) -> Option:
    return Option(name, ("word", *more), default, words=tuple(words.split()))


def wholes(name: str, default: object = REQUIRED) -> Option:
    return Option(name, ("wholes",), default, minimum=1)


def choice(name: str, part: Part, default: object = REQUIRED, *more: Kind) -> Option:
    return Option(name, ("choice", *more), default, part=part)


INIT = choice("init", "initializer", "glorot_uniform", "numbers")
BIAS_INIT = choice("bias_init", "initializer", "zeros", "numbers")
AXIS = Option("axis", ("whole",), None)


def _table(*signatures: Signature) -> dict[str, Signature]:
    return {signature.name: signature for signature in signatures}


def _weighted(name: str, *options: Option, inputs: tuple[str, ...] = ("x",)) -> Signature:
    return Signature(name, "function", inputs, options=options, makes_weights=True)


def _plain(
    name: str, *options: Option, static: Callable[..., Any] | None = None, inputs: tuple[str, ...] = ("x",)
) -> Signature:
    return Signature(name, "function", inputs, options=options, static=static)


def _many(name: str, *options: Option) -> Signature:
    return Signature(name, "function", ("xs",), variadic=True, options=options)


def _relu(x: float) -> float:
    return max(x, 0)


FUNCTIONS = _table(
    _weighted("dense", whole("units"), flag("bias", True), INIT, BIAS_INIT),
    _weighted(
        "conv",
        whole("channels"),
        Option("size", ("whole", "wholes"), minimum=1),
        whole("stride", 1),
        word("pad", "same valid", Word("valid")),
        flag("bias", True),
        INIT,
    ),
    _weighted("batchnorm", fraction("momentum", 0.9)),
    _weighted("layernorm"),
    _weighted("embedding", whole("size"), INIT),
    _weighted("lstm", whole("units")),
    _weighted("attention", whole("heads"), flag("causal"), Option("memory", ("value",), None)),
    _weighted("weight", wholes("shape"), INIT, inputs=()),
    _plain("maxpool", whole("size")),
    _plain("avgpool", whole("size")),
    _plain("upsample", whole("factor")),
    _plain("global_avgpool"),
    _plain("flatten"),
    _plain("reshape", wholes("shape")),
    _plain("transpose"),
    _plain("softmax"),
    _plain("relu", static=_relu),
    _plain("leaky_relu", real("slope", 0.01)),
    _plain("gelu"),
    _plain("tanh", static=math.tanh),
    _plain("sigmoid"),
    _plain("exp", static=math.exp),
    _plain("log", static=math.log),
    _plain("sqrt", static=math.sqrt),
    _plain("sin", static=math.sin),
    _plain("abs", static=abs),
    _plain("round", static=round),
    _plain("sum", AXIS),
    _plain("mean", AXIS),
    _plain("dropout", fraction("rate")),
    _plain("gaussian_noise", real("stddev", minimum=0)),
    _plain("random_flip"),
    _plain("random_shift", whole("pixels")),
    _plain("reverse_gradient", real("scale", 1)),
    _plain("normal", wholes("shape"), inputs=()),
    _plain("matmul", inputs=("a", "b")),
    _plain("derivative", inputs=("y", "x")),
    _plain("where", inputs=("condition", "a", "b")),
    _many("concat", whole("axis", -1, None)),
    _many("stack", whole("axis", 0, None)),
)

PAIR = ("p", "y")
LOSSES = _table(
    Signature("mse", "loss", PAIR),
    Signature("binary_cross_entropy", "loss", PAIR),
    Signature("cross_entropy", "loss", PAIR, options=(word("weights", "balanced", None, "numbers"),)),
    Signature("half_squared_error", "loss", PAIR),
    Signature("huber", "loss", PAIR, options=(real("delta", 1.0),)),
    Signature("dice", "loss", PAIR),
)
AVERAGE = word("average", "micro macro", Word("macro"))
METRICS = _table(
    *[Signature(name, "metric", PAIR) for name in ("accuracy", "mae", "r2", "auc", "perplexity")],
    *[Signature(name, "metric", PAIR, options=(AVERAGE,)) for name in ("f1", "precision", "recall")],
)
PENALTIES = _table(*[Signature(name, "penalty", options=(real("k", minimum=0),)) for name in ("l1", "l2")])
OPTIMIZERS = _table(
    Signature("sgd", "optimizer", options=(real("lr", minimum=0), fraction("momentum", 0.0), flag("nesterov"))),
    Signature("adam", "optimizer", options=(real("lr", 1e-3, 0), fraction("beta1", 0.9), fraction("beta2", 0.999))),
    Signature("adamw", "optimizer", options=(real("lr", 1e-3, 0), real("decay", 0.01))),
)
SCHEDULES = _table(
    Signature("cosine", "schedule", options=(real("to", 0),)),
    Signature("warmup", "schedule", options=(Option("length", ("duration",)), choice("then", "schedule", None))),
    Signature("drops", "schedule", options=(Option("at", ("durations",)), fraction("factor", 0.1))),
)
INITIALIZERS = _table(
    Signature("zeros", "initializer"),
    Signature("glorot_uniform", "initializer"),
    Signature("normal", "initializer", options=(real("stddev", 1.0, 0),)),
)
COLUMNS = Option("columns", ("names",), None, words=("rest",))
COMMON = (real("scale", 1.0), wholes("reshape", None))
READERS = _table(
    Signature(
        "csv",
        "reader",
        options=(
            Option("path", ("string",)),
            Option("target", ("string", "names"), None),
            COLUMNS,
            Option("test", ("string",), None),
            flag("standardize"),
            *COMMON,
        ),
    ),
    Signature("idx", "reader", options=(Option("path", ("string",)), *COMMON)),
    Signature("npz", "reader", options=(Option("path", ("string",)), *COMMON)),
    Signature(
        "images",
        "reader",
        options=(
            Option("path", ("string",)),
            Option("labels", ("word",), None, words=("folders",)),
            Option("masks", ("string",), None),
            wholes("size", None),
        ),
    ),
    Signature(
        "text",
        "reader",
        options=(Option("path", ("string",)), whole("window"), word("level", "char word", Word("char"))),
    ),
    Signature("uniform", "reader", options=(whole("rows"), real("low", 0), real("high", 1))),
    Signature("normal", "reader", options=(whole("rows"), wholes("shape", (1,)))),
)
PARTS = (fraction("train", None), fraction("valid", None), fraction("test", None))
SPLITS = _table(Signature("split", "split", options=(*PARTS, Option("stratify", ("path",), None))))

TRAIN = {
    option.name: option
    for option in (
        Option("loss", ("loss",)),
        choice("optimizer", "optimizer"),
        whole("epochs", None),
        whole("steps", None),
        whole("batch", 32),
        choice("schedule", "schedule", None),
        choice("early_stop", "stop", None),
        choice("clip", "clip", None),
        Option("metrics", ("metrics",), ()),
        whole("seed", 0, 0),
        word("precision", "float32 float64", Word("float32")),
        choice("start", "start", None),
        Option("freeze", ("paths",), ()),
        Option("rates", ("choices",), (), part="rate"),
        flag("shuffle", True),
    )
}

CATALOG = Catalog(
    {
        "function": FUNCTIONS,
        "loss": LOSSES,
        "metric": METRICS,
        "penalty": PENALTIES,
        "optimizer": OPTIMIZERS,
        "schedule": SCHEDULES,
        "initializer": INITIALIZERS,
        "reader": READERS,
        "split": SPLITS,
        "clip": _table(
            Signature("clip_norm", "clip", options=(real("norm"),)),
            Signature("clip_value", "clip", options=(real("value"),)),
        ),
        "stop": _table(
            Signature("early_stop", "stop", options=(Option("watch", ("path",)), Option("patience", ("duration",))))
        ),
        "start": _table(
            Signature("load", "start", options=(Option("path", ("string",)), Option("only", ("paths",), ())))
        ),
        "rate": _table(Signature("rate", "rate", options=(Option("where", ("paths",)), real("factor", minimum=0)))),
    },
    TRAIN,
)
