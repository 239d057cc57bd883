"""Files of weights: other formats are named, unused tensors never matter."""

import io
import json
import random
import zipfile

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.recognise import read_weights_file
from paramixer_core.uploads.weights import MAX_BYTES, read_file
from tests.small_runs import SMALL
from tests.uploads.mutations import WEIGHT_FILES, is_sentence, sentence_of
from tests.uploads.weight_files import (
    DTYPES,
    authors_weights,
    exported,
    packed,
    weights_of,
    with_header,
    with_tensor,
)

REPEATS = 20  # of each mutation; 10,000 files in all were tried once


def torch_zip() -> bytes:
    file = io.BytesIO()
    torch.save({"head.weight": torch.zeros(2, 2)}, file)
    return file.getvalue()


def torch_legacy() -> bytes:
    file = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"x" * 40)
    return file.getvalue()


OTHER_FILES = {
    "torch-zip": (torch_zip(), "a.pt", "a PyTorch file"),
    "torch-legacy": (torch_legacy(), "a.pt", "an old PyTorch file, a pickle"),
    "pickle": (b"\x80\x04cos\nsystem\n(S'echo harm'\ntR.", "a.pkl", "a pickle"),
    "old-pickle": (b"cos\nsystem\n(S'echo harm'\ntR.", "a.pkl", "a pickle"),
    "npz": (zipped("arr_0.npy"), "a.npz", "a NumPy archive"),
    "zip": (zipped("readme.txt"), "a.zip", "a zip archive"),
    "keras": (zipped("metadata.json"), "a.keras", "a Keras file"),
    "npy": (b"\x93NUMPY\x01\x00" + bytes(80), "a.npy", "a NumPy array"),
    "gguf": (b"GGUF\x03\0\0\0" + bytes(40), "a.gguf", "a GGUF file"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(40), "a.h5", "an HDF5 file"),
    "onnx": (b"\x08\x07\x12\x07pytorch" + bytes(40), "model", "an ONNX model"),
    "onnx-by-name": (b"\x08\x08\x12\x04else" + bytes(40), "a.onnx", "an ONNX model"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid x", "a.safetensors", "a Git LFS"),
    "html": (b"<!DOCTYPE html><html></html>", "a.safetensors", "a web page"),
    "gzip": (b"\x1f\x8b\x08" + bytes(30), "a.gz", "a gzip archive"),
    "empty": (b"", "a.safetensors", "an empty file"),
    "noise": (b"\x01\x02\x03", "a.safetensors", "another kind of file"),
}


@pytest.mark.parametrize(("content", "name", "said"), OTHER_FILES.values(), ids=OTHER_FILES)
def test_another_kind_of_file_is_named_and_never_opened(
    content: bytes, name: str, said: str
) -> None:
    with pytest.raises(ParamixerError, match=f"Expected a safetensors file, got {said}") as caught:
        read_weights_file(content, name)
    assert is_sentence(str(caught.value))


@pytest.mark.parametrize("low", [0x80, 0x50, 0x4B])
def test_a_header_length_is_not_taken_for_another_format(low: int) -> None:
    content = exported(SMALL)
    length = int.from_bytes(content[:8], "little")
    padded = length + (low - length) % 256
    text = content[8 : 8 + length].ljust(padded)
    found = read_weights_file(padded.to_bytes(8, "little") + text + content[8 + length :])
    assert len(text) % 256 == low
    assert found.config == SMALL


@pytest.mark.parametrize("dtype", DTYPES)
def test_floating_weights_of_any_width_become_float32(dtype: str) -> None:
    weights = {name: held.to(DTYPES[dtype]) for name, held in weights_of(SMALL).items()}
    found = read_weights_file(packed(weights))
    for name, held in weights.items():
        assert found.state[f"network.{name}"].dtype == torch.float32
        assert torch.equal(found.state[f"network.{name}"], held.float())
    assert (f"Read from {dtype} into float32." in found.notes) == (dtype != "F32")


UNUSED = {
    "bool": ("BOOL", [3], b"\1\0\1"),
    "bytes": ("U8", [5], bytes(5)),
    "float8": ("F8_E4M3", [4], b"\x7f" * 4),
    "unknown": ("F4_OF_TOMORROW", [9], bytes(5)),
    "nan": ("F32", [1], b"\0\0\xc0\x7f"),
    "scalar": ("I64", [], bytes(8)),
    "nothing": ("F32", [0, 7], b""),
}


@pytest.mark.parametrize(("dtype", "shape", "data"), UNUSED.values(), ids=UNUSED)
def test_a_tensor_that_the_network_does_not_read_blocks_nothing(
    dtype: str, shape: list[int], data: bytes
) -> None:
    for name in ("causal_mask", "blocks.0.norm.num_batches_tracked"):
        found = read_weights_file(with_tensor(exported(SMALL), name, dtype, shape, data))
        assert (found.unused, found.certain) == ([name], True)


def test_numbers_that_are_not_finite_are_read_and_said() -> None:
    weights = weights_of(SMALL)
    weights["head.bias"][0] = torch.nan
    weights["head.weight"][0, :2] = torch.inf
    found = read_weights_file(packed(weights))
    (warning,) = found.warnings
    assert "3 weights are not a number or infinite" in warning
    assert "head.bias" in warning
    assert found.state["network.head.bias"].isnan().all()


def test_weights_that_are_read_have_to_be_floating() -> None:
    weights = weights_of(SMALL) | {"head.bias": torch.zeros(1, dtype=torch.int8)}
    with pytest.raises(
        ParamixerError, match=r"of dtype F64, F32, F16, BF16, got I8 for head\.bias"
    ):
        read_weights_file(packed(weights))


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        pytest.param([1] * 94_000, "at most 8 dimensions, got 94,000", id="dimensions"),
        pytest.param([2**25] * 8, "fill their places", id="product"),
        pytest.param([2**31], "whole numbers as shape", id="side"),
        pytest.param([1.0], "whole numbers as shape", id="float"),
        pytest.param([True], "whole numbers as shape", id="bool"),
        pytest.param("1", "a dtype and a shape", id="text"),
    ],
)
def test_a_shape_out_of_bounds_is_refused_before_anything_is_multiplied(
    shape: object, said: str
) -> None:
    content = packed({"head.bias": torch.zeros(1)})
    header = {"head.bias": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}
    with pytest.raises(ParamixerError, match=said):
        read_file(with_header(content, header))


