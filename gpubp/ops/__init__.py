"""The primitives, each defined once, and the few functions that dress them."""

from .elementwise import (
    absolute,
    add,
    cast,
    cos,
    div,
    equal,
    erf,
    exp,
    expm1,
    greater,
    greater_equal,
    isfinite,
    less,
    less_equal,
    log,
    log1p,
    log_probability,
    logical_and,
    maximum,
    minimum,
    mul,
    neg,
    not_equal,
    power,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    sub,
    tanh,
    where,
)
from .indexing import gather, one_hot, scatter_add
from .linear import matmul
from .random import normal, uniform
from .reduce import argmax, log_softmax, max_, softmax
from .shaping import broadcast_to, concat, full, mean, pad, reshape, slice_, sum_, sum_to, transpose

__all__ = [name for name in dir() if not name.startswith("_")]
