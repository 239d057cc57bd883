"""What somebody sent is escaped: nothing of it is read as Markdown, as HTML or as a template."""

import ast
from pathlib import Path

import pytest

from app.escape import JOINER, code, plain
from app.figures.drawing import literal

ROOT = Path(__file__).parents[2]
SHOWN = {
    "badge", "caption", "error", "header", "info", "markdown", "metric", "progress", "subheader",
    "success", "title", "toast", "warning",
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "![p](http://evil.invalid/p.png)",
        "[l](http://evil.invalid)",
        "<img src=x onerror=1>",
        "a\n\n# heading\n\n![p](x)",
        ":red[x] :material/face: $x$ `c` **b** _i_ ~~s~~ | t | &amp; \\",
        "1. list",
        "# heading",
        "- item",
    ],
)
def test_plain_text_has_no_mark_left_that_is_not_escaped(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    bare = shown
    while (at := bare.find("\\")) >= 0:
        bare = bare[:at] + bare[at + 2 :]
    assert not set(bare) & set("`*_[]<>&~|$")
    assert not bare.startswith(("#", "-", "1."))
    assert plain("see 2 - 1: a, b (c).") == "see 2 - 1: a, b (c)."


@pytest.mark.parametrize(
    "address", ["http://x.invalid", "HTTPS://x", "www.x.invalid", "a@x.invalid"]
)
def test_an_address_is_broken_up_so_that_it_becomes_no_link(address: str) -> None:
    assert JOINER in plain(address)
    assert plain(address).replace(JOINER, "").replace("\\", "") == address


def test_marks_that_turn_a_line_around_are_left_out() -> None:
    assert plain("a\u202eb\u0000c") == "a b c"
    assert code("`a`\n\n![x](y)") == "`a  ![x](y)`".replace("  ", " ")


def test_plotly_reads_no_element_and_no_template() -> None:
    assert literal("<a href='x'>%{y}") == "&lt;a href='x'&gt;%&#123;y}"


OUTSIDE = {
    "error", "failure", "note", "notes", "problem", "question", "questions", "reason", "refused",
    "remedy", "run_title", "said", "sentence", "sentences", "source", "text", "troubles", "warning",
    "warnings",
}  # fmt: skip
"""What text from outside is called: an error's, a reader's, a run's, a wiring's."""

HARMLESS = {"plain", "code", "numeral", "len", "literal"}


def raw_names(node: ast.AST) -> set[str]:
    """Names of text from outside that is used without being escaped."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) in HARMLESS:
        return set()
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return raw_names(node.elt)
    if isinstance(node, ast.IfExp):  # what it hangs on is not shown
        return raw_names(node.body) | raw_names(node.orelse)
    found = {getattr(node, "id", getattr(node, "attr", ""))} & OUTSIDE
    return found.union(*(raw_names(child) for child in ast.iter_child_nodes(node)))


def test_raw_names_are_found_where_they_are_not_escaped() -> None:
    def found(code: str) -> set[str]:
        return raw_names(ast.parse(code))

    assert found("f'{error}'") == {"error"}
    assert found("str(run.reason)") == {"reason"}
    assert found("plain(error) + f'{plain(found.sentence)}'") == set()
    assert found("' '.join(plain(note) for note in found.notes)") == set()
    assert found("' '.join(found.notes)") == {"notes"}


OURS = {
    ("cost_what_if.py", "error"),  # a number
    ("cost_what_if.py", "source"),  # of an accelerator's figures, in our table
    ("lesson_cost.py", "error"),  # a number
    ("lesson_cost.py", "said"),  # a number
    ("matrix_lab_views.py", "error"),  # a number
    ("rank_exercises.py", "question"),  # one of our three
    ("wiring_answers.py", "sentence"),  # its parts are escaped where it is made
}
"""Where such a name stands for our own words or for a number."""


def test_nothing_from_outside_reaches_a_page_as_it_is() -> None:
    calls = (
        (path.name, node)
        for folder in ("app", "pages")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in SHOWN
        and node.args
    )
    raw = {(name, found) for name, node in calls for found in raw_names(node.args[0])}
    assert raw - OURS == set()
