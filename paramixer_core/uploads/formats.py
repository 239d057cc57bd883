"""Which kind of file it is, if not safetensors: told by its first bytes, never opened."""

from paramixer_core.errors import ParamixerError

REMEDY = "save the weights with safetensors.torch.save_file and upload that file"
MAX_HEADER_BYTES = 2**20

SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GGUF", "a GGUF file (llama.cpp)"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes"),
    (0, b"\x93NUMPY", "a NumPy array (.npy)"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (0, b"MATLAB 5.0", "a MATLAB file"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstandard archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"%PDF", "a PDF"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (
        0,
        b"version https://git-lfs",
        "a Git LFS pointer, which only names the file with the weights",
    ),
)
"""Where in the file, which bytes, and what the file is then."""

NAMES = {
    ".onnx": "an ONNX model",
    ".pb": "a TensorFlow graph",
    ".msgpack": "a Flax file (msgpack)",
    ".pkl": "a pickle, which could run code when opened",
    ".pickle": "a pickle, which could run code when opened",
    ".pt": "a PyTorch file (a pickle, which could run code when opened), or a damaged one",
    ".pth": "a PyTorch file (a pickle, which could run code when opened), or a damaged one",
    ".ckpt": "a checkpoint (a pickle, which could run code when opened), or a damaged one",
}
"""What the name says of files whose first bytes say nothing."""


def header_length(content: bytes, name: str = "") -> int:
    """Bytes of the safetensors header. Raises ParamixerError for any other kind of file, by name.

    A safetensors file is a length (8 bytes, little-endian), then a JSON object of that length;
    the object's first byte decides, so that no length is taken for another format's first bytes.
    """
    if content[8:9] != b"{":
        raise ParamixerError("a safetensors file", what_else(content, name), REMEDY)
    length = int.from_bytes(content[:8], "little")
    if length > MAX_HEADER_BYTES:
        raise ParamixerError(
            f"a safetensors header of at most {MAX_HEADER_BYTES // 2**20} MiB",
            f"{length:,} bytes" if length < 2**40 else "a length that no file has",
            REMEDY,
        )
    if 8 + length > len(content):
        raise ParamixerError(
            "a whole safetensors file", f"one cut off after {len(content):,} bytes", "send it again"
        )
    return length


def what_else(content: bytes, name: str = "") -> str:
    """What the file is, in a few words."""
    if not content:
        return "an empty file"
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return zip_kind(content)
    # A pickle of protocol 2 or later: its mark, its protocol, then an operation and no length.
    if content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        kind = (
            "an old PyTorch file, a pickle"
            if b"\x8a\nl\xfc\x9cF\xf9" in content[:16]
            else "a pickle"
        )
        return f"{kind}, which could run code when opened and is never opened here"
    for at, bytes_, kind in SIGNATURES:
        if content[at : at + len(bytes_)] == bytes_:
            return kind
    for ending, kind in NAMES.items():
        if name.lower().endswith(ending):
            return kind
    if content[:1] == b"\x08" and (b"pytorch" in content[:64] or b"onnx" in content[:256]):
        return "an ONNX model"
    start = content.lstrip()[:1]
    if start in (b"<", b"{", b"["):
        return "a web page" if start == b"<" else "JSON text"
    return "another kind of file, or a part of one"


def zip_kind(content: bytes) -> str:
    """What a zip archive holds, by the name of its first file."""
    first = content[30 : 30 + int.from_bytes(content[26:28], "little")]
    if first.endswith(b"data.pkl"):
        return "a PyTorch file (a zip with a pickle in it), which is never opened here"
    if first.endswith(b".npy"):
        return "a NumPy archive (.npz)"
    if first.endswith((b"config.json", b"metadata.json", b".h5")):
        return "a Keras file (a zip)"
    if first.endswith(b"[Content_Types].xml"):
        return "an Office document"
    return "a zip archive, which is never opened here"
