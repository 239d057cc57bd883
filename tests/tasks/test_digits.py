"""Digits: the pixels are scikit-learn's, and no test picture is ever trained on."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import make_task
from paramixer_core.tasks.digits import TEST_SEQUENCES, Digits, digit_sequences

TRAINING_SEQUENCES = 1797 - TEST_SEQUENCES
FIRST_TEST_LABELS = [5, 5, 8, 9, 8, 7, 0, 1, 4, 4, 0, 1]
TEST_LABEL_COUNTS = [43, 57, 53, 44, 45, 37, 50, 44, 37, 40]


def rows(sequences: torch.Tensor) -> list[bytes]:
    """Each picture as bytes, to be compared and counted."""
    return [row.numpy().tobytes() for row in sequences]


def drawn_for_training(seq_len: int) -> tuple[torch.Tensor, torch.Tensor]:
    """So many draws that every training picture is among them."""
    batch = make_task("digits", seq_len).batch(40_000, torch.Generator().manual_seed(1))
    return batch.inputs, batch.targets


def test_the_pixels_are_scikit_learns_in_reading_order_over_sixteen() -> None:
    pictures, labels = load_digits(return_X_y=True)
    pixels, classes = digit_sequences(64)
    ours = sorted(zip(rows(pixels[..., 0]), classes.tolist(), strict=True))
    theirs = torch.from_numpy(pictures / 16).float()
    assert ours == sorted(zip(rows(theirs), labels.tolist(), strict=True))


def test_training_and_test_pictures_share_none_and_leave_out_none() -> None:
    """Two pictures of the data set could be equal; none are, so pictures are told by their ink."""
    task = make_task("digits", 64)
    trained, tested = set(rows(drawn_for_training(64)[0])), set(rows(task.test_set().inputs))
    assert (len(trained), len(tested)) == (TRAINING_SEQUENCES, TEST_SEQUENCES)
    assert trained.isdisjoint(tested)


def test_the_split_is_the_one_it_always_was() -> None:
    """Runs of different days are compared on it: these labels may never change."""
    labels = make_task("digits", 64).test_set().targets
    assert labels[:12].tolist() == FIRST_TEST_LABELS
    assert torch.bincount(labels).tolist() == TEST_LABEL_COUNTS


def test_both_lengths_show_the_same_pictures_in_the_same_order() -> None:
    small, large = make_task("digits", 64).test_set(), make_task("digits", 256).test_set()
    assert torch.equal(small.targets, large.targets)
    pictures = small.inputs.view(-1, 8, 8)
    enlarged = large.inputs.view(-1, 16, 16)
    centres = enlarged.view(-1, 8, 2, 8, 2).mean((2, 4))
    correlation = np.corrcoef(pictures.flatten().numpy(), centres.flatten().numpy())[0, 1]
    assert correlation > 0.95


def test_the_enlargement_is_bilinear() -> None:
    """Written out for one picture: pixel centres at half steps, edges held."""
    picture = make_task("digits", 64).test_set().inputs[0].view(8, 8).double().numpy()
    enlarged = make_task("digits", 256).test_set().inputs[0].view(16, 16).double().numpy()
    places = np.clip((np.arange(16) + 0.5) / 2 - 0.5, 0, 7)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, 7)
    part = places - low
    across = picture[:, low] * (1 - part) + picture[:, high] * part
    expected = across[low] * (1 - part)[:, None] + across[high] * part[:, None]
    np.testing.assert_allclose(enlarged, expected, atol=1e-6)


@pytest.mark.parametrize("seq_len", Digits.seq_lens)
def test_a_batch_gives_each_picture_its_own_label(seq_len: int) -> None:
    pixels, classes = digit_sequences(seq_len)
    label_of = dict(zip(rows(pixels), classes.tolist(), strict=True))
    batch = make_task("digits", seq_len).batch(100, torch.Generator().manual_seed(2))
    assert batch.inputs.shape == (100, seq_len, 1)
    assert [label_of[row] for row in rows(batch.inputs)] == batch.targets.tolist()
    assert batch.inputs.min() >= 0
    assert batch.inputs.max() <= 1


def test_a_seed_fixes_the_batch() -> None:
    task = make_task("digits", 64)
    first, again, other = (
        task.batch(40, torch.Generator().manual_seed(seed)).inputs for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_picture_in_the_docstring_is_in_the_data() -> None:
    lines = [line.split()[:8] for line in (Digits.__doc__ or "").splitlines()]
    drawn = [line for line in lines if len(line) == 8 and all(word.isdigit() for word in line)]
    assert len(drawn) >= 2
    wanted = np.array(drawn, dtype=float)
    label = int((Digits.__doc__ or "").split("target")[1].split()[0])
    pictures, labels = load_digits(return_X_y=True)
    found = (pictures.reshape(-1, 8, 8)[:, : len(wanted)] == wanted).all((1, 2))
    assert label in labels[found]


@pytest.mark.parametrize("seq_len", [63, 65, 100, 128])
def test_a_length_that_is_no_picture_is_refused(seq_len: int) -> None:
    with pytest.raises(ParamixerError) as caught:
        make_task("digits", seq_len)
    assert str(caught.value) == (
        f"Expected N of 64 (8x8 pixels) or 256 (16x16 pixels) for the digits, got {seq_len}: "
        "choose one."
    )
