"""What people write who know other tools, or go by analogy: the answer says what to write here."""

from __future__ import annotations

import pytest

import gpubp
from dsl.otherwise import ARGUMENTS, FUNCTIONS, KEYS, SECTIONS
from dsl.tokens import WORDS
from gpubp.frontend.catalog import catalog

NET = """\
data {
  x = [[0, 0], [0, 1], [1, 0], [1, 1]]
  y = [[0], [1], [1], [0]]
}

model {
  input  x: [2]
  target y: [1]
  hidden   = x -> dense(8) -> tanh
  output p = hidden -> dense(1)
}

train {
  loss      = mse(p, y)
  optimizer = adam
  epochs    = 3
}
"""


def helps(text: str) -> list[str]:
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(text, "a.net")
    return [help for one in caught.value.diagnostics for help in one.help]


@pytest.mark.parametrize("word", [word for word in FUNCTIONS if word not in WORDS])
def test_functions_of_other_tools(word: str) -> None:
    assert helps(NET.replace("tanh", f"{word}(2)")) == [FUNCTIONS[word]]


@pytest.mark.parametrize("word", ARGUMENTS)
def test_their_options(word: str) -> None:
    assert helps(NET.replace("dense(8)", f"dense(8, {word} = true)")) == [ARGUMENTS[word]]


@pytest.mark.parametrize("word", [word for word in KEYS if word not in catalog().train])
def test_their_keys(word: str) -> None:
    assert helps(NET.replace("epochs ", f"{word} = true\n  epochs ")) == [KEYS[word]]


@pytest.mark.parametrize("word", SECTIONS)
def test_their_sections(word: str) -> None:
    assert helps(NET + f"\n{word} {{\n}}\n") == [SECTIONS[word]]


@pytest.mark.parametrize(
    ("old", "new", "help"),
    [
        ("mse(p, y)", "MSELoss()(p, y)", "one call takes it all: `MSELoss(p, y)`"),
        ("mse(p, y)", "focal(gamma = 2)(p, y)", "one call takes it all: `focal(p, y, gamma = 2)`"),
        ("-> tanh", "-> softmax(dim = 1)", "leave it out: `softmax` takes no arguments besides its input"),
        ("hidden -> dense(1)", "concat(hidden, x, 0) -> dense(1)", "options of `concat` have names: `axis = 0`"),
        ("dense(8) -> tanh", "dense(8) ...\n    -> tanh", "delete it: a line that begins with `->` or an operator"),
        ("dense(8) -> tanh", "repeat 3 { h = dense(8) }", "delete `h =`; a value is named where the pipe ends"),
        ("[[0], [1], [1], [0]]", "[0, 1, 1, 0]'", "`transpose(a)` is the transpose of a value; a column of rows"),
        ("[[0], [1], [1], [0]]", "[0; 1; 1; 0]", "rows of a matrix are lists of their own"),
        ("x = [[", "z = [[1]]\n  x = [[", "declare it in `model`: `input z: [?]`; or leave it out"),
        ("x = [[", "divideParam = [1]\n  x = [[", "the rows are divided by `split = split("),
        ("y: [1]", "y: 1", "`target y: [1]` for one number, `target y: class(2)` for one of two labels"),
        ("x: [2]", "x: 28x28", "a shape is a list of sizes: `input  x: [28, 28]`"),
        ("epochs ", 'freeze = ["hidden"]\n  epochs ', "names have no quotes: `hidden`"),
        ("epochs ", "freeze = [body]\n  epochs ", "`hidden` and `p` have weights"),
        ("epochs ", 'start = "runs/a"\n  epochs ', 'it takes `load("runs/a")`'),
        ("epochs ", "loss = mae(p, y)\n  epochs ", "keep one of them; several losses are added: `loss = a + b`"),
        ("mse(p, y)", "mse(p, y) + mean(hidden.weight)", "`layer f = dense(8)`, `x -> f`, then `f.weight`"),
        ("model {", "model xor {", "sections have no names: `model { ... }`"),
        ("dense(8)", "embedding(8)", "labels are declared: `input x: class(10)`"),
        ("data {", 'let name = "a" + ".csv"\ndata {', "strings are written whole"),
        ("hidden ->", "(x + zeros(2)) ->", "an option takes it: `weight([2], init = zeros)`"),
        ("-> tanh", "-> tanh\n  flag = ~true", "there is no `not`"),
        ("x -> dense(8) -> tanh", "Dense(8, use_bias='no')(x)", "passed on with `->`: `x -> Dense(8, use_bias='no')`"),
        ("x -> dense(8) -> tanh", "nn.Sequential(nn.Linear(2, 8), nn.ReLU())(x)", "`x -> linear(2, 8) -> relu`"),
        ("hidden   =", "def forward(self, x):\n  hidden   =", "a formula is `fn f(x) = ...`"),
        ("epochs    = 3", "for epoch in 1..3 { step }", "`epochs = 10` repeats the training"),
        ("x = [[0, 0], [0, 1], [1, 0], [1, 1]]", 'train = csv("a.csv")', "a name has the rows of all parts"),
        ("[[0], [1], [1], [0]]", 'csv("a.csv", target = 2)', 'text needs quotes: `"2"`'),
        ("[[0], [1], [1], [0]]", 'np.load("y.npy")', "did you mean `npy`?"),
        ("hidden ->", "x.a ->", "`slice(x, 0, 1)` is its first number"),
        ("adam", "adam(lr = cosine(0.05))", "a rate that changes is a key of `train`: `schedule = cosine`"),
    ],
)
def test_what_is_written_by_analogy(old: str, new: str, help: str) -> None:
    assert old in NET
    assert any(help in one for one in helps(NET.replace(old, new, 1)))
