"""The executor: specialise, compile, run."""

from .abreast import Abreast, Steps
from .auxiliary import Auxiliary
from .core import CHUNK
from .divergence import first_non_finite
from .ensemble import Ensemble, SideBySide
from .executor import Executor
from .feeding import Placed, Rows
from .guard import loss_diverged, require_finite_losses
from .machine import Programs, recorded_scalars
from .memory import require_memory
from .profile import Profile, ProfiledKernel
from .scores import scores
from .self_test import compare_kernels
from .sweep import Sweep, max_side_by_side

__all__ = [
    "CHUNK",
    "Abreast",
    "Auxiliary",
    "Ensemble",
    "Executor",
    "ProfiledKernel",
    "Placed",
    "Profile",
    "Programs",
    "Rows",
    "SideBySide",
    "Steps",
    "Sweep",
    "first_non_finite",
    "loss_diverged",
    "max_side_by_side",
    "recorded_scalars",
    "require_finite_losses",
    "require_memory",
    "compare_kernels",
    "scores",
]
