"""Tests of the native library: run where there is a C++ compiler, skipped where there is none."""

from functools import lru_cache

import pytest

NO_COMPILER = "needs a C++ compiler, and this machine has none"

needs_compiler = pytest.mark.needs_compiler
NATIVE = pytest.param("native", marks=needs_compiler)
"""The native path as a case beside the paths that run everywhere."""


@lru_cache(maxsize=1)
def can_be_native() -> bool:
    """Whether this machine has the native library or a compiler for it, and then build it.

    A compiler that fails to build it is no reason to skip: the tests run, and fail.
    """
    from paramixer_core import native  # not before conftest.py has turned shapes into checks
    from paramixer_core.native import build

    return native.prepare() or bool(build.compilers())


def skip_without_compiler(item: pytest.Item) -> None:
    """Skip a test that is marked as needing a compiler on a machine without one."""
    if item.get_closest_marker(needs_compiler.name) and not can_be_native():
        pytest.skip(NO_COMPILER)
