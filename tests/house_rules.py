"""What the house forbids, as functions from a file's text to the breaches found in it."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CORE, APP, PAGES, TESTS = "paramixer_core", "app", "pages", "tests"
FIGURES = f"{APP}/figures"
PALETTE = PurePosixPath(APP, "theme.py")
ROOMS = (CORE, APP, PAGES, TESTS)

MAX_LINES = 250
MAX_PAGE_LINES = 79

ROOT_NAMES = {
    *(CORE, APP, PAGES, TESTS, "assets", "deploy"),
    *("README.md", "Makefile", "install.py"),
    *("requirements.txt", "constraints.txt", "pyproject.toml"),
}
"""What may lie at the root of the repository, besides names that begin with a dot."""

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "stuff"}

FORBIDDEN_CALLS = {
    **dict.fromkeys(
        ("torch.manual_seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all"), "seeds"
    ),
    **dict.fromkeys(("torch.seed", "random.seed", "np.random.seed", "numpy.random.seed"), "seeds"),
    **dict.fromkeys(("torch.load", "torch.save"), "pickles"),
    "print": "prints",
}
"""Calls that the core never makes; `print` is for its `__main__.py` alone."""

LINK_HOSTS = {"arxiv.org", "doi.org", "www.w3.org", "127.0.0.1", "localhost", "github.com"}
"""What a page may link to or name. Nothing is ever loaded from them."""

REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb", "debian", "org"),
        ("download", "pytorch", "org"),
        ("conda", "anaconda", "org"),
    )
)


def imported_modules(source: str) -> set[str]:
    """Every module that a file imports, at any depth, as dotted names from the root."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found.update(alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                found.update(f"{module}.{alias.name}" for alias in names)
            case ast.ImportFrom():
                found.add("a relative import")
            case _:
                pass
    return found


def forbidden_imports(path: PurePosixPath, source: str) -> list[str]:
    """Imports that `path` may not make: the house is pages -> app -> core -> torch."""
    modules = imported_modules(source)
    return sorted(module for module in modules if not may_import(path, module))


def may_import(path: PurePosixPath, module: str) -> bool:
    """Whether a file may import a module."""
    top = module.partition(".")[0]
    if module.startswith("__future__") or top in {"pickle", "dill", "a relative import"}:
        return False
    if top in sys.stdlib_module_names:
        return True
    if path.is_relative_to(FIGURES) or path == PALETTE:
        drawing = {"numpy", "plotly", "jaxtyping"}
        return top in drawing or within(module, "app.figures") or within(module, "app.theme")
    match path.parts[0]:
        case "paramixer_core":
            return top not in {"streamlit", "plotly", "altair", APP, PAGES, TESTS}
        case "app":
            return top not in {"torch", PAGES, TESTS}
        case "pages":
            return top in {"streamlit", APP, CORE}
        case _:
            return True


def within(module: str, package: str) -> bool:
    """Whether a dotted name is a package or lies in it."""
    return module == package or module.startswith(f"{package}.")


def forbidden_calls(path: PurePosixPath, source: str) -> list[str]:
    """Prints, global seeds and pickling in a file of the core."""
    calls = [
        (ast.unparse(node.func), node.lineno)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
    ]
    return [
        f"line {line}: {name} {FORBIDDEN_CALLS[name]}"
        for name, line in calls
        if name in FORBIDDEN_CALLS and not (name == "print" and path.name == "__main__.py")
    ]


def arithmetic(source: str) -> list[str]:
    """Sums and products of a page; a constant, a union, joined text or a joined path is none."""
    operators = ast.Add | ast.Sub | ast.Mult | ast.Div | ast.FloorDiv | ast.Mod | ast.Pow
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, operators | ast.MatMult)
        and any(isinstance(part, ast.Name) for part in ast.walk(node))
        and not any(is_text(side) for side in (node.left, node.right))
    ]


def is_text(node: ast.expr) -> bool:
    """Whether an expression is written as text."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def vague_names(path: PurePosixPath) -> list[str]:
    """Folder and file names that say nothing about what lives in them."""
    parts = (*path.parts[:-1], path.stem)
    return [part for part in parts if VAGUE_NAMES & set(part.lower().split("_"))]


def outside_addresses(text: str) -> list[str]:
    """Addresses from which a browser or the server could load something at run time."""
    hosts = re.findall(r"(?:https?|wss?):?//([\w.-]+)|[\"'(]//([\w-]+\.[\w.-]+)", text)
    return [host for pair in hosts for host in pair if host and host not in LINK_HOSTS]


def registry_hosts(text: str) -> list[str]:
    """Hosts of package registries; which one is asked is each machine's own setting."""
    return [host for host in REGISTRY_HOSTS if host in text]


def files(root: Path, rooms: tuple[str, ...], *suffixes: str) -> Iterator[PurePosixPath]:
    """The files of some rooms that end in one of the suffixes, relative to the root, sorted."""
    for room in rooms:
        for path in sorted((root / room).rglob("*")):
            if path.suffix in suffixes and "__pycache__" not in path.parts:
                yield PurePosixPath(path.relative_to(root).as_posix())
