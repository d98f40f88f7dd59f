"""What mends each malformed file of `errors/`: texts to put in place of others, as the `help` lines say.

One of a file's texts must stand in its help, with a `...` filled in, or be empty where the help says to take something
out; see `IN_WORDS` for the rest.
"""

from __future__ import annotations

Changes = tuple[tuple[str, str], ...]

MENDED: dict[str, Changes] = {
    "E0104_arrow_fat": (("=>", "->"),),
    "E0104_arrow_pipe": (("|>", "->"),),
    "E0104_comment_slashes": (("//", "#"),),
    "E0104_full_width": (("\uff1a", ":"), ("\uff08", "("), ("\uff09", ")")),
    "E0104_keras_layer": (("Dense", "dense"), ("'relu'", '"relu"'), (', activation="relu"', "")),
    "E0104_letters": (("größe", "grosse"),),
    "E0104_minus_sign": (("\u2212", "-"),),
    "E0104_no_break_space": (("\xa0", " "),),
    "E0104_power_stars": (("x ** 2", "x^2"),),
    "E0104_semicolons": ((";", ""),),
    "E0104_single_quotes": (("'people.csv'", '"people.csv"'), ("'sex'", '"sex"')),
    "E0104_smart_quotes": (("\u201cpeople.csv\u201d", '"people.csv"'), ("\u201csex\u201d", '"sex"')),
    "E0104_trailing_commas": (("],\n", "]\n"), ("),\n", ")\n")),
    "E0105_import": (('"blocks.net as', '"blocks.net" as'),),
    "E0105_open_string": (('"people.csv,', '"people.csv",'),),
    "E0106_backslash_path": (('".\\people.csv"', '"./people.csv"'),),
    "E0107_number": (("= .5", "= 0.5"),),
    "E0107_too_large": (("99_999_999_999_999_999_999", "1e+20"),),
    "E0109_one_too_many": (("))", ")"), ("}\n}", "}")),
    "E0110_input_as_call": (("x = input(2)", "input x: [2]"),),
    "E0110_keyword": (("input data", "input data_"), ("= data", "= data_"), ("output output", "output output_")),
    "E0111_commas_in_a_line": ((", return", "\n  return"), (", optimizer", "\n  optimizer")),
    "E0111_missing_arrow": (("    dense(8)", "    -> dense(8)"),),
    "E0111_stage_alone": (("    relu", "    -> relu"),),
    "E0112_minus": (("-0.8 -0.1", "-0.8, -0.1"),),
    "E0114_keras_call": (("dense(16)(x)", "x -> dense(16)"),),
    "E0114_loose_unit": (("adam 0.1", "adam(0.1)"), ("epochs = 5 epochs", "epochs = 5")),
    "E0114_methods": (("x.dense(8).relu()", "x -> dense(8) -> relu"),),
    "E0114_missing_arrow": (("x dense(8)", "x -> dense(8)"), ("relu dense(1)", "relu -> dense(1)")),
    "E0114_missing_colon": (("input x [2]", "input x: [2]"), ("target y class(3)", "target y: class(3)")),
    "E0114_no_parentheses": (("dense 8", "dense(8)"),),
    "E0114_type_of_words": (("[12] of class(9)", "class(9)[12]"),),
    "E0114_windows_line_ends": (("dense 8", "dense(8)"),),
    "E0115_ternary": (("n == 1 ? x : x -> relu", "if n == 1 then x else x -> relu"),),
    "E0116_index": (("x[0]", "slice(x, 0, 1)"), ("x[1:]", "slice(x, 1, 2)")),
    "E0117_difference": (("error = x -> dense(1) - y", "error = (x -> dense(1)) - y"),),
    "E0117_sum_after_pipe": (("output p = x -> dense(8) + x", "output p = (x -> dense(8)) + x"),),
    "E0118_elif": (("elif", "else if"),),
    "E0118_if_stage": (("x -> if norm then relu else tanh", "if norm then x -> relu else x -> tanh"),),
    "E0118_python_if": (("x -> dense(1) if n > 1 else x", "if n > 1 then x -> dense(1) else x"),),
    "E0118_if_statement": (
        (
            "if n == 1 {\n    hidden = x -> relu\n  } else {\n    hidden = x\n  }",
            "hidden = if n == 1 then x -> relu else x",
        ),
    ),
    "E0119_for_statement": (
        ("for i in 1..3 {\n    x = x -> dense(8)\n  }", "h = x -> for i in 1..3 { dense(8) }"),
        ("output p = x", "output p = h -> relu"),
    ),
    "E0119_python_loop": (
        ("for i in 2:\n    x = x -> dense(i)", "h = x -> for i in 1..2 { dense(i) }"),
        ("output p = x", "output p = h -> relu"),
    ),
    "E0120_as_behind_a_call": (("mae(p, y) as error", "p -> mae(y) as error"),),
    "E0121_section": (("modle", "model"), ("\nlayers {\n  relu\n}", "")),
    "E0121_statement": (("inptu", "input"),),
    "E0122_assignment": (("hidden += 1", "hidden_2 = hidden + 1"), ("= hidden ->", "= hidden_2 ->")),
    "E0122_colon_for_section": (("model:", "model {"), ("dense(1)", "dense(1)\n}")),
    "E0122_colon_for_value": (
        ("param lr: 0.1", "param lr = 0.1"),
        ("output p: x -> dense(1)", "output p = x -> dense(1)"),
    ),
    "E0122_colons_in_train": (
        ("loss: mse(p, y)", "loss = mse(p, y)"),
        ("optimizer:", "optimizer ="),
        ("lr:", "lr ="),
        ("epochs: 20", "epochs = 20"),
    ),
    "E0122_equal_for_section": (("model = {", "model {"),),
    "E0122_equal_for_type": (("input  x = [2]", "input x: [2]"), ("target y: 2", "target y: [2]")),
    "E0123_keyword_behind": (("dense(8), activation = relu", "dense(8) -> relu"),),
    "E0204_learning_rate": (("adam(", "adamw("), ("learning_rate", "lr"), ("weight_decay", "decay")),
    "E0208_reader": (("read_csv", "csv"),),
    "E0211_other_tools": (
        ("  loss_fn = mse(p, y)\n", ""),
        ("  validation_split = 20%\n", ""),
        ("  device = gpu\n", ""),
        ("num_epochs", "epochs"),
    ),
    "E0211_unknown_keys": (
        ("batch_size", "batch"),
        ("optimizer = sgd(0.1)", "optimizer = sgd(lr = 0.1)"),
        ("  learning_rate = 0.1\n", ""),
        ("epoch =", "epochs ="),
        ("  kl = mean(p)\n", "  metrics = [kl]\n"),
        ("  output p", "  kl = mean(x)\n  output p"),
    ),
    "E0401_missing_file": (("E0401_missing_fiel.net", "E0401_missing_file.net"),),
    "E0412_backslash": (("tables\\\\people.csv", "people.csv"),),
    "E0418_reshape": ((""""weight"])""", """"weight"], reshape = [2, 1])"""),),
    "E0123_tuple": (("input x: (8, 8, 1)", "input x: [8, 8, 1]"), ("(x, x)", "[x, x]")),
    "E0123_two_inputs": (("input x: [2], y: [3]", "input x: [2]\n  input y: [3]"),),
    "E0123_two_outputs": (("output p, q = x -> dense(1)", "output p = x -> dense(1)\n  output q = x -> dense(1)"),),
    "E0124_python_range": (("2:4", "2..4"),),
    "E0125_block_without_on": (("wide(n) {", "wide(n) on x {"), ("block plain on x {", "block plain() on x {")),
    "E0125_class_without_number": (
        ("input word: class", "input word: class(10)"),
        ("input text: class(100, 32)", "input text: class(100)[32]"),
        ("target y: class[3]", "target y: class(3)"),
        ("= word", "= one_hot(word)"),
        ("dense(3)", "dense(3)\n  output t = one_hot(text)"),
    ),
    "E0125_fn_in_braces": (
        ("fn double(x) { return x * 2 }", "fn double(x) = x * 2"),
        ("fn triple x = x * 3", "fn triple(x) = x * 3"),
    ),
    "E0125_import_bare": (("import blocks.net", 'import "blocks.net" as blocks'),),
    "E0125_import_without_name": (('import "blocks.net"', 'import "blocks.net" as blocks'),),
    "E0125_list_of_stages": (("[dense(8), relu, dense(1)]", "dense(8) -> relu -> dense(1)"),),
    "E0125_output_without_name": (
        ("output dense(hidden, 1)", "output p = dense(hidden, 1)"),
        ("  output hidden\n", ""),
        ("  hidden =", "  output hidden ="),
    ),
    "E0125_param_without_value": (
        ("param lr", "param lr = 0.1"),
        ("param depth in [1, 2]", "param depth = 1 in [1, 2]"),
    ),
    "E0125_quoted_stage": (("'relu'", "relu"), ("1,5", "1.5")),
    "E0125_size_without_brackets": (("input x: 2", "input x: [2]"),),
    "E0125_then": (("if n > 1: x -> dense(1) else: x", "if n > 1 then x -> dense(1) else x"),),
    "E0126_block_without_return": (("relu\n", "relu\n  return h\n"),),
    "E0127_and": (("depth > 1 and depth < 5", "(if depth > 1 then depth < 5 else false)"),),
    "E0128_chain": (("1 < depth < 5", "(if 1 < depth then depth < 5 else false)"),),
    "E0128_in_value": (("0 < x < 1", "(0 < x) * (x < 1)"),),
    "E0201_loss_of_keras": (
        ("sparse_categorical_crossentropy", "cross_entropy"),
        ("ten", "10"),
        ("yes", "true"),
        ("= cross_entropy", "= cross_entropy(p, y)"),
    ),
    "E0201_none_in_type": (("[None, 2]", "[2]"),),
    "E0201_not_in_quotes": (
        ("people.csv", '"people.csv"'),
        ("height", '"height"'),
        ("weight", '"weight"'),
        ("age", '"age"'),
    ),
    "E0201_true": (("False", "false"), (", init = None", "")),
    "E0201_unknown_value": (("hiden", "hidden"),),
    "E0201_unknown_word": (("= glorot)", "= glorot_uniform)"),),
    "E0202_size_twice": (("b: class(?v)", "b: class(v)"),),
    "E0203_before_made": (
        (
            "  output p = hidden -> dense(1)\n  hidden = x -> dense(8)",
            "  hidden = x -> dense(8)\n  output p = hidden -> dense(1)",
        ),
    ),
    "E0204_input_by_name": (("dense(x = x, units", "dense(x, units"),),
    "E0204_keras_names": (
        ("activation = relu, ", ""),
        ("use_bias", "bias"),
        ("dropout(p", "dropout(rate"),
        ("-> dropout", "-> relu -> dropout"),
    ),
    "E0205_missing": (("dense ->", "dense(units = 8) ->"), ("= sgd", "= sgd(lr = 0.1)"), ("mse(p)", "mse(p, y)")),
    "E0206_block_value_too_many": (("two(x, x, x, 4)", "two(x, x, 4)"),),
    "E0206_list_without_brackets": (
        ("reshape(4, 4, 1)", "reshape([4, 4, 1])"),
        ("reshape(2 * 8, 1)", "reshape([2 * 8, 1])"),
    ),
    "E0206_one_value": (("twice(left, right)", "concat(left, right) -> twice"),),
    "E0206_too_many": (("relu(8)", "relu"), ("units = 1, 8", "1")),
    "E0206_twice": ((", units = 2", ""),),
    "E0208_camel_case": (
        ("Dense", "dense"),
        ("ReLU", "relu"),
        ("Dropout", "dropout"),
        ("LogSoftmax", "softmax"),
        ("CrossEntropy", "cross_entropy"),
        ("AdamW", "adamw"),
        ("Accuracy", "accuracy"),
    ),
    "E0208_keras_training": (
        ("categorical_crossentropy", "cross_entropy"),
        ("Adam", "adam"),
        ('"accuracy"', "accuracy(p, y)"),
        ("learning_rate", "lr"),
    ),
    "E0208_method": (("x.dense(8)", "x -> dense(8)"),),
    "E0208_unknown_layer": (
        ("linear", "dense"),
        ("rellu", "relu"),
        ("Dense", "dense"),
        ("Sigmoid", "sigmoid"),
        ("BCELoss", "binary_cross_entropy"),
        ("Adam", "adam"),
    ),
    "E0209_value_in_layer": (("layer encode = x -> dense(8)", "layer encode = dense(8)"),),
    "E0210_loss": (("mse()", "mse(p, y)"),),
    "E0210_no_input": (("hidden = dense(8)", "hidden = x -> dense(8)"), ("act = relu", "act = x -> relu")),
    "E0211_lacks": (("epochs = 20", "loss = mse(p, y)\n  optimizer = adam"),),
    "E0214_import": (("block.net", "blocks.net"),),
    "E0215_circle": (('import "E0215_circle.net" as me\n', ""),),
    "E0216_set_imported": (("--set width", "--set lib.width"),),
    "E0216_set_unknown": (("widht", "width"),),
    "E0310_set_word": (("width=abc", "width=8"),),
    "E0218_several": (
        ("one = x -> both(2)", "one, b = x -> both(2)"),
        ("a, b, c = x -> both(2)", "d, e = x -> both(2)"),
        ("output p = x -> both(2) -> relu", "f, g = x -> both(2)\n  output p = f -> relu"),
    ),
    "E0224_rank": (("x: [?, ?]", "x: [?]"),),
    "E0225_names": (("inputs =", "x ="), ("y = 3", "y = [[0], [1]]")),
    "E0225_values": (('x = "numbers.csv"', 'x = csv("numbers.csv")'), ("  split = 80%\n", ""), ("  batch = 32\n", "")),
    "E0227_words": (("input x: float32[2]", "input x: [2]"), ("input y: int", "input y: [2]")),
    "E0301_classes": (("dense(4)", "dense(3)"),),
    "E0301_derivative_of_many": (("derivative(u, x)", "derivative(sum(u), x)"),),
    "E0301_in_block": (("return main + x", "skip = x -> dense(n)\n  return main + skip"),),
    "E0301_sum": (("dense(8)", "dense(4)"),),
    "E0301_target_shape": (("mse(p, x)", "mse(p, y)"),),
    "E0302_loss_shape": (("(p - y)^2", "mean((p - y)^2)"),),
    "E0306_label_as_number": (("mse(p, digit)", "cross_entropy(p, digit)"),),
    "E0306_labels_in_arithmetic": (("c + 1", "one_hot(c) + 1"), ("c ->", "one_hot(c) ->")),
    "E0306_number_as_label": (("cross_entropy(p, y)", "binary_cross_entropy(p, y)"),),
    "E0310_clip": (("1.0", "clip_norm(1.0)"),),
    "E0310_embedding_of_classes": (("embedding(9, 4)", "embedding(4)"),),
    "E0310_sort": (
        ('"8"', "8"),
        ('"mse"', "mse(p, y)"),
        ('optimizer = "adam"', "optimizer = adam"),
        ("[32]", "32"),
        ("dense(8)", "dense(1)"),
    ),
    "E0312_batch_axis": (("[-1, 3]", "[3]"),),
    "E0313_percent": (("20%", "20"), ("lr = 1%", "lr = 0.01"), ("epochs = 5%", "epochs = 5")),
    "E0313_units": (("dropout(25)", "dropout(25%)"), ("10%", "0.1"), ("epochs = 20epochs", "epochs = 20")),
    "E0315_if_tensor": (("if x > 0 then x else 0", "where(x > 0, x, 0)"),),
    "E0316_function_alone": (("= mse", "= mse(p, y)"), ("[mae]", "[mae(p, y)]")),
    "E0317_whole_range": (("0..1", "0.0..1.0"),),
    "E0318_rates": (("rate(hidden, 10)", "[rate(hidden, 10)]"),),
    "E0412_missing_csv": (("peple.csv", "people.csv"),),
    "E0415_column": (("hight", "height"),),
    "E0418_shape": (("input  x: [2]", "input  x: [3]"), ("y = [0, 1]", "y = [[0], [1]]")),
    "E0419_words": (("class(3)", "class(2)"), ("dense(3)", "dense(2)")),
    "E0502_no_epochs": (("loss =", "epochs = 100\n  loss ="),),
    "E0504_early_stop": (("valid.acuracy", "valid.accuracy"),),
    "E0504_table": (("valid.confusion", "valid.accuracy"),),
    "E0504_test": (("test.loss", "valid.loss"),),
    "E0504_without_part": (("early_stop(accuracy", "early_stop(valid.accuracy"),),
    "E0521_weight": (("hidden.dense.biases", "hidden.dense.bias"),),
    "W0301_softmax_of_one": (("softmax", "sigmoid"),),
    "W0303_two_dense": (("x -> dense(8)", "x -> dense(8) -> relu"),),
    "W0304_dropout": (("dropout(100%)", "dropout(20%)"), (" -> dropout(0)", "")),
    "W0306_zeros": ((", init = zeros", ""),),
    "W0501_logarithm": (("dense(1)", "dense(1) -> sigmoid"),),
    "W0501_logits": (("cross_entropy(logits, y)", "cross_entropy(p, y)"),),
    "W0502_mse_of_sigmoid": (("mse(p, y)", "binary_cross_entropy(p, y)"),),
    "W0503_cross_entropy_of_sigmoid": (("sigmoid", "softmax"),),
    "W0504_accuracy_of_numbers": (("accuracy(p, y)", "r2(p, y)"),),
    "W0507_batchnorm": (("batchnorm", "layernorm"),),
    "W0506_rates": (("lr = 30", "lr = 0.001"),),
    "W0404_rounded": (('target = "y"', 'target = "y", standardize = true'),),
    "W0403_beyond": (("binary_cross_entropy", "mse"), (" -> sigmoid", "")),
}

IN_WORDS = frozenset(
    {
        "E0104_no_break_space",  # write an ordinary space
        "E0104_trailing_commas",  # delete it
        "E0109_one_too_many",  # delete it
        "E0111_commas_in_a_line",  # start a new line here
        "E0114_type_of_words",  # several are `class(n)[sizes]`
        "E0115_ternary",  # `if a then b else c`
        "E0125_then",  # `if a then b else c`
        "E0201_none_in_type",  # never written
        "E0202_size_twice",  # it stands without `?`
        "E0203_before_made",  # move its line up
        "E0204_input_by_name",  # inputs come first and without names
        "E0206_block_value_too_many",  # leave out `x`
        "E0206_too_many",  # positions before names
        "E0206_twice",  # the labels show both
        "E0301_in_block",  # the skip path needs a statement
        "E0312_batch_axis",  # never written
    }
)
"""Files whose help describes the remedy and quotes no text to write."""
