# One command each: `make run` starts the app, `make test` checks everything. `make help` lists all.
# Needs Python 3.11, 3.12 or 3.13 and the network once, to fill .venv. Works with make 3.81 and later.

PORT ?=
TORCH ?=
JOBS ?= 2
PYTEST_ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python

.PHONY: help run test lint format bench browser upgrade clean installed installed-tests
.DEFAULT_GOAL := help

help:
	@echo "make run     set up .venv when needed and start the app (PORT=8600 to choose the port,"
	@echo "             TORCH=system to use a PyTorch that is installed already)"
	@echo "make test    lint, format check, type check and all tests (a browser is provided)"
	@echo "make lint    the checks of make test without the tests"
	@echo "make format  rewrite the code in the project's format"
	@echo "make bench   time the mixing operation on this machine"
	@echo "make upgrade newest versions into constraints.txt, if the tests pass with them"
	@echo "make clean   remove .venv and every cache"

# The port is named only when asked for: with 8501 taken, the next free one is used.
run: installed
	@exec $(PY) -m app $(if $(PORT),--server.port $(PORT))

test: lint browser
	$(PY) -m pytest -n $(JOBS) --dist loadgroup $(PYTEST_ARGS)

lint: installed-tests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: installed-tests
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

bench: installed
	@$(PY) -m paramixer_core.bench

browser: installed-tests
	@$(PY) -m tests.chromium
	@$(PY) -m tests.nginx

upgrade:
	@$(call with_python,-m tests.upgrade)

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

installed:
	@$(call with_python,install.py $(if $(TORCH),--torch $(TORCH)))

installed-tests:
	@$(call with_python,install.py --tests $(if $(TORCH),--torch $(TORCH)))

# Runs the first Python that fits and can make a .venv, else one that fits and says what it lacks.
define with_python
for lacks in 'ensurepip, venv' 'sys'; do \
	for python in "$(PYTHON)" $(PY) python3.11 python3.12 python3.13 python3 python; do \
		"$$python" -c "import sys, $$lacks; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" \
			2>/dev/null && exec "$$python" $(1); \
	done; \
done; \
echo "Expected Python 3.11, 3.12 or 3.13 on the PATH, found none:" \
	"install one, or name it: make run PYTHON=/path/to/python3.12." >&2; \
exit 1
endef
