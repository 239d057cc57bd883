# One command each: `make run` starts the app, `make test` checks everything. `make help` lists all.
# Needs Python 3.11, 3.12 or 3.13 and the network once, to fill .venv. Works with make 3.81 and later.

PORT ?=
JOBS ?= 2
PYTEST_ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
PIP_INSTALL := $(PY) -m pip install --disable-pip-version-check --no-input

# A .venv that is half made, out of range, or whose Python has been removed is made anew.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifneq ($(shell $(PY) -c 'import pip; $(FITS)' 2>/dev/null && echo fits),fits)
REMAKE := remake
endif

.PHONY: help run test lint format bench browser clean remake
.DEFAULT_GOAL := help

help:
	@echo "make run     set up .venv when needed and start the app (PORT=8600 to choose the port)"
	@echo "make test    lint, format check, type check and all tests (a browser is provided)"
	@echo "make lint    the checks of make test without the tests"
	@echo "make format  rewrite the code in the project's format"
	@echo "make bench   time the mixing operation on this machine"
	@echo "make clean   remove .venv and every cache"

# The port is named only when asked for: with 8501 taken, the next free one is used.
run: $(VENV)/installed
	@exec $(PY) -m app $(if $(PORT),--port $(PORT))

test: lint browser
	$(PY) -m pytest -n $(JOBS) --dist loadgroup $(PYTEST_ARGS)

lint: $(VENV)/installed-tests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(VENV)/installed-tests
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

bench: $(VENV)/installed
	@$(PY) -m paramixer_core.bench

browser: $(VENV)/installed-tests
	@$(PY) -m tests.chromium

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: requirements.txt $(REMAKE)
	@$(if $(REMAKE),$(make_venv))
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/installed-tests: $(VENV)/installed tests/requirements.txt
	$(PIP_INSTALL) -r requirements.txt -r tests/requirements.txt
	@touch $@

# Uses the first Python that fits, or ends with a sentence that says what to install.
define make_venv
found=; bare=; \
for candidate in "$(PYTHON)" python3.11 python3.12 python3.13 python3 python; do \
	"$$candidate" -c '$(FITS)' 2>/dev/null || continue; \
	if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then found=$$candidate; break; fi; \
	bare=$${bare:-$$candidate}; \
done; \
if [ -z "$$found" ] && [ -n "$$bare" ]; then \
	echo "Expected the venv module beside $$bare, found none:" \
		"install it (Debian, Ubuntu: apt install python3-venv)." >&2; \
	exit 1; \
fi; \
if [ -z "$$found" ]; then \
	echo "Expected Python 3.11, 3.12 or 3.13 on the PATH, found none:" \
		"install one, or name it: make run PYTHON=/path/to/python3.12." >&2; \
	exit 1; \
fi; \
echo "Setting up .venv with $$("$$found" --version). This is done once and takes minutes."; \
"$$found" -m venv --clear $(VENV)
endef
