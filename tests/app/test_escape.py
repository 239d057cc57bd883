"""What somebody sent is escaped: nothing of it is read as Markdown, as HTML or as a template."""

import ast
from pathlib import Path

import pytest

from app.escape import JOINER, code, plain
from app.figures.drawing import literal

ROOT = Path(__file__).parents[2]
SHOWN = {"error", "warning", "info", "success", "caption", "markdown", "toast"}


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


def test_no_error_reaches_a_page_as_it_is() -> None:
    calls = (
        (path.name, node)
        for path in sorted((ROOT / "app").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and node.args
        and ast.unparse(node.func) in {f"st.{name}" for name in SHOWN}
    )
    raw = [
        f"{name}:{node.lineno}"
        for name, node in calls
        if any(told in ast.unparse(node.args[0]) for told in ("str(error)", "{error}"))
        and "plain(" not in ast.unparse(node.args[0])
    ]
    # In the matrix lab `error` is a number.
    assert [at for at in raw if not at.startswith("matrix_lab_views.py")] == []
