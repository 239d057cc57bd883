"""Whether a file holds sequences, weights or a matrix: by its format, then by its name."""

import io
import zipfile
import zlib

from paramixer_core.analysis.matrix_arrays import MARKET, NPY
from paramixer_core.analysis.matrix_pictures import is_picture
from paramixer_core.analysis.matrix_upload import PICTURES
from paramixer_core.uploads.fasta import FASTA_ENDINGS, FASTQ_ENDINGS
from paramixer_core.uploads.formats import NAMES, SIGNATURES
from paramixer_core.uploads.what_was_read import UploadKind

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
BEGINNING = 2**12
WEIGHT_ENDINGS = (".safetensors", ".bin", ".gguf", ".h5", ".keras", ".tflite", *NAMES)
ARRAY_ENDINGS = (".npy", ".npz", ".mtx", ".asc")
NETWORKS = ("a GGUF", "an HDF5", "a TensorFlow", "a Git LFS")


def format_kind(content: bytes, name: str) -> UploadKind | None:
    """What the first bytes or, failing them, the name tell; None for a text that may be a table of
    sequences or of a matrix's numbers."""
    name = name.lower()
    if content.startswith(GZIP):
        return format_kind(first_unpacked(content), name.removesuffix(".gz"))
    if content.startswith(ZIP):
        inside = first_name(content).lower()
        if inside.endswith(".npy"):
            return UploadKind.MATRIX
        if "." in inside and not inside.endswith((".pkl", ".json", ".h5", ".xml")):
            return None if inside.endswith((".csv", ".tsv", ".txt")) else UploadKind.SEQUENCES
        return UploadKind.WEIGHTS
    if content.startswith(NPY) or content[: len(MARKET)].lower() == MARKET or is_picture(content):
        return UploadKind.MATRIX
    if is_network(content):
        return UploadKind.WEIGHTS
    if name.endswith(WEIGHT_ENDINGS):
        return UploadKind.WEIGHTS
    if name.endswith((*ARRAY_ENDINGS, *PICTURES)):
        return UploadKind.MATRIX
    ending = name.rpartition(".")[2]
    start = content.lstrip()[:1]
    if ending in (*FASTA_ENDINGS, *FASTQ_ENDINGS) or start == b">":
        return UploadKind.SEQUENCES
    return None


def is_network(content: bytes) -> bool:
    """Whether the first bytes are those of a format for networks, or of a pickle."""
    length = int.from_bytes(content[:8], "little")
    if content[8:9] == b"{" and 0 < length < 2**40:
        return True
    if content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    return any(
        content[at : at + len(mark)] == mark
        for at, mark, what in SIGNATURES
        if what.startswith(NETWORKS)
    )


def first_unpacked(content: bytes) -> bytes:
    """The beginning of what a gzip file holds; nothing of one that is damaged."""
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(content, BEGINNING)
    except zlib.error:
        return b""


def first_name(content: bytes) -> str:
    """The name of the first file in a zip archive, "" where it is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return ""
    return names[0] if names else ""
