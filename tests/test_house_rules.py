"""Every house rule can fail: each is shown a breach and something that only looks like one."""

from pathlib import PurePosixPath as P

import pytest

from tests import house_rules as rules


@pytest.mark.parametrize(
    ("path", "source", "breach"),
    [
        ("paramixer_core/x.py", "import streamlit as st", "streamlit"),
        ("paramixer_core/x.py", "def f():\n    from plotly import io", "plotly.io"),
        ("paramixer_core/x.py", "from app.theme import COLOURS", "app.theme.COLOURS"),
        ("paramixer_core/x.py", "import pickle", "pickle"),
        ("paramixer_core/x.py", "from . import y", "a relative import"),
        ("app/figures/x.py", "import paramixer_core.cost", "paramixer_core.cost"),
        ("app/figures/x.py", "import streamlit", "streamlit"),
        ("app/figures/x.py", "from app.controls import choose", "app.controls.choose"),
        ("app/theme.py", "import streamlit as st", "streamlit"),
        ("app/x.py", "import torch", "torch"),
        ("app/x.py", "from pages import home", "pages.home"),
        ("pages/x.py", "import numpy as np", "numpy"),
        ("pages/x.py", "from torch import nn", "torch.nn"),
        ("pages/x.py", "import plotly.graph_objects as go", "plotly.graph_objects"),
        ("tests/x.py", "from __future__ import annotations", "__future__.annotations"),
    ],
)
def test_an_import_against_the_house_is_found(path: str, source: str, breach: str) -> None:
    assert rules.forbidden_imports(P(path), source) == [breach]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("paramixer_core/x.py", "import math\nimport torch\nimport paramixer_core.cost"),
        ("app/figures/x.py", "import numpy\nfrom app.theme import ink"),
        ("app/x.py", "import streamlit\nimport paramixer_core\nfrom app.figures import ring"),
        ("pages/x.py", "import streamlit as st\nfrom app import controls"),
    ],
)
def test_an_import_down_the_house_is_allowed(path: str, source: str) -> None:
    assert rules.forbidden_imports(P(path), source) == []


@pytest.mark.parametrize(
    ("path", "source", "breaches"),
    [
        ("paramixer_core/x.py", "print('hello')", 1),
        ("paramixer_core/__main__.py", "print('hello')", 0),
        ("paramixer_core/x.py", "torch.manual_seed(0)", 1),
        ("paramixer_core/__main__.py", "torch.manual_seed(0)", 1),
        ("paramixer_core/x.py", "torch.Generator().manual_seed(0)", 0),
        ("paramixer_core/x.py", "np.random.seed(0); torch.save({}, 'x')", 2),
        ("paramixer_core/x.py", "'print(1)'", 0),
    ],
)
def test_prints_global_seeds_and_pickles_are_found(path: str, source: str, breaches: int) -> None:
    assert len(rules.forbidden_calls(P(path), source)) == breaches


@pytest.mark.parametrize(
    ("source", "breaches"),
    [
        ("a * 100", 1),
        ("f(n - 1)", 1),
        ("x @ y", 1),
        ("'a' + b", 0),
        ("ROOT / 'assets'", 0),
        ("int | None", 0),
        ("n < 3", 0),
        ("2**31 - 1", 0),
    ],
)
def test_arithmetic_is_found_and_text_is_not(source: str, breaches: int) -> None:
    assert len(rules.arithmetic(source)) == breaches


@pytest.mark.parametrize(
    ("path", "breaches"),
    [
        ("app/utils.py", ["utils"]),
        ("paramixer_core/helpers/rank.py", ["helpers"]),
        ("tests/rank_utils.py", ["rank_utils"]),
        ("paramixer_core/utility_of_rank.py", []),
    ],
)
def test_a_vague_name_is_found(path: str, breaches: list[str]) -> None:
    assert rules.vague_names(P(path)) == breaches


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ('<script src="https://cdn.example.net/d3.js">', ["cdn.example.net"]),
        ("@import '//fonts.example.com/css'", ["fonts.example.com"]),
        ("new WebSocket('wss://example.com')", ["example.com"]),
        ("document.createElementNS('http://www.w3.org/2000/svg', 'g')", []),
        ("[the paper](https://arxiv.org/abs/2204.10670)", []),
        ("const half = n // 2", []),
        ("// a comment.in passing", []),
    ],
)
def test_an_address_outside_is_found(text: str, hosts: list[str]) -> None:
    assert rules.outside_addresses(text) == hosts


@pytest.mark.parametrize("host", rules.REGISTRY_HOSTS)
def test_a_registry_host_is_found(host: str) -> None:
    assert rules.registry_hosts(f"--index-url=https://{host}/simple") == [host]
