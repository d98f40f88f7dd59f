"""`python -m gpubp`: the same as the command `gpubp`."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
