"""Every exception that gpubp raises on purpose.

The tree:

    GpubpError
    |-- NetError        a `.net` file is wrong; `.diagnostics` say where and how to mend it
    |   `-- DataError   the data that the file names is missing, unreadable or does not fit
    |-- ShapeError      shapes do not fit; inside a file it becomes a NetError that points at the text
    |-- InputError      an array or another argument does not fit (also a ValueError)
    |-- DeviceError     the device asked for is not there
    |   `-- DeviceFailedError  it has failed at work: this process can compute nothing more there
    |-- CheckpointError a saved state cannot be read, or belongs to another net
    |   `-- SaveError   a state cannot be written any more; what was saved before is whole
    `-- DivergedError   training stopped because the loss is no longer a finite number
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from operator import index
from typing import SupportsIndex

from dsl.diagnostics import Diagnostic
from dsl.excerpt import visible
from dsl.render import to_text
from dsl.wording import short

NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))
"""Why the system refuses to write to a place that is right and open to the user."""
_PATH = 150
"""Maximum characters of a path in a message."""


def reason(error: OSError) -> str:
    """The system's message, in the style of ours: "no space left on device"."""
    return (error.strerror or str(error)).lower()


class GpubpError(Exception):
    """Base of all errors that gpubp raises on purpose; its text is fit for a user to read."""


class NetError(GpubpError):
    """A `.net` file is wrong. `diagnostics` holds every finding, errors before warnings, in the order of the text; as
    text it is what the command line prints of them."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = tuple(diagnostics)

    def __str__(self) -> str:
        return "\n\n".join(map(to_text, self.diagnostics))

    def __reduce__(self) -> tuple[type[NetError], tuple[Sequence[Diagnostic]]]:
        """What pickle makes it of, on its way out of a process of a pool."""
        return type(self), (self.diagnostics,)


class DataError(NetError):
    """The data that a `.net` file names is missing, unreadable or does not fit the model."""


class ShapeError(GpubpError):
    """Shapes or types do not fit. `help` is the remedy, where there is one; `label` says in a few words what differs;
    `code` is that of the diagnostic it becomes."""

    def __init__(self, message: str, help: str = "", *, label: str = "", code: str = "E0301") -> None:
        super().__init__(message)
        self.help = help
        self.label = label
        self.code = code


class InputError(GpubpError, ValueError):
    """An array, or another argument, has the wrong name, shape, type or values."""


def positive(value: object, what: str, least: int = 1) -> int:
    """A whole number of at least `least`, of whatever type that Python takes for one. Raises InputError."""
    number = index(value) if isinstance(value, SupportsIndex) and not isinstance(value, bool) else least - 1
    if number < least:
        raise InputError(f"{what} must be a whole number of at least {least}, not {value!r}")
    return number


class DeviceError(GpubpError):
    """The device asked for cannot be used. `reason` says why in a few words, without the remedy."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class DeviceFailedError(DeviceError):
    """The device has failed at work, and what this process had there is lost. What was saved before is whole."""


class CheckpointError(GpubpError):
    """A saved state cannot be read, or does not belong to this net."""


class SaveError(CheckpointError):
    """A run's folder cannot be written to any more: the disk is full, the folder is gone. What was saved before is
    whole."""


def unsaved(path: object, error: OSError) -> SaveError:
    """The error for a file that cannot be written."""
    return SaveError(f"cannot save `{short(visible(str(path)), _PATH)}`: {reason(error)}")


class DivergedError(GpubpError):
    """The loss is no longer a finite number; nothing after that step would mean anything."""
