"""The folder of a run: its files, its lock, and the order of writes."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from errno import EACCES, EPERM, EROFS
from pathlib import Path
from typing import Any

from ..errors import NO_ROOM, CheckpointError, SaveError, reason
from ..executor.checkpoint import ABOUT, BEST, LAST, Saved, flush_folder, save, write_all
from ..frontend import MAIN, Net, identity, standalone_files
from ..locking import FolderLock
from ..strict_json import dumps

METRICS, HEALTH, WRITTEN = "metrics.jsonl", "health.jsonl", "written.net"
SEARCH = "search.json"
"""In the folder of a search."""
FOLD, SEED = "fold", "seed"
"""What the runs of a study differ in: also the beginning of the names of their folders."""
FOLDS, SEEDS = "folds.json", "seeds.json"
"""The summary of a study, in its folder."""
_PROBE = 2**16
"""Bytes written, and deleted again, to check for free disk space."""
MAX_NAME = 48
"""Maximum number of characters of a file's name in a folder's: file systems take 255 bytes in all."""
RUNS = Path("runs")
"""The default parent folder of runs, in the working directory."""


def default_folder(
    net: Net, seed: int | None, precision: str | None, epochs: int | None, study: tuple[str, int] | None = None
) -> Path:
    """`runs/<date>-<name>-<hash>`, which does not exist yet: the hash is that of the experiment, so that repetitions
    are recognisable; `runs/folds-...` for a `study` of so many folds, `runs/seeds-...` of seeds."""
    settings: list[Any] = [seed, precision, epochs]
    return free_folder("", net, settings) if study is None else free_folder(f"{study[0]}s-", net, [*settings, study[1]])


def free_folder(prefix: str, net: Net, settings: list[Any]) -> Path:
    """The same for any job with a net and settings; `prefix` comes before the date."""
    experiment = json.dumps([identity(net), *settings], sort_keys=True)
    name = re.sub(r"[^\w.-]+", "_", Path(source_name(net)).stem)[:MAX_NAME] or "net"
    stem = f"{prefix}{time.strftime('%Y%m%d-%H%M%S')}-{name}-{hashlib.sha256(experiment.encode()).hexdigest()[:8]}"
    names = itertools.chain([stem], (f"{stem}-{i}" for i in itertools.count(2)))
    return next(path for path in (RUNS / name for name in names) if not path.exists())


def member_folder(place: Path, kind: str, number: int) -> Path:
    """The subfolder of a study in `place` for its fold, counted from 1, or its seed."""
    return place / f"{kind}-{number}"


def holds_folds(place: Path) -> bool:
    """Whether a folder is that of a cross-validation."""
    return bool(_saved(place, FOLD)) and not (place / ABOUT).exists()


def holds_seeds(place: Path) -> bool:
    """Whether a folder is that of one training for each of several seeds, by one process or one for each."""
    return ((place / SEEDS).exists() or bool(_saved(place, SEED))) and not (place / ABOUT).exists()


def saved_runs(place: Path) -> list[Path]:
    """The folders of the runs of a study in their order, none for another folder; one that diverged may have none."""
    return _saved(place, SEED if holds_seeds(place) else FOLD) if not (place / ABOUT).exists() else []


def _saved(place: Path, kind: str) -> list[Path]:
    found = {number: file.parent for file in place.glob(f"{kind}-*/{ABOUT}") if (number := number_of(file.parent)) >= 0}
    return [found[number] for number in sorted(found)]


def number_of(run: Path) -> int:
    """The number in the name of a study's subfolder, as `member_folder` writes it; -1 for another name."""
    found = re.fullmatch(r"[a-z]+-(0|[1-9][0-9]{0,18})", run.name)
    return -1 if found is None else int(found[1])


def folder_of(place: Path) -> Path:
    """The folder of a run, which a checkpoint in it stands for too."""
    return place if place.is_dir() else place.parent


def no_run(place: Path, name: str) -> str:
    """Why a folder without the file `name` is not a run, in words."""
    if saved := saved_runs(place):
        what = "several seeds" if holds_seeds(place) else "a cross-validation"
        return f"it holds those of {what}: name one, such as `{saved[0]}`"
    if holds_seeds(place):
        return f"it is to hold those of several seeds, none of which is saved yet: `gpubp run --resume {place}`"
    if (place / SEARCH).is_file():
        return "it is a search, which keeps no weights: `gpubp search --resume` prints the command for its best trial"
    if any((*place.glob(f"*/{ABOUT}"), *place.glob(f"*/*/{ABOUT}"))):
        return f"it holds runs, which `gpubp runs {place}` lists: name one"
    return f"it has no `{name}`"


def source_name(net: Net) -> str:
    """The name of a net's file; for a net loaded from a run, that of the original file."""
    return _source(net)[0]


def source_text(net: Net) -> str:
    """The text of a net's file; for a net loaded from a run, as originally written."""
    return _source(net)[1]


def _source(net: Net) -> tuple[str, str]:
    source = net.graph.source
    folder = Path(source.name).parent
    if Path(source.name).name != MAIN or not (folder / WRITTEN).is_file():
        return source.name, source.text
    try:
        known = json.loads((folder / ABOUT).read_text("utf-8"))
        return str(known["name"]), (folder / WRITTEN).read_text("utf-8")
    except (OSError, ValueError, KeyError, TypeError):
        return source.name, source.text


def lock(folder: Path) -> FolderLock:
    """Lock a folder against other processes. Raises CheckpointError if it is locked already."""
    try:
        return FolderLock(folder)
    except BlockingIOError:
        raise CheckpointError(f"another process is training in `{folder}`") from None


