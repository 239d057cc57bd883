"""Which pages there are, in the order of the lesson, and the frame around them."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from app.escape import plain
from app.guarded import show_said
from app.identity import admin_key
from app.linked import turn_to
from app.warm import warm_up
from paramixer_core.errors import ParamixerError

ROOT = Path(__file__).resolve().parent.parent
STYLE = f"<style>{(ROOT / 'app' / 'frame.css').read_text()}</style>"


@dataclass(frozen=True)
class PageEntry:
    """A page: its file in pages/, its title, its Material icon and what one does there."""

    file: str
    title: str
    icon: str
    invitation: str


PAGES = (
    PageEntry("home.py", "Home", "home", "What this is."),
    PageEntry("patterns.py", "Patterns", "hub", "See how few links reach every token."),
    PageEntry("wiring.py", "Wiring", "cable", "Lay and cut links yourself."),
    PageEntry("routes.py", "Routes", "route", "Take one entry of the product apart."),
    PageEntry("train.py", "Train", "play_circle", "Press one button and watch a Paramixer learn."),
    PageEntry("inspect.py", "Inspect", "grid_on", "Look at the matrices that it learned."),
    PageEntry("rank.py", "Rank", "stacked_line_chart", "Measure the low-rank bottleneck."),
    PageEntry("matrix_lab.py", "Matrix lab", "grain", "Hold any matrix in few numbers."),
    PageEntry("cost.py", "Cost", "speed", "Count what mixing costs as N grows."),
)


def page_path(entry: PageEntry) -> Path:
    """Where the page's file is."""
    return ROOT / "pages" / entry.file


def live_path() -> str:
    """The address on this server that browsers which watch runs fetch from."""
    return f"{base_path()}/live"


def home_address() -> str:
    """Where a browser on this machine finds the app."""
    host = st.get_option("server.address")
    host = "localhost" if host in (None, "", "0.0.0.0", "::") else host
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{host}:{st.get_option('server.port')}{base_path()}/"


def operator_address() -> str:
    """The same for whoever runs the server: it makes the browser the operator's."""
    return f"{home_address()}?admin={quote(admin_key(), safe='')}"


def base_path() -> str:
    """What comes before the name of a page in its address: nothing, unless the server is told."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}" if base else ""


def run_app(first: str = PAGES[0].file) -> None:
    """Draw the frame and the chosen page; a ParamixerError becomes its sentence on the page.

    `first` is the page at the bare address.
    """
    st.set_page_config(
        page_title="Paramixer Lab", page_icon=str(ROOT / "assets" / "icon.svg"), layout="wide"
    )
    st.html(STYLE)
    st.logo(str(ROOT / "assets" / "logo.svg"), size="large")
    page = st.navigation(
        [
            st.Page(
                page_path(entry),
                title=entry.title,
                icon=f":material/{entry.icon}:",
                default=entry.file == first,
            )
            for entry in PAGES
        ]
    )
    turn_to(page.url_path)
    show_said()
    try:
        page.run()
    except ParamixerError as error:
        st.error(plain(error), icon=":material/error:")
    warm_up()


def link_to(file: str, label: str | None = None, **settings: str) -> None:
    """A link to another page, with its invitation as the label unless one is given.

    `settings` go into the address.
    """
    entry = next(entry for entry in PAGES if entry.file == file)
    st.page_link(
        page_path(entry),
        label=label or f"**{entry.title}** - {entry.invitation}",
        icon=f":material/{entry.icon}:",
        query_params=settings or None,
    )
