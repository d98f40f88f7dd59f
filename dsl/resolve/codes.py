"""What each code of the resolver stands for, in a line: the beginning of `check --explain`."""

from __future__ import annotations

from typing import Final

CODES: Final = {
    "E0201": "a name stands for nothing that is known here",
    "E0202": "a name is made twice; names are assigned once",
    "E0203": "a name is used above the line that makes it",
    "E0204": "an argument has a name that the called thing does not take",
    "E0205": "an argument or an input is missing",
    "E0206": "arguments are too many, double, or in the wrong order",
    "E0207": "the language knows the word, this version cannot do it yet",
    "E0208": "there is no such layer, function, loss, optimizer ... here",
    "E0209": "a name stands in a function's place and is none, or is dotted and has no parts",
    "E0210": "a layer or function is given no value to work on",
    "E0211": "a key of `train` is unknown or missing",
    "E0212": "a name that can stand in a function's place has a function's spelling",
    "E0213": "a section is there twice, or the model is missing",
    "E0214": "an imported file cannot be read",
    "E0215": "files import each other in a circle",
    "E0216": "the command line sets what no file declares",
    "E0217": "`as` names a stage where it cannot be named",
    "E0218": "several values and the names for them do not match",
    "E0219": "the file expands beyond a limit",
    "E0220": "an output depends on a target",
    "E0221": "an input is never used",
    "E0222": "weights would be made where there are none: in `train` or in a fn",
    "E0223": "a size comes from the data, and there is no data",
    "E0224": "the data does not fit the declared type",
    "E0225": "`data` and the model do not name the same inputs and targets, or an entry is no reader and no rows",
    "E0226": "a number has a unit that does not exist",
    "E0227": "a type does not exist",
    "E0228": "a metric is no call and no value, or two bear one name",
    "E0310": "a value is of another sort than its place takes",
    "E0311": "a number must be whole",
    "E0312": "a number is below the least that is allowed",
    "E0313": "a unit does not fit its place",
    "E0314": "arithmetic has no finite value",
    "E0315": "a condition is not known when the file is read",
    "E0316": "a tensor stands where a static is needed, or a static where a tensor is",
    "E0317": "a param lies outside its domain, or the domain is none",
    "E0318": "a list or range is needed, or has the wrong length",
    "W0201": "a value is never used",
    "W0202": "a param, let, block, fn, layer, formal or import is never used",
}
"""Codes E01xx are the parser's, from E0301 on the shapes', E04 the data's, E05 the training's."""
