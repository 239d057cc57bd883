"""A file as its sender meant it: out of gzip or zip, within a limit of size."""

import io
import zipfile
import zlib

from paramixer_core.errors import ParamixerError

CHUNK = 2**16


def unpacked(content: bytes, limit: int) -> tuple[bytes, str]:
    """The content, and a sentence if it was packed ("" otherwise).

    At most `limit` bytes are ever unpacked, so that a file that grows without end costs no more.
    Raises ParamixerError for one that is larger, damaged, or an archive of several files.
    """
    require_size(len(content), limit)
    if content[:2] == b"\x1f\x8b":
        plain = gunzipped(content, limit)
        return plain, f"The file was unpacked from gzip: {len(plain):,} bytes."
    if content[:4] == b"PK\x03\x04":
        return unzipped(content, limit)
    return content, ""


def gunzipped(content: bytes, limit: int) -> bytes:
    """All members of a gzip file, one after the other."""
    parts: list[bytes] = []
    size, rest = 0, content
    while rest[:2] == b"\x1f\x8b":
        engine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        while not engine.eof:
            try:
                part = engine.decompress(rest, CHUNK)
            except zlib.error as error:
                raise damaged("gzip") from error
            size += len(part)
            require_size(size, limit)
            parts.append(part)
            rest = engine.unconsumed_tail
            if not part and not rest and not engine.eof:
                raise damaged("gzip")
        rest = engine.unused_data
    return b"".join(parts)


def unzipped(content: bytes, limit: int) -> tuple[bytes, str]:
    """The only file of a zip archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(files) != 1:
                raise ParamixerError(
                    "a zip archive that holds one file", f"{len(files)} files", "send one of them"
                )
            with archive.open(files[0]) as file:
                plain = file.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise damaged("zip") from error
    require_size(len(plain), limit)
    return plain, f"The file was unpacked from a zip archive: {len(plain):,} bytes."


def require_size(size: int, limit: int) -> None:
    """Raise ParamixerError for too many bytes."""
    if size > limit:
        raise ParamixerError(
            f"a file of at most {limit // 2**20} MiB, unpacked",
            f"{size / 2**20:.1f} MiB or more",
            "send a part of it",
        )


def damaged(form: str) -> ParamixerError:
    """The sentence for an archive that cannot be read."""
    return ParamixerError(f"a whole {form} file", "a damaged one", "pack it again or send it plain")
