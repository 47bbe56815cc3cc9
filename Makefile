# Needs Python >= 3.11 and make; everything else is installed into .venv (and .venvs, for `make acceptance`).

PYTHON ?= python3
JOBS ?= 3
ARGS ?=

BIN := .venv/bin
INSTALLED := .venv/.installed
COUNTERPARTS := $(patsubst tests/acceptance/requirements/%.txt,.venvs/%/.installed,$(wildcard tests/acceptance/requirements/*.txt))
PIP := -m pip --disable-pip-version-check --quiet
# Debian keeps nginx in /usr/sbin, which is not in the PATH of a normal user.
export PATH := $(PATH):/usr/sbin
# Tests start many processes: without cached bytecode each would compile all modules.
export PYTHONDONTWRITEBYTECODE :=

.DELETE_ON_ERROR:
.PHONY: help install demo test check format acceptance bench soak properties constraints clean

help:
	@echo 'make demo [ARGS=--once]   emulated engines, the gateway, sample traffic, payload records'
	@echo 'make test                 all tests but acceptance and soak, in less than five minutes'
	@echo 'make check                format, lint, types, layers'
	@echo 'make acceptance           against counterparts in environments of their own; needs PostgreSQL, wrk, nginx, taskset'
	@echo 'make soak                 the long proofs'
	@echo 'make properties           100,000 tables through each form of each format, and back'
	@echo 'make bench [ARGS=...]     against a bare pass-through proxy; needs wrk, nginx, taskset, two cores.'
	@echo '                          ARGS go to benchmarks.compare, the first of its parts, alone'
	@echo 'make format               format, and repair what the linter can'
	@echo 'make constraints          renew the pins in constraints.txt'
	@echo 'make clean                remove what the others made'

install: $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/openscale-gateway demo $(ARGS)

test: $(INSTALLED)
	$(BIN)/python -m pytest -m 'not acceptance and not soak' -n $(JOBS) --dist worksteal $(ARGS)

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

acceptance: $(INSTALLED) $(COUNTERPARTS)
	$(BIN)/python -m pytest -m acceptance $(ARGS)

soak: $(INSTALLED) $(COUNTERPARTS)
	$(BIN)/python -m pytest -m soak --timeout 7200 $(ARGS)

properties: $(INSTALLED)
	$(BIN)/python -m pytest tests/contract/formats/test_round_trips.py --hypothesis-profile=long --timeout 0 -n $(JOBS) $(ARGS)

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.compare $(ARGS)
	$(BIN)/python -m benchmarks.batches
	$(BIN)/python -m benchmarks.start
	$(BIN)/python -m benchmarks.spool

constraints:
	rm -rf .venvs/constraints
	$(PYTHON) -m venv .venvs/constraints
	.venvs/constraints/bin/python $(PIP) install --upgrade pip
	.venvs/constraints/bin/python $(PIP) install --editable '.[all]' --group dev
	sed -n '/^#/p' constraints.txt > constraints.new
	.venvs/constraints/bin/python $(PIP) freeze --all --exclude-editable | grep -v '^setuptools==' >> constraints.new
	mv constraints.new constraints.txt

clean:
	rm -rf .venv .venvs .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) install --constraint constraints.txt --upgrade pip
	$(BIN)/python $(PIP) install --constraint constraints.txt --editable '.[all]' --group dev
	touch $@

.venvs/%/.installed: tests/acceptance/requirements/%.txt
	rm -rf .venvs/$*
	$(PYTHON) -m venv .venvs/$*
	.venvs/$*/bin/python $(PIP) install --requirement $<
	touch $@
