"""Damaged, huge, mislabelled and hostile versions of a file, repeatable from a seed."""

import io
import json
import random
import zipfile
from collections.abc import Callable

from paramixer_core.errors import ParamixerError

Mutation = Callable[[random.Random, bytes], bytes]


def truncated(dice: random.Random, whole: bytes) -> bytes:
    return whole[: dice.randrange(len(whole))]


def flipped(dice: random.Random, whole: bytes) -> bytes:
    out = bytearray(whole)
    for _ in range(dice.randint(1, 40)):
        out[dice.randrange(len(out))] = dice.randrange(256)
    return bytes(out)


def noise(dice: random.Random, whole: bytes) -> bytes:
    return dice.randbytes(dice.choice([0, 1, 7, 8, 9, 100, 4000]))


def spliced(dice: random.Random, whole: bytes) -> bytes:
    at = dice.randrange(len(whole))
    return whole[:at] + dice.randbytes(dice.randint(1, 300)) + whole[at:]


def pickled(dice: random.Random, whole: bytes) -> bytes:
    return b"\x80\x04cos\nsystem\n(S'echo harm'\ntR." + whole[: dice.randrange(64)]


def zipped(dice: random.Random, whole: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil", bytes(dice.randint(1, 200_000)))
    return file.getvalue()


EVERY_FILE: list[Mutation] = [truncated, flipped, noise, spliced, pickled, zipped]


def with_header(whole: bytes, change: Callable[[dict[str, dict]], object]) -> bytes:
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    changed = change(header)
    text = json.dumps(header if changed is None else changed).encode()
    return len(text).to_bytes(8, "little") + text + whole[8 + length :]


def wrong_field(dice: random.Random, whole: bytes) -> bytes:
    """One tensor's dtype, shape or place is another."""
    values = [-1, 0, 1, 2**31, 2**63, 1.5, None, "F32", "I8", [], [2**40, 2**40], [0, 8], {}, True]
    values += ["BOOL", "F8_E4M3", "BF16", "F4_OF_TOMORROW", "", [1] * 9, [1] * 94_000, [2**25] * 8]

    def change(header: dict[str, dict]) -> None:
        name = dice.choice([name for name in header if name != "__metadata__"])
        field = dice.choice(["dtype", "shape", "data_offsets"])
        if dice.random() < 0.2:
            del header[name][field]
        elif field == "dtype" or dice.random() < 0.5:
            header[name][field] = dice.choice(values)
        else:
            header[name][field][dice.randrange(len(header[name][field]))] = dice.choice(values)

    return with_header(whole, change)


def wrong_name(dice: random.Random, whole: bytes) -> bytes:
    """A tensor is missing, or has a name that is a path or belongs to another place."""
    names = ["../../../etc/passwd", "", "blocks.0.", "blocks.99.value_mlp.0.weight", "é\0"]
    names += ["blocks.-1.link_mlps.0.0.weight", "head.weight", "attention.0.fs.0.network.0.weight"]

    def change(header: dict[str, dict]) -> None:
        name = dice.choice(list(header))
        entry = header.pop(name)
        if dice.random() < 0.7:
            header[dice.choice(names)] = entry

    return with_header(whole, change)


def other_header(dice: random.Random, whole: bytes) -> bytes:
    others = [[], 7, "text", {}, {"a": 1}, {"a": []}, {"__metadata__": 3}, None]
    other = dice.choice(others)
    text = json.dumps(other).encode()
    return len(text).to_bytes(8, "little") + text + whole[-64:]


def deep_header(dice: random.Random, whole: bytes) -> bytes:
    text = b'{"a":' + b"[" * dice.choice([100, 5_000, 100_000])
    return len(text).to_bytes(8, "little") + text


def huge_header(dice: random.Random, whole: bytes) -> bytes:
    return dice.choice([2**20 + 1, 2**40, 2**64 - 1]).to_bytes(8, "little") + whole[8:]


def bad_numbers(dice: random.Random, whole: bytes) -> bytes:
    """NaN or infinity among the weights."""
    length = int.from_bytes(whole[:8], "little")
    out = bytearray(whole)
    at = 8 + length + 4 * dice.randrange((len(whole) - 8 - length) // 4)
    out[at : at + 4] = dice.choice([b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\0\0\x80\xff"])
    return bytes(out)


def wrong_claim(dice: random.Random, whole: bytes) -> bytes:
    """The file says about itself what is not so, or nothing that can be read."""
    values = [-1, 0, 3, 2**17, 10**30, 1e999, float("nan"), None, "chord", "none", [], {}, True]
    fields = ["task", "seq_len", "mixer", "channels", "hidden", "blocks", "heads", "residual"]
    fields += ["wiring", "pooling", "num_factors", "device", "steps", "learning_rate", "surprise"]

    def change(header: dict[str, dict]) -> None:
        text = header.get("__metadata__", {}).get("config", "{}")
        config = json.loads(text)
        for _ in range(dice.randint(1, 3)):
            config[dice.choice(fields)] = dice.choice(values)
        text = json.dumps(config)
        if dice.random() < 0.3:
            text = dice.choice([text[:-1], "[" * 50_000, "7", "", '{"a":' * 30_000, "null"])
        header["__metadata__"] = {"config": text, "step": str(dice.choice(values))}

    return with_header(whole, change)


def extra_tensor(dice: random.Random, whole: bytes) -> bytes:
    """One more tensor, of any dtype, behind the others; some take the name of a weight."""
    names = ["mask", "blocks.0.link_mlps.99.0.weight", "embedding.class_token.weight", "head.bias"]
    names += ["module.head.bias", "ema.embedding.tokens.weight", "blocks.15.value_mlp.0.weight"]
    length = int.from_bytes(whole[:8], "little")
    size = len(whole) - 8 - length
    data = dice.randbytes(dice.choice([0, 1, 4, 24]))

    def change(header: dict[str, dict]) -> None:
        entry = {"dtype": dice.choice(["BOOL", "U8", "F8_E5M2", "NEW"]), "shape": [len(data)]}
        header[dice.choice(names)] = entry | {"data_offsets": [size, size + len(data)]}

    return with_header(whole, change) + data


WEIGHT_FILES = [
    *EVERY_FILE,
    *(wrong_field, wrong_name, other_header, deep_header, huge_header, bad_numbers),
    *(wrong_claim, extra_tensor),
]


def mixed_encoding(dice: random.Random, whole: bytes) -> bytes:
    text = whole.decode()
    half = len(text) // 2
    first, second = dice.sample(["latin-1", "utf-16", "utf-8", "cp1252", "utf-7"], 2)
    return (text[:half] + "é").encode(first) + ("ü" + text[half:]).encode(second)


def long_line(dice: random.Random, whole: bytes) -> bytes:
    return whole + b"x " + b"A" * dice.choice([2**20 - 5, 2**20 + 5, 2 * 2**20])


def strange_fields(dice: random.Random, whole: bytes) -> bytes:
    pieces = [b'"', b'"""', b",", b"\t", b"\r", b"\n", b"\0", b">", b"> \n", b";", b"nan", b"1e999"]
    pieces += ["\u202e\u2028é😀".encode(), b"=cmd|' /C calc'!A0", b"../../x", b" " * 300]
    out = whole
    for _ in range(dice.randint(1, 12)):
        at = dice.randrange(len(out))
        out = out[:at] + dice.choice(pieces) + out[at:]
    return out


def many_columns(dice: random.Random, whole: bytes) -> bytes:
    return whole + b"," * dice.choice([3, 4_095, 4_097, 20_000]) + b"\n"


SEQUENCE_FILES = [*EVERY_FILE, mixed_encoding, long_line, strange_fields, many_columns]


def sentence_of(act: Callable[[], object]) -> str:
    """What a refusal says; nothing if there was none. Anything but a refusal is raised."""
    try:
        act()
    except ParamixerError as error:
        return str(error)
    return ""


def is_sentence(text: str) -> bool:
    return len(text) < 700 and "\n" not in text
