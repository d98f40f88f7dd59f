"""The update as a whole: gradients gathered over batches, and averages of the weights."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from tests.peers.nets import Array

from .worlds import X, Y, equal, make, rows, same, weights

# accumulate ----------------------------------------------------------------------------------------------------------
OPTIMIZERS = ["sgd(lr = 0.1, momentum = 0.9)", "adam(lr = 0.05)", "nadam", "amsgrad", "adamw(lr = 0.05, decay = 0.1)"]


@pytest.mark.parametrize("clip", ["", "clip = clip_norm(0.01)", "clip = clip_value(0.001)"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_several_batches_are_one_large_one(optimizer: str, clip: str) -> None:
    """Of any sizes: each counts by its rows."""
    small, large = make(f"accumulate = 3\n  {clip}", optimizer), make(clip, optimizer)
    for sizes in ((4, 4, 4), (1, 9, 2), (6, 5, 1)):
        for batch in rows(*sizes):
            small.train_step(batch)
        large.train_step({"x": X, "y": Y})
        same(weights(small), weights(large))


def test_between_updates_nothing_moves() -> None:
    ex = make("accumulate = 3\n  average = ema(0.5)")
    first = weights(ex)
    (before,) = [ex.predict(X)]
    for batch in rows(4, 4):
        ex.train_step(batch)
    assert equal(weights(ex), first)
    np.testing.assert_array_equal(ex.predict(X), before)
    assert ex.counters["rows"] == 8
    for batch in rows(4):
        ex.train_step(batch)
    assert not equal(weights(ex), first)
    assert ex.counters["rows"] == 0
    assert ex.step == 3


def test_a_resume_between_updates_goes_on_bit_for_bit() -> None:
    whole, first, second = make("accumulate = 4"), make("accumulate = 4"), make("accumulate = 4")
    batches = list(rows(5, 4, 3, 5, 4, 3, 5, 4))
    for batch in batches:
        whole.train_step(batch)
    for batch in batches[:6]:
        first.train_step(batch)
    second.load_state_dict(first.state_dict())
    for batch in batches[6:]:
        second.train_step(batch)
    assert equal(second.state_dict(), whole.state_dict())


def test_a_gradient_that_is_no_number_is_not_gathered() -> None:
    ex = make("accumulate = 2", model="output p = x -> dense(2)")
    kept = ex.state_dict()
    with pytest.raises(gpubp.DivergedError):
        ex.train_step({"x": X * 1e200, "y": Y * 1e200})
    assert equal(ex.state_dict(), kept)


def test_large_gradients_do_not_overflow_by_their_number() -> None:
    ex = make("accumulate = 8", "sgd(lr = 1e-38)", "output p = x -> dense(2, init = zeros)", "float32")
    for batch in rows(*[4] * 8):
        ex.train_step({"x": np.sign(batch["x"]), "y": 1e38 * np.sign(batch["y"])})
    assert all(np.isfinite(w).all() for w in weights(ex).values())


def test_the_schedule_counts_batches() -> None:
    """Each update takes the rate of the batch that its window begins with."""
    ex = make("accumulate = 3\n  schedule = step(3steps, factor = 0.5)", "sgd(lr = 1)", "output p = x -> dense(2)")
    plain = make("", "sgd(lr = 1)", "output p = x -> dense(2)")
    for update in range(4):
        plain.set_parameters(weights(ex))
        plain.set_counters({"rate_scale": 0.5**update})
        for batch in rows(4, 4, 4):
            ex.train_step(batch)
        plain.train_step({"x": X, "y": Y})
        same(weights(ex), weights(plain))


@pytest.mark.parametrize(
    ("schedule", "code", "said"),
    [
        ("exponential(-2)", "E0312", "`factor` must be at least 0, but this is -2"),
        ("exponential(factor = relu)", "E0310", "`factor` takes a fraction or a number, but this is the word `relu`"),
        ("linear(to = 3epochs)", "E0313", "`to` takes a plain number"),
        ("cyclic(20)", "E0313", "`every` takes a duration"),
        ("cyclic(0steps)", "E0523", "a repeating schedule needs a length, but `every` is 0 steps"),
        ("cyclic(2epochs, start = 3)", "E0313", "`start` is a fraction, but this is 3"),
    ],
)
def test_what_schedules_do_not_take(schedule: str, code: str, said: str) -> None:
    with pytest.raises(gpubp.NetError) as raised:
        make(f"schedule = {schedule}")
    (finding,) = raised.value.diagnostics
    assert (finding.code, finding.message) == (code, said)


def test_a_factor_is_a_share_or_a_multiple() -> None:
    found = [make(f"schedule = exponential({factor}, 2steps)") for factor in ("150%", "1.5", "50%", "0.5")]
    for ex in found:
        for batch in rows(4, 4, 4):
            ex.train_step(batch)
    assert equal(weights(found[0]), weights(found[1]))
    assert equal(weights(found[2]), weights(found[3]))
    assert not equal(weights(found[0]), weights(found[2]))


# average -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.9999])
def test_evaluation_takes_the_average(decay: float) -> None:
    ex, plain = make(f"average = ema({decay})"), make("")
    np.testing.assert_array_equal(ex.predict(X), plain.predict(X))
    seen: list[dict[str, Array]] = []
    for batch in rows(5, 4, 3, 5, 4):
        ex.train_step(batch)
        seen.append(weights(ex))
        shares = np.array([(1 - decay) * decay ** (len(seen) - 1 - i) for i in range(len(seen))])
        shares /= shares.sum()
        mean = {name: sum(share * w[name] for share, w in zip(shares, seen)) for name in seen[0]}
        plain.set_parameters(mean)
        np.testing.assert_allclose(ex.predict(X), plain.predict(X), rtol=1e-9)
        found, wanted = ex.evaluate({"x": X, "y": Y}), plain.evaluate({"x": X, "y": Y})
        assert found == pytest.approx(wanted, rel=1e-9)
        # Training goes on from the weights themselves.
        plain.set_parameters(seen[-1])
        assert ex.gradients(batch)[0] == pytest.approx(plain.gradients(batch)[0], rel=1e-12)


def test_the_average_changes_no_training() -> None:
    ex, plain = make("average = ema(0.9)"), make("")
    for batch in rows(5, 4, 3, 5, 4):
        assert ex.train_step(batch) == plain.train_step(batch)
    assert equal(weights(ex), weights(plain))


def test_the_average_is_saved() -> None:
    first, second = make("average = ema(0.9)"), make("average = ema(0.9)")
    for batch in rows(5, 4, 3):
        first.train_step(batch)
    second.load_state_dict(first.state_dict())
    np.testing.assert_array_equal(second.predict(X), first.predict(X))
    for batch in rows(5, 4):
        first.train_step(batch)
        second.train_step(batch)
    assert equal(first.state_dict(), second.state_dict())


def test_parameters_that_are_set_are_the_average_too() -> None:
    ex, plain = make("average = ema(0.9)"), make("")
    for batch in rows(5, 4, 3):
        ex.train_step(batch)
    ex.set_parameters(weights(plain))
    np.testing.assert_allclose(ex.predict(X), plain.predict(X), rtol=1e-12)


def test_an_average_that_forgets_nothing_is_refused() -> None:
    with pytest.raises(gpubp.GpubpError, match="must be below 1"):
        make("average = ema(1)").train_step({"x": X, "y": Y})


# all at once ---------------------------------------------------------------------------------------------------------
def test_all_at_once_resumes_bit_for_bit() -> None:
    keys = """accumulate = 2
  average = ema(0.9)
  freeze = [hidden.dense]
  rates = [rate(p, 3)]
  clip = clip_norm(0.1)
  schedule = warmup(3steps, cosine_restarts(4steps))"""
    model = "hidden = x -> dense(4) -> tanh -> dense(4) -> dropout(20%)\n  output p = hidden -> dense(2)"
    for precision in ("float32", "float64"):
        one, first, second = (make(keys, "adamw", model, precision) for _ in range(3))
        batches = list(rows(5, 4, 3, 5, 4, 3, 5))
        for batch in batches:
            one.train_step(batch)
        for batch in batches[:3]:
            first.train_step(batch)
        second.load_state_dict(first.state_dict())
        for batch in batches[3:]:
            second.train_step(batch)
        assert equal(one.state_dict(), second.state_dict())


@pytest.mark.parametrize(
    ("optimizer", "option"),
    [
        ("rmsprop(rho = 1)", "rho"),
        ("adadelta(rho = 1)", "rho"),
        ("adam(beta2 = 1)", "beta2"),
        ("adamax(beta1 = 1)", "beta1"),
        ("nadam(beta1 = 1)", "beta1"),
        ("amsgrad(beta2 = 1)", "beta2"),
        ("lion(beta2 = 1)", "beta2"),
    ],
)
def test_a_mean_that_forgets_nothing_is_refused(optimizer: str, option: str) -> None:
    """It would stay at 0: no step at all, or one of lr / eps."""
    with pytest.raises(gpubp.NetError, match=f"`{option}` must be below 1") as caught:
        make("", optimizer)
    assert caught.value.diagnostics[0].span.text == "1"
