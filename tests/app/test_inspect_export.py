"""What is taken along holds the shown tensor's own numbers and needs nothing from outside."""

import base64
import io
import json
import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest

from app import quantities
from app.components import Cell
from app.components.matrix import levels
from app.components.payload import unpack
from app.figures.matrix_svg import matrix_svg, png
from app.inspect_choice import Looked
from app.inspect_export import card_of, csv_text, film_steps, npy, saved_page, svg
from app.inspect_shown import shown_at
from app.standalone import SavedFrame, standalone_page
from app.theme import Scale, colour_table
from paramixer_core.cards import card_markdown, card_rows
from paramixer_core.gallery import Gallery
from tests.house_rules import outside_addresses

GALLERY = Gallery()
LOOKED = Looked(
    GALLERY.run("gallery-temporal_order-chord"),
    GALLERY.run("gallery-temporal_order-attention"),
    0,
    0,
    "operator",
)
SHOWN = shown_at(LOOKED, 2000)
MATRIX = SHOWN.matrices[0].matrix


def test_the_npy_file_is_the_tensor() -> None:
    held = np.load(io.BytesIO(npy(MATRIX)), allow_pickle=False)
    assert held.dtype == np.float32
    assert np.array_equal(held, MATRIX)


def test_the_csv_file_is_the_tensor_to_the_last_bit() -> None:
    held = np.loadtxt(io.StringIO(csv_text(MATRIX)), delimiter=",", dtype=np.float32)
    assert np.array_equal(held, MATRIX)


def decoded(picture: bytes) -> np.ndarray:
    """The pixels of an unfiltered RGB PNG, by its specification."""
    columns, rows = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    start = picture.index(b"IDAT")
    size = int.from_bytes(picture[start - 4 : start], "big")
    lines = np.frombuffer(zlib.decompress(picture[start + 4 : start + 4 + size]), np.uint8)
    lines = lines.reshape(rows, 1 + 3 * columns)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(rows, columns, 3)


def test_a_png_holds_the_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert np.array_equal(decoded(png(pixels)), pixels)


def test_the_svg_shows_every_entry_in_its_colour() -> None:
    text = svg(SHOWN.matrices[0])
    root = ElementTree.fromstring(text)
    images = [node for node in root.iter() if node.tag.endswith("image")]
    content = images[0].attrib["href"].removeprefix("data:image/png;base64,")
    table = colour_table(Scale.SIGNED, dark=False)
    expected = table[levels(MATRIX, SHOWN.matrices[0].limit, Scale.SIGNED)]
    assert np.array_equal(decoded(base64.b64decode(content)), expected)
    assert outside_addresses(text) == []
    assert SHOWN.matrices[0].title in text


def test_a_title_can_not_break_the_svg() -> None:
    text = matrix_svg(
        np.full((2, 3), 255, np.uint8),
        colour_table(Scale.SIGNED, dark=False),
        title="</text><script>",
        row_label="a & b",
        column_label='"',
        ends=("<", "0", ">"),
    )
    ElementTree.fromstring(text)
    assert "<script" not in text


def blobs(page: str) -> dict:
    found = re.search(r'<script id="saved" type="application/json">(.*?)</script>', page, re.S)
    return json.loads(found[1])


def opened(blob: str) -> tuple[dict, dict]:
    return unpack(zlib.decompress(base64.b64decode(blob)))


def test_the_saved_page_holds_both_matrices_and_the_tokens_of_every_step() -> None:
    page = saved_page(LOOKED, [100, 2000], Cell(3, 4))
    saved = blobs(page)
    assert saved["views"] == ["tokens", "matrix", "matrix"]
    for frame, step in zip(saved["frames"], (100, 2000), strict=True):
        shown = shown_at(LOOKED, step)
        for blob, one in zip(frame["payloads"][1:], shown.matrices, strict=True):
            header, arrays = opened(blob)
            assert header["kind"] == "values"
            assert np.array_equal(arrays["values"].reshape(one.matrix.shape), one.matrix)
        header, _ = opened(frame["payloads"][0])
        assert tuple(header["labels"]) == shown.form.labels
    assert opened(saved["feeds"]["mixing"])[0]["selection"] == [3, 4]


def test_the_saved_page_loads_nothing() -> None:
    page = saved_page(LOOKED, [2000], Cell(3, 4))
    assert outside_addresses(page) == []
    assert "default-src 'none'" in page
    assert not re.search(r"<(link|img|iframe|script[^>]+src)", page)


def test_a_text_can_not_break_out_of_the_saved_page() -> None:
    hostile = "</script><script>alert(1)</script>"
    page = standalone_page(hostile, [], [SavedFrame(hostile, [])], {}, {hostile: hostile}, hostile)
    assert "<script>alert" not in page
    assert blobs(page)["frames"][0]["label"] == hostile


def test_all_steps_are_saved_as_long_as_they_fit() -> None:
    steps = [snapshot.step for snapshot in GALLERY.snapshots(LOOKED.run.id)]
    assert film_steps(LOOKED) == steps


def test_the_card_says_seed_versions_and_figures() -> None:
    card = card_of(LOOKED)
    tests = GALLERY.evaluations(LOOKED.run.id)
    rows = card_rows(card)
    assert rows["configuration.seed"] == 0
    assert rows["test.accuracy"] == tests.accuracy[-1]
    assert rows["made_with.torch"] == GALLERY.card(LOOKED.run.id)["versions"]["torch"]
    assert json.loads(json.dumps(card)) == card
    assert f"| test.accuracy | {tests.accuracy[-1]} |" in card_markdown(card)


@pytest.mark.parametrize("count", [1, 3])
def test_a_saved_frame_has_one_payload_per_view(count: int) -> None:
    page = standalone_page("t", ["matrix"] * count, [SavedFrame("1", [b"x"] * count)], {}, {}, "")
    assert len(blobs(page)["frames"][0]["payloads"]) == len(blobs(page)["views"]) == count


def test_the_saved_page_has_both_cards_and_names_no_step_but_the_slider_s() -> None:
    film = saved_page(LOOKED, [100, 2000], Cell(3, 4))
    assert LOOKED.rival is not None
    for run in (LOOKED.run, LOOKED.rival):
        assert f"<td>{run.id}</td>" in film
    assert "<td>chord</td><td>attention</td>" in film
    assert "at the training step of the slider" in film
    assert "step 2,000. Saved" not in film
    still = saved_page(LOOKED, [100], Cell(3, 4))
    assert "step 100. Saved" in still


def test_the_ends_of_the_colour_bar_stand_alone_and_its_unit_below_them() -> None:
    root = ElementTree.fromstring(svg(SHOWN.matrices[0]))
    texts = {node.text: node for node in root.iter() if node.tag.endswith("text")}
    most = quantities.numeral(SHOWN.matrices[0].limit)
    ends = [texts[text] for text in (f"−{most}", "0", most)]
    assert float(texts["mixing weight"].attrib["y"]) >= float(ends[0].attrib["y"]) + 14
