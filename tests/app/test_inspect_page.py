"""Inspect shows the gallery's tensors at first paint, on any store, and says what it lacks."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import history, inspect_choice, inspect_compute, inspect_ranks, tokens
from app.components import Cell
from app.inspect_choice import Looked
from app.inspect_shown import shown_at
from app.linked import KEPT
from paramixer_core.analysis.lens import Lens
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.gallery import RECIPES, Gallery
from paramixer_core.inspection import inspect_probe
from paramixer_core.protocols import Protocol
from paramixer_core.runs import RunStore

CHORD, RIVAL = "gallery-temporal_order-chord", "gallery-temporal_order-attention"
GALLERY = Gallery()


def open_page(**query: str) -> AppTest:
    page = AppTest.from_string("from app.navigation import run_app\nrun_app('inspect.py')")
    page.default_timeout = 90
    for key, value in query.items():
        page.query_params[key] = value
    return page.run()


def in_link(page: AppTest, key: str) -> str:
    value = page.query_params[key]
    return value if isinstance(value, str) else value[-1]


def looked(**changes: object) -> Looked:
    given = {"run": GALLERY.run(CHORD), "rival": GALLERY.run(RIVAL), "example": 0, "block": 0}
    return Looked(**(given | {"kind": "operator"} | changes))


@pytest.mark.parametrize("panel", ["time", "factors", "signs", "averages", "masking", "export"])
def test_every_panel_opens_on_a_gallery_run(panel: str) -> None:
    page = open_page(run=CHORD, panel=panel, step="2000")
    assert not page.exception
    assert not page.error
    assert in_link(page, "rival") == RIVAL
    assert "Target **YY**, answer **YY**" in " ".join(text.value for text in page.markdown)


@pytest.mark.parametrize("panel", ["time", "factors", "averages", "masking"])
def test_a_step_without_weights_is_shown_from_its_probe(panel: str) -> None:
    page = open_page(run=CHORD, panel=panel, step="10")
    assert not page.exception
    assert not page.error
    said = any("gallery keeps it of the last step" in info.value for info in page.info)
    assert said == (panel in ("averages", "masking"))


def test_the_first_visit_shows_a_trained_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunStore, "runs", lambda store, **_: [])
    page = open_page()
    assert not page.exception
    assert in_link(page, "run") == history.FIRST_SHOWN
    assert in_link(page, "step") == "2000"


def test_an_example_without_early_steps_offers_the_last_alone() -> None:
    page = open_page(run=CHORD, example="77", step="10")
    assert not page.exception
    assert in_link(page, "step") == "2000"
    assert any("example 0 can be scrubbed" in caption.value for caption in page.caption)


def test_a_store_that_can_not_be_opened_leaves_the_gallery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("PARAMIXER_HOME", str(tmp_path / "file" / "home"))
    from app import engine

    engine.opened.cache_clear()
    page = open_page(run=CHORD)
    engine.opened.cache_clear()
    assert not page.exception
    (warning,) = page.warning
    assert "Only the gallery can be shown" in warning.value


@pytest.mark.parametrize("run_id", RECIPES)
def test_the_shown_matrices_are_the_stored_ones(run_id: str) -> None:
    run = GALLERY.run(run_id)
    for step in (0, run.step):
        expected = inspect_probe(run.config, GALLERY.probe(run_id, step)).blocks[0]
        for kind in ("operator", "product"):
            shown = shown_at(looked(run=run, rival=None, kind=kind), step).matrices[0]
            assert np.array_equal(shown.matrix, getattr(expected, kind)[0].numpy())


def test_a_wiring_of_ones_own_is_shown_by_its_name() -> None:
    wiring = Wiring.of_protocol(Protocol.CHORD, 128).renamed("Knitted")
    config = GALLERY.run(CHORD).config.replace(mixer="wiring", wiring=wiring.as_text())
    run = dataclasses.replace(GALLERY.run(CHORD), id="own", config=config)
    assert looked(run=run).title == "Knitted"
    assert history.describe(run).startswith("Knitted · ")
    nameless = dataclasses.replace(run, config=config.replace(wiring=wiring.renamed("").as_text()))
    assert looked(run=nameless).title == "Paramixer, your wiring"


def test_the_rival_is_shown_at_the_nearest_snapshot_with_its_step() -> None:
    adding = {"run": GALLERY.run("gallery-adding-chord")}
    rival = GALLERY.run(RIVAL)
    _, beside = shown_at(looked(**adding, rival=rival), 3000).matrices
    expected = inspect_probe(rival.config, GALLERY.probe(RIVAL, 2000)).blocks[0].operator[0]
    assert np.array_equal(beside.matrix, expected.numpy())
    assert beside.title.endswith("(step 2,000)")


@pytest.mark.parametrize("kind", ["operator", "product"])
def test_one_colour_scale_holds_for_all_steps_unless_each_is_fitted(kind: str) -> None:
    steps = history.steps_with(GALLERY.run(CHORD))
    film = [shown_at(looked(kind=kind), step).matrices for step in (0, 100, 2000)]
    entries = [inspect_compute.matrix_of(GALLERY.run(CHORD), s, 0, 0, kind) for s in steps]
    top = np.quantile(np.abs(entries), 0.99)
    assert [frame[0].limit for frame in film] == [pytest.approx(top)] * 3
    assert len({frame[1].limit for frame in film}) == 1
    assert "at every step" in film[0][0].caption
    fitted = [shown_at(looked(kind=kind, one_scale=False), step).matrices[0] for step in (0, 100)]
    sizes = [np.abs(one.matrix) for one in fitted]
    assert [one.limit for one in fitted] == [pytest.approx(np.quantile(s, 0.99)) for s in sizes]
    assert all("fitted to this step" in one.caption for one in fitted)


def test_a_long_film_is_fitted_to_a_part_of_its_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = inspect_compute.film_limit(CHORD, 0, 0, "operator")
    inspect_compute.film_limit.clear()
    monkeypatch.setattr(inspect_compute, "FILM_ENTRIES", 4096)
    assert inspect_compute.film_limit(CHORD, 0, 0, "operator") == pytest.approx(whole, rel=0.1)
    inspect_compute.film_limit.clear()


def test_the_factors_and_their_product_are_the_stored_ones() -> None:
    expected = inspect_probe(GALLERY.run(CHORD).config, GALLERY.probe(CHORD, 100)).blocks[0]
    shown = history.factor(CHORD, 100, 0, 0, 7, True)
    assert np.array_equal(shown.factor, expected.factors[6, 0].numpy())
    assert np.array_equal(shown.product, expected.operator[0].numpy())


def test_the_rank_figures_are_those_of_the_stored_spectrum() -> None:
    values = GALLERY.probe(CHORD, 50)["block.0.spectrum.product"]
    shares = values / values.sum()
    rank = inspect_ranks.rank_at(CHORD, 50, 0, 0, "product")
    assert rank.effective_rank == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    assert rank.stable_rank == pytest.approx((values**2).sum() / values[0] ** 2)
    curves = inspect_ranks.ranks_over(CHORD, 0, 0, "product")
    assert curves.stable[list(curves.steps).index(50)] == rank.stable_rank


def test_the_lens_and_the_row_sums_are_of_the_shown_matrix() -> None:
    matrix = shown_at(looked(), 2000).matrices[0].matrix
    signs = inspect_compute.signs(GALLERY.run(CHORD), 2000, looked(), Lens.NEGATIVE)
    assert np.array_equal(signs.shown, np.minimum(matrix, 0))
    np.testing.assert_allclose(signs.row_sums, np.sort(matrix.sum(1)))
    bare = inspect_compute.signs(GALLERY.run(RIVAL), 2000, looked(kind="product"), Lens.SIGNED)
    np.testing.assert_allclose(bare.row_sums, 1, rtol=1e-5)


def test_masking_finds_the_two_symbols_that_decide() -> None:
    masked = inspect_compute.masked(CHORD, 2000, 0, 0, "operator")
    marked = np.flatnonzero(GALLERY.probe(CHORD, 2000)["inputs"][0] >= 4)
    assert set(np.argsort(masked.effects)[-2:]) == set(marked)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("3.14", (3, 14)),
        ("128.0", None),
        ("-1.2", None),
        ("1.2.3", None),
        ("", None),
    ],
)
def test_a_cell_of_the_link_is_inside_or_ignored(text: str, cell: tuple[int, int] | None) -> None:
    assert inspect_choice.as_cell(text, 128) == cell


def test_exact_rows_travel_where_the_browser_has_no_numbers() -> None:
    shown = shown_at(looked(), 2000)
    assert shown.lines(Cell(3, 4)) == {}
    large = np.arange(257.0 * 257).reshape(257, 257)
    object.__setattr__(shown.matrices[0], "matrix", large)
    row, column = shown.lines(Cell(3, 4))["mixing"]
    assert np.array_equal(row, large[3])
    assert np.array_equal(column, large[:, 4])


def test_tokens_are_drawn_in_their_own_form() -> None:
    digits = GALLERY.probe("gallery-digits-cdil", 0)["inputs"][0]
    form = tokens.token_form("digits", digits)
    assert (form.form, form.wide, form.count) == ("image", 16, 256)
    adding = GALLERY.probe("gallery-adding-cdil", 0)["inputs"][0]
    marks = tokens.token_form("adding", adding).marks
    assert np.array_equal(np.flatnonzero(marks), np.flatnonzero(adding[:, 1]))
    symbols = GALLERY.probe(CHORD, 0)["inputs"][0]
    form = tokens.token_form("temporal_order", symbols)
    assert "".join(form.labels) == "".join("abcdXY"[token] for token in symbols)


def test_a_typed_sequence_takes_the_examples_place_and_leaves_again() -> None:
    page = open_page(run=CHORD)
    page.text_area[0].set_value("X" + "a" * 126 + "Y").run()
    page.button(key="own_use").click().run()
    assert not page.exception
    (answer,) = [text.value for text in page.markdown if text.value.startswith("Answer **")]
    assert answer == "Answer **XY** to your sequence"
    page.button(key="own_back").click().run()
    assert any("Target **YY**" in text.value for text in page.markdown)


def test_a_wrong_sequence_gets_a_sentence_and_changes_nothing() -> None:
    page = open_page(run=CHORD)
    page.text_area[0].set_value("XY").run()
    page.button(key="own_use").click().run()
    (error,) = page.error
    assert "add 126" in error.value
    assert any("Target **YY**" in text.value for text in page.markdown)


def test_uploaded_weights_and_sequences_are_used(tmp_path: Path) -> None:
    page = open_page(run=CHORD)
    content = (
        Path(history.gallery().folder) / "gallery-temporal_order-cdil.safetensors"
    ).read_bytes()
    page.file_uploader(key="weights_file").upload("mine.safetensors", content).run()
    assert any("Paramixer, CDIL" in note.value for note in page.warning)
    fasta = "".join(
        f">s{n} {'ab'[n % 2]}\n{'ACGT'[n % 4] * 3}{'AC' * (n // 4 + 1)}\n" for n in range(24)
    )
    page.file_uploader(key="data_file").upload("genes.fa", fasta.encode()).run()
    page.button(key="data_use").click().run()
    assert not page.exception
    assert any("Train" in note.value for note in page.success)
    assert page.session_state[KEPT]["train"]["task"].startswith("uploaded-")
    page.file_uploader(key="weights_file").upload("bad.pt", b"PK\x03\x04").run()
    assert any("never opened" in error.value for error in page.error)