def cannot_save(folder: Path, error: OSError) -> str:
    """Why nothing can be written to a folder, and what to do where another one would do."""
    elsewhere = "; `--out DIR`, or `out` in Python, saves elsewhere" if error.errno in (EACCES, EPERM, EROFS) else ""
    return f"cannot save to `{folder}`: {reason(error)}{elsewhere}"


class RunFolder:
    """The folder of one training, empty until the first save: a run that fails before leaves nothing behind.

    Files: `written.net`, the text as given; `resolved.net` and `imports/`, the standalone equivalent; `env.json`;
    `metrics.jsonl`, one line per epoch; `health.jsonl`, the magnitudes of activations and gradients, one line per layer
    and measured step; `last.safetensors` and, if a metric decides which is best, `best.safetensors`.

    Only one process at a time may write to a folder.
    """

    begun: bool
    """Whether the folder exists with everything except checkpoints."""

    def __init__(self, path: Path, *, resumed: bool) -> None:
        """Create and lock the folder; on a file system without locks it is not locked. Raises CheckpointError, before a
        long training rather than after it, if nothing can be saved to `path`, if another process trains there, or if it
        holds a run other than the one being `resumed`; SaveError if the disk is full."""
        self.path = path
        self._lock: FolderLock | None = None
        self._created: list[Path] = []
        self.begun = False
        self._waiting: dict[str, list[str]] = {METRICS: [], HEALTH: []}
        try:
            self._claim(self._missing())
            if not resumed and (path / LAST).exists():
                raise CheckpointError(
                    f"`{path}` already contains a run: resume it, or save to another folder; nothing is overwritten"
                )
        except BaseException:
            self.close()
            raise

    def _missing(self) -> list[Path]:
        """The directories to create, outermost first."""
        place, missing = self.path, []
        try:
            while not place.exists():
                if place.is_symlink():
                    raise CheckpointError(f"cannot save to `{self.path}`: `{place}` links to nothing")
                missing.append(place)
                place = place.parent
        except OSError as error:
            raise CheckpointError(f"cannot save to `{self.path}`: {reason(error)}") from None
        if not place.is_dir():
            raise CheckpointError(f"cannot save to `{self.path}`: `{place}` is not a directory")
        return missing[::-1]

    def _claim(self, missing: Sequence[Path]) -> None:
        try:
            for folder in missing:
                with suppress(FileExistsError):  # another process is creating it right now: it is not ours to delete
                    folder.mkdir()
                    self._created.append(folder)
            self._lock = lock(self.path)
            # Permissions are not sufficient: root has all of them, and the disk may be full.
            with tempfile.TemporaryFile(dir=self.path) as file:
                file.write(bytes(_PROBE))
        except OSError as error:
            kind = SaveError if error.errno in NO_ROOM else CheckpointError
            raise kind(cannot_save(self.path, error)) from None

    def begin(
        self,
        net: Net,
        about: Mapping[str, Any],
        records: Iterable[Mapping[str, Any]],
        sizes: Sequence[Mapping[str, Any]] | None,
    ) -> None:
        """Write what is known before the first checkpoint, and the pending lines; `records`: the lines of metrics from
        before this process, `sizes` those of `health.jsonl`, None for no such file. Raises SaveError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            flush_folder(self.path.parent)
            for stale in self.path.glob(".*.saving"):
                stale.unlink()
            texts = {WRITTEN: _source(net)[1], **standalone_files(net)}
            for name in texts:
                (self.path / name).parent.mkdir(exist_ok=True)
        except OSError as error:
            raise SaveError(f"cannot save to `{self.path}`: {reason(error)}") from None
        for name, earlier in ((METRICS, records), (HEALTH, sizes)):
            if earlier is not None:
                texts[name] = "".join((*map(_line, earlier), *self._waiting[name]))
        texts[ABOUT] = json.dumps(about, indent=2) + "\n"
        write_all({self.path / name: text.encode() for name, text in texts.items()})
        self.begin_anew()
        self.begun = True

    def begin_anew(self) -> None:
        """Have the next save write everything again, without the lines that are pending."""
        self.begun = False
        for lines in self._waiting.values():
            lines.clear()

    def note(self, record: Mapping[str, Any]) -> None:
        """Append a line of metrics, written by the next save."""
        self._waiting[METRICS].append(_line(record))

    def note_sizes(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Append lines to `health.jsonl`, written by the next save."""
        self._waiting[HEALTH] += map(_line, records)

    def save(self, last: Saved | None, best: Saved | None = None) -> None:
        """Write the pending lines, then the best state, then the last one, so that a checkpoint never refers to missing
        data. Raises SaveError."""
        self._append()
        if best is not None:
            save(self.path / BEST, best)
        if last is not None:
            save(self.path / LAST, last)

    def _append(self) -> None:
        for name, lines in self._waiting.items():
            if not lines:
                continue
            try:
                # Opened without O_CREAT: a deleted folder is not half recreated.
                with os.fdopen(os.open(self.path / name, os.O_WRONLY | os.O_APPEND), "ab") as file:
                    file.write("".join(lines).encode())
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise SaveError(f"cannot save `{self.path / name}`: {reason(error)}") from None
            lines.clear()

    def close(self) -> None:
        """Unlock the folder; delete it if nothing was saved to it."""
        self._delete_unused()  # while nobody else can lock it
        if self._lock is not None:
            self._lock.release()
            self._lock = None
            self._delete_unused()  # on Windows the lock is a file in it

    def _delete_unused(self) -> None:
        for folder in [] if self.begun else reversed(self._created):
            with suppress(OSError):  # somebody else put something there
                folder.rmdir()


def _line(record: Mapping[str, Any]) -> str:
    return dumps(record) + "\n"
