"""Weight averaging: averages of the weights during training, used in evaluation."""

from __future__ import annotations

from ..errors import ShapeError
from ..ir import Var
from ..registry import Fraction, register
from .context import UpdateContext
from .optimizers import bias_correction


@register("average", "ema")
def ema(cx: UpdateContext, average: Var, p: Var, *, decay: Fraction = 0.999) -> Var:
    """average + (1 - decay) / (1 - decay^t) (p - average): the exponential moving average of the parameters after each
    update, with bias correction as in Kingma & Ba (2015), section 3, so that the initial values do not enter. Polyak &
    Juditsky (1992) on averaging."""
    if decay >= 1:
        raise ShapeError(
            f"the decay of a moving average must be below 1, but this is {decay:g}", "a usual value is `ema(0.999)`"
        )
    return average + cx.scalar((1.0 - decay) / bias_correction(cx, decay)) * (p - average)
