"""Faults that other libraries had, each with the tests that hold it off here; a test sees to it that they exist."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

HELD: dict[str, tuple[str, ...]] = {
    "batch normalization with one value per channel is a clear error, never NaN": (
        "layers/test_normalization.py::test_one_value_per_channel_is_an_error_and_never_nan",
        "layers/test_normalization.py::test_a_last_batch_of_one_row_is_refused_before_the_first_step",
    ),
    "statistics are untouched in evaluation, and where they are frozen": (
        "layers/test_normalization.py::test_statistics_move_in_training_only",
        "peers/test_catalogue.py::test_running_statistics_of_batchnorm",
        "optim/test_layer_settings.py::test_frozen_parts_work_as_in_evaluation",
    ),
    "dropout 0 is the identity, 1 gives zeros; evaluation is the identity; the training mean is kept": (
        "layers/test_regularization.py::test_dropout_0_is_the_identity_and_1_gives_zeros",
        "layers/test_regularization.py::test_dropout_is_the_identity_in_evaluation",
        "layers/test_regularization.py::test_dropout_keeps_the_mean",
    ),
    "softmax and cross-entropy at logits of +-1e4: finite loss and gradient": (
        "layers/test_regressions.py::test_labels_far_on_the_wrong_side",
        "layers/test_regressions.py::test_activations_are_finite_far_out",
        "layers/test_class_losses.py::test_logits_far_out_of_labels",
        "ops/test_edges.py::test_far_out_values_and_derivatives_are_finite",
    ),
    "a label out of range or 1.5 is refused; whole floats, uint8 and int32 are taken": (
        "executor/test_inputs.py::test_labels_of_any_type",
        "executor/test_inputs.py::test_labels_that_are_none",
        "executor/test_inputs.py::test_a_negative_label_of_an_input",
        "data/test_arrays.py::test_labels_out_of_range",
        "cli/test_bad_input.py::test_a_label_too_many",
    ),
    "labels are taken and refused on the GPU as on the CPU": (
        "executor/test_over_cupy.py::test_labels_of_any_type_are_taken_as_on_the_cpu",
        "executor/test_over_cupy.py::test_labels_that_are_none_are_refused_as_on_the_cpu",
    ),
    "a target (n,) against an output (n, 1) is refused, never broadcast": (
        "executor/test_inputs.py::test_a_target_of_n_against_an_output_of_n_by_1",
        "executor/test_inputs.py::test_labels_are_not_broadcast",
        "layers/test_regressions.py::test_losses_refuse_other_shapes",
        "layers/test_regressions.py::test_metrics_refuse_other_shapes",
    ),
    "the last, smaller batch weighs by its size": (
        "training/test_loop.py::test_the_loss_of_an_epoch_is_the_mean_over_rows",
        "executor/test_evaluation.py::test_the_loss_is_the_mean_over_rows_whatever_their_number",
        "executor/test_evaluation.py::test_padding_is_no_row",
        "peers/test_metrics.py::test_beside_the_peer",
        "optim/test_update.py::test_several_batches_are_one_large_one",
    ),
    "the form of Adam's epsilon at gradients of 1e-8": (
        "optim/test_properties.py::test_where_adams_epsilon_stands",
        "peers/test_optimizers.py::test_beside_the_peer",
    ),
    "weight decay leaves biases alone; AdamW is not Adam with a penalty": (
        "optim/test_properties.py::test_decay_shrinks_weights_and_leaves_biases_alone",
        "optim/test_properties.py::test_adamw_is_not_adam_with_a_penalty",
        "layers/test_normalization.py::test_gains_and_biases_do_not_decay",
    ),
    "the schedule is no step off after a resume": (
        "peers/test_schedules.py::test_a_resume_is_no_step_off",
        "training/test_rates.py::test_a_resume_goes_on_bit_for_bit",
    ),
    "an empty data set, one row, NaN in the data, a column of text: a clear message": (
        "data/test_bad_input.py::test_no_rows",
        "cli/test_bad_input.py::test_no_rows",
        "training/test_loop.py::test_one_row_and_a_batch_larger_than_the_data",
        "layers/test_regressions.py::test_one_row_one_unit",
        "data/test_bad_cells.py::test_cells",
        "data/test_bad_cells.py::test_a_column_of_text",
    ),
    "a divergence is told, and leaves files that can be used": (
        "training/test_loop.py::test_divergence_names_the_step",
        "training/test_folder.py::test_a_divergence_leaves_the_last_good_state",
        "training/test_refusals.py::test_a_last_step_that_diverges_is_not_saved",
    ),
    "memory is flat over 50 epochs": ("layers/test_regressions.py::test_memory_is_flat_over_fifty_epochs",),
    "denormals, zeros and inf in inputs": (
        "executor/test_inputs.py::test_denormal_and_extreme_numbers_are_taken",
        "executor/test_inputs.py::test_what_is_no_number_of_the_type",
        "layers/test_edges.py::test_zeros_denormals_and_pictures_of_one_colour",
        "layers/test_regressions.py::test_zeros_everywhere_stay_finite",
        "optim/test_properties.py::test_every_optimizer_stays_finite",
    ),
    "two runs with one seed are the same bytes": (
        "layers/test_regressions.py::test_two_runs_are_the_same_bytes",
        "training/test_resume.py::test_equal_runs_are_equal_files",
        "cli/test_verbs.py::test_two_processes_with_one_seed_save_the_same_bytes",
    ),
}


@pytest.mark.parametrize("fault", HELD)
def test_what_holds_it_off_exists(fault: str) -> None:
    for place in HELD[fault]:
        file, _, name = place.partition("::")
        tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, place
