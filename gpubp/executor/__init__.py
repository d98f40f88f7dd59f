"""The executor: specialise, compile, run."""

from .abreast import Abreast, Steps
from .auxiliary import Auxiliary
from .blame import first_bad
from .ensemble import Ensemble, SideBySide
from .executor import CHUNK, Executor
from .feeding import Placed, Rows
from .guard import diverged, require_finite_losses
from .machine import Programs, collected
from .memory import require_memory
from .profile import Profile, ProfiledKernel
from .sweep import Sweep, most_together
from .tried import trained_alike

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
    "collected",
    "diverged",
    "first_bad",
    "most_together",
    "require_finite_losses",
    "require_memory",
    "trained_alike",
]
