"""Text that somebody sent, made harmless where Streamlit would read it as Markdown.

An address, the name of a file, a label, the name of a wiring, an error's message: all of it goes
through `plain` on its way into st.markdown, st.caption, st.error, a label, a tooltip or a toast.
What Plotly draws goes through `app.figures.drawing.literal`.
"""

import re

JOINER = "\u2060"
"""Word joiner: has no width and breaks no line."""

MARKS = re.compile(r"([\\`*_\[\]<>&~|$^{}]|:(?=\S))")
LEADING = re.compile(r"^([#+\-=!]|\d+(?=[.)]))")
"""What would begin a heading, a list or a rule at the start of a line."""

ADDRESS = re.compile(r"(?i)(https?:|ftp:|mailto:|xmpp:|www(?=\.)|@)")
ARROW = re.compile(r"(?<=[-<>~])(?=[-=>])")
SHORTCODE = re.compile(r":(?=[\w+\-/]+:)")
UNSEEN = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""Control characters, line breaks, and the marks that would turn the rest of a line around."""


def one_line(text: object) -> str:
    """Text without what would break its line or turn it around."""
    return UNSEEN.sub(" ", str(text)).strip()


def plain(text: object) -> str:
    """Markdown that shows this text as it is, in one line.

    What CommonMark and Streamlit's directives read is escaped. Streamlit looks at the result once
    more, for addresses, `:shortcodes:` and arrows; a joiner of no width keeps it from finding any.

    >>> plain("*a* [b](c) :red[d]: see 2 - 1.")
    '\\\\*a\\\\* \\\\[b\\\\](c) \\\\:red\\\\[d\\\\]: see 2 - 1.'
    """
    line = one_line(text)
    line = ADDRESS.sub(lambda found: found[0] + JOINER, line)
    line = ARROW.sub(JOINER, SHORTCODE.sub(f":{JOINER}", line))
    line = MARKS.sub(r"\\\1", line)
    return LEADING.sub(lambda found: _leading(found[0]), line)


def _leading(mark: str) -> str:
    return f"{mark}\u2060" if mark[0].isdigit() else f"\\{mark}"


def code(text: object) -> str:
    """Markdown that shows this text as code; grave accents are left out."""
    return f"`{one_line(text).replace('`', '') or ' '}`"