@pytest.mark.parametrize(
    "places", [[[0, 4], [0, 4]], [[4, 8], [0, 4]], [[0, 4], [8, 12]], [[0, 4], [4, 4]]], ids=str
)
def test_tensors_lie_one_behind_the_other(places: list[list[int]]) -> None:
    content = packed({"a": torch.zeros(2)})
    header = {
        name: {"dtype": "F32", "shape": [1], "data_offsets": place}
        for name, place in zip("ab", places, strict=True)
    }
    if places == [[4, 8], [0, 4]]:
        assert set(read_file(with_header(content, header)).entries) == {"a", "b"}
    else:
        with pytest.raises(ParamixerError, match=r"fill their places|whole safetensors"):
            read_file(with_header(content, header))


def test_a_file_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(ParamixerError, match="at most 50 MiB"):
        read_weights_file(bytes(MAX_BYTES + 1))


def test_a_file_that_was_cut_off_says_so() -> None:
    content = exported(SMALL)
    with pytest.raises(ParamixerError, match="one cut off after 100 bytes"):
        read_weights_file(content[:100])
    with pytest.raises(ParamixerError, match="a whole safetensors file with"):
        read_weights_file(content[:-1])


def sources() -> dict[str, bytes]:
    pooled = authors_weights(pooled=True)
    return {
        "ours": save({name: held.contiguous() for name, held in weights_of(SMALL).items()}),
        "exported": exported(SMALL, step="3", accuracy="0.5"),
        "authors": packed(authors_weights(5, adding=True)),
        "pooled": packed(pooled),
    }


@pytest.mark.parametrize("mutate", WEIGHT_FILES, ids=lambda mutate: mutate.__name__)
@pytest.mark.parametrize("source", ["ours", "exported", "authors", "pooled"])
def test_a_mutated_file_is_read_or_gets_one_sentence(mutate, source: str) -> None:
    whole = sources()[source]
    dice = random.Random(f"{mutate.__name__}{source}")
    for _ in range(REPEATS):
        content = mutate(dice, whole)
        assert is_sentence(sentence_of(lambda content=content: read_weights_file(content)))


def header_of(content: bytes) -> dict[str, dict]:
    length = int.from_bytes(content[:8], "little")
    header: dict[str, dict] = json.loads(content[8 : 8 + length])
    return header


def test_the_test_files_are_what_they_claim() -> None:
    held: dict[str, Tensor] = weights_of(SMALL)
    assert set(header_of(packed(held))) == set(held)
    assert "config" in header_of(exported(SMALL))["__metadata__"]
