"""The entry point of training: settings, resume, and where the run is saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, DeviceFailedError, DivergedError, InputError, SaveError, positive
from ..executor.checkpoint import Saved
from ..executor.run_states import require_checkpoint, state_of
from ..frontend import Net, required, with_options
from ..health import Finding
from ..memory import free_memory
from .course import Course, run_alone
from .folder import RunFolder
from .hooks import Callback, Hooks
from .loop import Training
from .resume import require_file_data, same_place
from .run import Progress, Run
from .shared import Shared


def train(
    net: Net,
    device: str = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    *,
    data: Mapping[str, Any] | None = None,
    start: Mapping[str, Any] | None = None,
    recorded: Sequence[Callback] = (),
    epochs: int | None = None,
    seed: int | None = None,
    precision: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    stopping: Callable[[], bool] | None = None,
    notice: Callable[[Finding], None] | None = None,
    backend: str = "auto",
) -> Run:
    """Train a net as its file says, from new weights or from those that `start` in the file loads. To train step by
    step: Executor.

    - `device`, `backend`: as of Executor; `epochs`, `seed`, `precision`: instead of the file's.
    - `out`: a folder for the run; None writes nothing.
    - `resume`: a run's folder, or a checkpoint, to continue from, with its seed, up to `epochs` in total. It may be the
      same folder as `out`.
    - `data`: arrays instead of the file's `data`, `(n, *shape)` by the names of all inputs and targets; the file's
      `split` divides them. Or such a mapping for each part: `{"train": {...}, "valid": {...}, "test": {...}}`. On the
      CPU a read-only array of the training's dtype, such as a memory-mapped file, is used in place; others are copied.
    - `start`: weights and statistics to begin with instead, all or some, by name: arrays, or the `state_dict()` of an
      executor, of which the optimizer's state and the counters are not taken.
    - `callbacks`: each is called with the Run after each epoch, and sees the executor in that state.
    - `recorded`: likewise, but these may only rely on the history: if nothing needs the state of a small net between
      epochs (no callback either), several epochs run as one call, and the executor may be ahead.
    - `progress`: called a few times a second with a record: its `step` of `total`, `epoch` of `epochs`, the mean `loss`
      of the epoch so far, and the `rate` in steps per second.
    - `stopping`: called as often, without arguments; when it returns True, the step is finished, the state saved, and
      the run returned with `stopped` set and no `metrics`.
    - `notice`: called at once with a finding (`kind`, `message`, `help`) that cannot wait for the end, an exploding
      gradient; the run's `health` has all findings.

    Returns a Run. Raises InputError for invalid arrays, NetError (DataError for the data) for errors in the file,
    DeviceError, CheckpointError, SaveError if the folder becomes unwritable, DivergedError if the loss is not finite,
    and DeviceFailedError or MemoryError if the device fails or runs out of memory.

    >>> net = gpubp.load("models/xor.net")
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> losses = []
    >>> run = gpubp.train(
    ...     net, "cpu", data={"x": x, "y": x[:, :1] ^ x[:, 1:]}, callbacks=[lambda run: losses.append(run.history[-1])]
    ... )
    >>> len(losses), losses[-1]["train.loss"] < 0.01
    (500, True)
    >>> run.predict(x).round().ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    >>> more = gpubp.train(net, "cpu", start=run.executor.state_dict(), epochs=100)
    >>> more.metrics["train.loss"] < run.metrics["train.loss"]
    True
    """
    if start is not None and resume is not None:
        raise InputError("a run that is resumed goes on from its own weights: leave `start` out, or `resume`")
    hooks = Hooks(callbacks, recorded, progress, stopping, notice)
    where = device, backend
    settings: dict[str, Any] = {"epochs": epochs, "seed": seed, "precision": precision}
    return run_alone(course(net, where, hooks, out, resume, data=data, start=start, **settings))


def course(
    net: Net,
    where: tuple[str, str],
    hooks: Hooks,
    out: str | os.PathLike[str] | None,
    resume: str | os.PathLike[str] | None,
    *,
    data: Mapping[str, Any] | None,
    epochs: int | None,
    seed: int | None,
    precision: str | None,
    start: Mapping[str, Any] | None = None,
    shared: Shared | None = None,
) -> Course:
    """`train` as a generator of the steps that it wants; `where`: the device and the backend; `shared`: the same for
    trainings of nets that differ in seed and split alone."""
    if not isinstance(where[0], str):
        raise InputError('the device is a string, such as "cpu"; arrays are passed as `data={"x": ..., "y": ...}`')
    if callable(hooks.callbacks) or not all(map(callable, hooks.callbacks)):
        raise InputError("callbacks is a list of functions: `callbacks=[...]`")
    if out == "":
        raise InputError("`out` is empty: it names the folder to save to; None saves nothing")
    epochs = None if epochs is None else positive(epochs, "epochs")
    source = None if resume is None else Path(resume)
    if source is not None:
        require_checkpoint(source)
        if data is None and required(net).graph.rows is None:
            require_file_data(source, state_of(source, free_memory()))
    required(net).require_training(epochs, given=data is not None)
    folder = None if out is None else RunFolder(Path(out), resumed=same_place(Path(out), source))
    try:
        saved = None if source is None else state_of(source, free_memory())
        if source is not None and saved is not None:
            if data is None:
                require_file_data(source, saved)
            seed, precision = _as_before(source, saved, seed, precision)
        net = with_options(net, epochs=epochs, seed=seed, precision=precision)
        training = Training(net, where, folder, source, saved, data, start, hooks, shared or Shared())
        try:
            return (yield from training.course())
        except (DivergedError, SaveError, DeviceFailedError, MemoryError) as error:
            if folder is None or training.saved_step is None or not folder.path.exists():
                raise
            note = f"the checkpoint of step {training.saved_step:,} in `{folder.path}` is whole"
            kind = MemoryError if isinstance(error, MemoryError) else type(error)
            raise kind(f"{error}\nnote: {note}") from None
    finally:
        if folder is not None:
            folder.close()


def _as_before(source: Path, saved: Saved, seed: int | None, precision: str | None) -> tuple[int, str]:
    """The seed and precision with which a run is resumed. Raises CheckpointError if others are requested."""
    # The best of several restarts has its own seed, which its state holds; the split was drawn by the training's.
    before = int(saved.about["split_seed"]), str(saved.about["precision"])
    for what, asked, was in zip(("seed", "precision"), (seed, precision), before, strict=True):
        if asked is not None and asked != was:
            raise CheckpointError(f"`{source}` was trained with the {what} {was} and cannot continue with {asked}")
    return before
