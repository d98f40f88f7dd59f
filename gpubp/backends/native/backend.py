"""The CPU, by compiled kernels and NumPy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from ...ir import Var
from ...ops import c_orders
from ...passes import Plan
from ...render import CSource, lanes_arena, lanes_source
from ..base import BindCopies
from ..numpy import NumpyBackend
from ..orders import ENOUGH, Shuffles
from .cache import CACHE_HELP, CacheError, KernelCache
from .compiler import Compiler, NativeError
from .library import LaneLoop, Library
from .orders import LibraryOrders

EVERY = frozenset({"train", "gradients", "measure", "predict", "fit"})
"""All modes of programs."""


class NativeBackend(NumpyBackend):
    """Arrays in host memory; kernels compiled by `compiler`, and NumPy if that fails."""

    compiles = True

    def __init__(self, compiler: Compiler, *, forced: bool = False, why: str = "", folder: Path | None = None) -> None:
        """`forced`: compile every program at once. `folder`: of the cache of compiled kernels, by default in the user's
        cache folder."""
        super().__init__(why)
        self.compiler, self._all = compiler, forced
        if forced:
            self.modes, self.compile_threshold = EVERY, 0.0
        self.cache = KernelCache(folder or user_cache_path("gpubp") / "kernels")
        self._shuffles = Shuffles(self._library_orders, 0.0 if forced else ENOUGH)
        self.description = f"CPU (NumPy {np.__version__} and {compiler.name}{'; ' if why else ''}{why})"

    def kernels(self) -> str:
        try:
            version = self.compiler.version
        except NativeError:
            return ""
        return f"{'all' if self._all else 'training and validation'}, by {version}" if self.compiles else ""

    def library(self, source: CSource) -> Library | None:
        """The compiled functions of a C source; None if compiling fails, which is reported once."""
        try:
            return Library(self.cache.library(source.code, self.compiler), source.numbers)
        except NativeError as error:
            self.compiles = False
            self.description = f"CPU (NumPy {np.__version__}; {error})"
            remedy = f"; {CACHE_HELP}" if isinstance(error, CacheError) else ""
            say_once(f"NumPy continues without compiled kernels: {error}{remedy}")
            return None

    def copies(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        collect: Sequence[Var],
    ) -> tuple[CSource, BindCopies] | None:
        source = lanes_source(plan, name, hints, describe, collect)
        library = None if source is None else self.library(source)
        if source is None or library is None:
            return None

        def bind(tables: Sequence[Any]) -> LaneLoop:
            arena = self.arena(lanes_arena(plan, len(tables[0])))
            return library.bind_lanes(source.many, plan.feeds[0].shape[0], arena, tables)

        return source, bind

    def orders(self, n: int, seeds: Sequence[int], epoch: int, epochs: int) -> Any:
        if not self.compiles:
            return super().orders(n, seeds, epoch, epochs)
        return self._shuffles.chosen(n, len(seeds) * epochs)(n, seeds, epoch, epochs)

    def _library_orders(self) -> LibraryOrders | None:
        try:
            return LibraryOrders(self.cache.library(c_orders(), self.compiler))
        except NativeError as error:
            say_once(f"NumPy shuffles the rows: {error}")
            return None


def say_busy(message: str) -> None:
    """Say what takes a while, to those who show progress."""
    logging.getLogger("gpubp").info(message)


_said: set[str] = set()


def say_once(message: str) -> None:
    """Log a warning, once in this process."""
    if message not in _said:
        _said.add(message)
        logging.getLogger("gpubp").warning(message)
