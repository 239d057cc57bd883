"""The shape of the house: who imports whom, how large and how named files are, and no network."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from tests import house_rules as rules

ROOT = Path(__file__).parents[1]

LONGER: dict[str, str] = {
    "app/controls.py": "every control that is bound to the URL repairs bad links in one way",
    "paramixer_core/runs/store.py": "one class is the whole way to a run's rows and files",
    "tests/browser/components/test_views.py": "all views share one demo server and its gestures",
}
"""Files that may exceed the limit, each with its reason."""

IMPORT_NAMES = {
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "biopython": "Bio",
    "charset-normalizer": "charset_normalizer",
}
OPTIONAL = {"ray", "torch_sparse", "triton"}
"""Imported only where they are installed; the core works without."""

PYTHON = list(rules.files(ROOT, rules.ROOMS, ".py"))
SHIPPED = [path for path in PYTHON if path.parts[0] != rules.TESTS]
CORE = [path for path in PYTHON if path.parts[0] == rules.CORE]
PAGES = [path for path in PYTHON if path.parts[0] == rules.PAGES]
SERVED = list(rules.files(ROOT, (rules.APP, rules.PAGES), ".py", ".js", ".css", ".html"))

every = pytest.mark.parametrize


def read(path: PurePosixPath) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@every("files", [CORE, PAGES, SERVED, PYTHON], ids=["core", "pages", "served", "all"])
def test_the_rules_have_files_to_read(files: list[PurePosixPath]) -> None:
    assert len(files) >= 3


@every("path", PYTHON, ids=str)
def test_imports_go_down_the_house(path: PurePosixPath) -> None:
    assert rules.forbidden_imports(path, read(path)) == []


def test_everything_imported_is_in_the_requirements() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    listed = {line.partition("#")[0].strip().split(">")[0].split("=")[0] for line in lines}
    known = {IMPORT_NAMES.get(name, name) for name in listed if name}
    used = {
        module.partition(".")[0]
        for path in SHIPPED
        for module in rules.imported_modules(read(path))
    }
    ours = {rules.CORE, rules.APP, rules.PAGES}
    assert used - known - ours - OPTIONAL - sys.stdlib_module_names == set()
    assert known <= used, "a requirement that nothing imports"


@every("path", CORE, ids=str)
def test_the_core_neither_prints_nor_seeds_nor_pickles(path: PurePosixPath) -> None:
    assert rules.forbidden_calls(path, read(path)) == []


@every("path", PAGES, ids=str)
def test_a_page_computes_nothing_and_is_short(path: PurePosixPath) -> None:
    assert rules.arithmetic(read(path)) == []
    assert len(read(path).splitlines()) <= rules.MAX_PAGE_LINES


@every("path", PYTHON, ids=str)
def test_a_file_is_small(path: PurePosixPath) -> None:
    lines = len(read(path).splitlines())
    assert lines <= rules.MAX_LINES or str(path) in LONGER


def test_an_exception_to_the_size_is_a_file_that_is_there() -> None:
    assert set(LONGER) <= set(map(str, PYTHON))


@every("path", SHIPPED, ids=str)
def test_a_file_says_what_lives_in_it(path: PurePosixPath) -> None:
    source = read(path)
    assert not source or ast.get_docstring(ast.parse(source))


@every("path", PYTHON, ids=str)
def test_a_name_says_something(path: PurePosixPath) -> None:
    assert rules.vague_names(path) == []


def test_nothing_in_the_app_hides_a_standard_module() -> None:
    names = {path.stem for path in (ROOT / rules.APP).iterdir()} - {"__init__", "__pycache__"}
    assert names & sys.stdlib_module_names == set()


@every("path", SERVED, ids=str)
def test_nothing_is_loaded_from_outside(path: PurePosixPath) -> None:
    assert rules.outside_addresses(read(path)) == []


def test_the_root_holds_only_what_it_needs() -> None:
    names = {path.partition("/")[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} == rules.ROOT_NAMES


def test_no_file_names_a_package_registry() -> None:
    breaches = {
        path: hosts
        for path in tracked()
        if (text := text_of(ROOT / path)) and (hosts := rules.registry_hosts(text))
    }
    assert breaches == {}


def test_streamlit_sends_no_telemetry_asks_nothing_and_stays_on_this_machine() -> None:
    config = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["showEmailPrompt"] is False
    assert config["server"]["address"] == "127.0.0.1"


IMPORT_ALL = """
import importlib, pkgutil, sys

blocked, excused = (argument.split() for argument in sys.argv[1:])

sys.modules.update(dict.fromkeys(blocked))
import paramixer_core
for module in pkgutil.walk_packages(paramixer_core.__path__, "paramixer_core."):
    if not module.name.endswith("__main__") and module.name not in excused:
        importlib.import_module(module.name)
"""


def import_core_without(*blocked: str) -> subprocess.CompletedProcess[str]:
    code = (sys.executable, "-W", "error", "-c", IMPORT_ALL)
    command = [*code, " ".join(blocked), " ".join(modules_for_what_is_optional())]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def modules_for_what_is_optional() -> list[str]:
    """Modules named for an optional package, such as `ray_executor`: nothing else is excused."""
    return [
        ".".join(path.with_suffix("").parts)
        for path in CORE
        if path.stem.partition("_")[0] in OPTIONAL
    ]


def test_the_core_stands_alone_and_is_silent() -> None:
    late = ("pandas", "Bio", "charset_normalizer")  # imported where a file is read, not before
    finished = import_core_without("streamlit", "plotly", *late, "app", "pages", *OPTIONAL)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


def test_blocking_a_module_that_the_core_needs_is_noticed() -> None:
    finished = import_core_without("networkx")
    assert "import of networkx halted" in finished.stderr


def tracked() -> list[str]:
    """The files of the repository, as git lists them."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]


def text_of(path: Path) -> str:
    """A file's text; nothing for a picture or stored data."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
