"""Bayesian hyperparameter search: the tree-structured Parzen estimator of optuna, an optional package.

Bergstra, Bardenet, Bengio & Kégl, "Algorithms for hyper-parameter optimization", 2011.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..data import Purpose, generator
from ..errors import GpubpError
from ..frontend import Domain
from .trials import RANDOM, Trial, settings

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

FIRST = 10
"""Random trials before the estimator takes over."""
ROUND = 4
"""Trials that are then suggested at a time, to be trained side by side."""
ATTEMPTS = 20
"""Suggestions that may repeat an earlier trial before a random one is drawn instead."""


def require_optuna() -> None:
    """Raise GpubpError if optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise GpubpError(
            "the method `tpe` needs optuna, which is not installed: `pip install 'gpubp[search]'` brings it"
        ) from None


def learned(
    space: Mapping[str, Domain], seed: int, done: Sequence[Trial], trials: int, *, rising: bool
) -> Iterator[list[tuple[int, dict[str, str]]]]:
    """The numbers and params of trials 1 to `trials`, without duplicates, in rounds: first the random ones, then
    `ROUND` at a time; `done` must contain all trials of a round before the next is requested.

    Each suggestion depends only on the seed, its number, the results of the rounds before and the params suggested
    before it in its own, so that an interrupted search continues identically.
    """
    first = [*enumerate(islice(settings(space, RANDOM, seed), min(FIRST, trials)), 1)]
    yield first
    asked = len(first)
    while FIRST <= asked < trials:
        made = {trial.number: trial for trial in done}
        known = [made[number] for number in range(1, asked + 1)]
        for number in range(asked + 1, min(asked + ROUND, trials) + 1):
            params = made[number].params if number in made else _suggestion(space, seed, number, known, rising)
            if params is None:
                trials = number - 1  # there are no others
                break
            known.append(Trial(number, params, None, 0, 0.0))
        yield [(trial.number, trial.params) for trial in known[asked:]]
        asked = len(known)


def _suggestion(
    space: Mapping[str, Domain], seed: int, number: int, known: Sequence[Trial], rising: bool
) -> dict[str, str] | None:
    """Params that no trial has used yet; None if there are none left."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kinds = {name: _distribution(domain) for name, domain in space.items()}
    earlier = [_as_known(trial, space, kinds) for trial in known]
    for attempt in range(ATTEMPTS):
        drawn = int(generator(seed, Purpose.SUGGESTION, number, attempt).integers(1 << 32))
        sampler = optuna.samplers.TPESampler(n_startup_trials=0, seed=drawn)
        study = optuna.create_study(sampler=sampler, direction="maximize" if rising else "minimize")
        study.add_trials(earlier)
        chosen = study.ask(kinds).params
        params = {name: _text(domain, chosen[name]) for name, domain in space.items()}
        if all(trial.params != params for trial in known):
            return params
    return next((each for each in settings(space, RANDOM, seed) if all(t.params != each for t in known)), None)


def _as_known(trial: Trial, space: Mapping[str, Domain], kinds: dict[str, BaseDistribution]) -> Any:
    """A trial in optuna's representation. One that failed counts as worse than any other, and so does one that has not
    ended, which keeps the suggestions of a round apart (a constant liar: Ginsbourger, Le Riche & Carraro, "Kriging is
    well-suited to parallelize optimization", 2010)."""
    from optuna.trial import TrialState, create_trial

    params = {name: _choice(domain, trial.params[name]) for name, domain in space.items()}
    state = TrialState.PRUNED if trial.value is None else TrialState.COMPLETE
    return create_trial(state=state, value=trial.value, params=params, distributions=kinds)


def _distribution(domain: Domain) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if domain.values:
        last = len(domain.values) - 1
        return IntDistribution(0, last) if _ordered(domain.values) else CategoricalDistribution(range(last + 1))
    if domain.whole:
        return IntDistribution(int(domain.first), int(domain.last))
    return FloatDistribution(domain.first, domain.last, log=domain.log)


def _ordered(values: Sequence[str]) -> bool:
    """Whether a list holds increasing or decreasing numbers, whose neighbours are similar."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return False
    return numbers in (sorted(numbers), sorted(numbers, reverse=True))


def _text(domain: Domain, choice: Any) -> str:
    return domain.values[choice] if domain.values else domain.near(choice)


def _choice(domain: Domain, text: str) -> int | float:
    """The inverse of `_text`, to four digits."""
    if domain.values:
        return domain.values.index(text)
    return int(text) if domain.whole else float(text)
