"""Everything a `.net` file can put into a model, a loss or a list of metrics: importing this package registers it."""

from . import (
    activations,
    augmentation,
    class_losses,
    class_metrics,
    dense,
    formulas,
    initializers,
    losses,
    metrics,
    recurrent,
    regularization,
)
from .context import Accumulation, Context

__all__ = [
    "Accumulation",
    "Context",
    "activations",
    "augmentation",
    "class_losses",
    "class_metrics",
    "dense",
    "formulas",
    "initializers",
    "losses",
    "metrics",
    "recurrent",
    "regularization",
]
