"""Loads what the app would load in the background, before any page test runs.

The shape checks parse each module of the core as it is imported. Early releases of Python 3.11
cannot do that in two threads at once (SystemError: AST constructor recursion depth mismatch).
"""

import paramixer_core.training  # noqa: F401
