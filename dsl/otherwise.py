"""Words of other tools for what the language says in another way than by a word: each leads to a help."""

from __future__ import annotations

from collections.abc import Mapping

_PENALTY = "a penalty is added to the loss: `loss = mse(p, y) + l2(0.01)`"
_STOP = "`early_stop = early_stop(valid.loss, patience = 5epochs)` ends a training"
_DEVICE = "the device is chosen on the command line: `--device gpu`"
_FOLDER = "a run is saved to a folder: `gpubp run FILE --out DIR`"
_INPUT = "what comes in is declared: `input x: [2]`"
_LOSS = "`train` says what is minimised: `loss = cross_entropy(p, y)`"
_CHAIN = "layers are chained: `x -> dense(8) -> tanh -> dense(1)`"
_PADDED = "recurrent layers and `attention` take a mask, 0 where a step is padding: `lstm(8, mask = known)`"
_KNOWN = "the size of what comes in is known: leave it out"


def _words(helps: Mapping[str, str]) -> dict[str, str]:
    return {word: help for words, help in helps.items() for word in words.split()}


FUNCTIONS = _words(
    {
        "add addition plus": "this is an operator: `a + b`",
        "sub subtract subtraction minus": "this is an operator: `a - b`",
        "mul multiply multiplication times": "this is an operator: `a * b`",
        "div divide division": "this is an operator: `a / b`",
        "pow power": "this is an operator: `a^2`",
        "range linspace": "`1..3` counts, both ends included: `for i in 1..3 { ... }`",
        "input featureinput imageinput sequenceinput inputlayer": _INPUT,
        "classification regression output": _LOSS,
        "sequential feedforward feedforwardnet patternnet fitnet": _CHAIN,
        "view": "`reshape([2, 8])` gives a value another shape; `gpubp graph FILE` draws the net",
        "argmax": "an output has the probabilities: `-> softmax`; `gpubp predict` writes the most probable class",
        "lambda": "a formula of its own is a `fn`: `fn f(v) = 2 * v`",
        "bidirectional": "this is an option of recurrent layers: `gru(8, bidirectional = true)`",
        "masking packpaddedsequence padpackedsequence": _PADDED,
        "timedistributed": "layers work on the last axis, at each step: `-> dense(8)`",
    }
)
"""Functions of other tools, in small letters without `_`."""
ARGUMENTS = _words(
    {
        "inputshape inputdim inputsize infeatures inchannels": _KNOWN,
        "name": "`as` names a stage: `-> dense(8) as hidden`",
        "regularizer kernelregularizer biasregularizer activityregularizer weightregularizer": _PENALTY,
        "trainable requiresgrad": "`freeze = [hidden]` in `train` keeps the weights of `hidden` as they are",
        "maskzero lengths sequencelength enforcesorted": _PADDED,
        "fromlogits": "losses take probabilities: end the output with `sigmoid` or `softmax`",
        "reduction": "a loss is one number per example, and averaged over the batch",
        "monitor": "a metric is named with its part of the data: `early_stop(valid.loss, patience = 5epochs)`",
        "shuffle": "`train` shuffles the rows in each epoch, and `split` divides them at random",
        "dtype": "all numbers are of the `precision` that `train` says",
        "device": _DEVICE,
    }
)
"""Their options."""
KEYS = _words(
    {
        "device gpu cuda accelerator executionenvironment": _DEVICE,
        "verbose show progress": "the command line says how much is printed: `gpubp run FILE --quiet`",
        "callbacks patience maxfail": _STOP,
        "checkpoint checkpoints save savepath savedir outputdir logdir name": _FOLDER,
        "plots plot": "`gpubp plot RUN` draws the learning curves",
        "warmup warmupsteps warmupepochs": "`schedule = warmup(5epochs)`",
        "amp mixedprecision": "`precision = tf32` allows tensor cores",
        "l1 l2 penalty regularization regularizer l2regularization": _PENALTY,
        "options trainingoptions": "the options of a training are keys of `train`, each in a line: `epochs = 100`",
    }
)
"""What they set for a training."""
SECTIONS = _words(
    {
        "predict": "`gpubp predict RUN TABLE` predicts new rows with a trained run",
        "evaluate": "`gpubp evaluate RUN TABLE` computes the loss and metrics of new rows",
        "test valid validation val": "`data` holds rows back: `split = split(train = 80%, valid = 10%, test = 10%)`",
        "compile fit": "`train { ... }` says how to train: `loss`, `optimizer`, `epochs`",
        "optimizer loss metrics": "this is a key of `train { ... }`",
    }
)
"""What they have sections for."""


def otherwise(word: str, helps: Mapping[str, str]) -> tuple[str, ...]:
    """The help for a word of other tools, empty if it is none."""
    plain = word.lower().replace("_", "")
    found = helps.get(plain) or helps.get(plain.removesuffix("layer"))
    return (found,) if found else ()
