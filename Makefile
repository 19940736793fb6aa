# Every target builds its environment: .venvs/NAME holds the dependency group NAME of
# pyproject.toml (.venvs/test-3.12 the group `test`, on that interpreter) and Clarion itself,
# editable. It is built again when pyproject.toml changes. Clarion is installed into it again
# when the C sources change.

# The tests start hundreds of programs. Without bytecode files, each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[1-9]*/bin/python3 \
	"$$HOME"/.local/share/uv/python/cpython-3.1[1-9]*/bin/python3; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo "$$python" && break; done)
endif
MINOR = $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ARGS =
SECONDS = 60
URL = sqlite:////tmp/bench.db

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r target what; do printf '%-18s %s\n' "$$target" "$$what"; done

demo: .venvs/demo/ready ## a story in a minute: a rollback, a killed worker, Django, FastAPI, and who listens
	.venvs/demo/bin/python examples/plain.py
	@echo
	.venvs/demo/bin/python examples/durable.py
	@echo
	.venvs/demo/bin/python examples/airports/manage.py demo --limit 3000
	@echo
	.venvs/demo/bin/python examples/shop_fastapi/demo.py --requests 400

RUSH = .venvs/demo/bin/python examples/shop_fastapi/demo.py --requests 10000 --at-once 500

load: .venvs/demo/ready ## ten thousand requests to the shop, on one connection and on twenty
	$(RUSH) --pool-size 1
	@echo
	$(RUSH) --pool-size 20

test: | python .venvs/uv/tried ## the suite on every CPython found
	$(PYTHON) tools/matrix.py

COVERED = --ignore=tests/benchmarks --ignore=tests/concurrency --ignore=tests/examples \
	--ignore=tests/first_time --ignore=tests/house --ignore=tests/tools

# The tests of concurrency repeat the same steps many times. Measuring would only double their time.
coverage: .venvs/test-$(MINOR)/ready ## the branches of src/ that the suite runs, on this interpreter
	.venvs/test-$(MINOR)/bin/python -m coverage erase
	.venvs/test-$(MINOR)/bin/python -m coverage run -m pytest -p no:cacheprovider $(COVERED) $(ARGS)
	.venvs/test-$(MINOR)/bin/python -m coverage combine --quiet
	.venvs/test-$(MINOR)/bin/python -m coverage report --skip-covered

extras: .venvs/test-$(MINOR)/ready ## each extra and bundle, in an empty environment, on every CPython found
	.venvs/test-$(MINOR)/bin/python -m pytest -p no:cacheprovider -m wheel tests/tools $(ARGS)

first-time: .venvs/test-$(MINOR)/ready ## the tutorial and the first pages, as a new user tries them
	.venvs/test-$(MINOR)/bin/python -m pytest -p no:cacheprovider -m wheel tests/first_time $(ARGS)

engines: .venvs/test-$(MINOR)/ready ## every task engine, with real brokers and workers that are killed
	.venvs/test-$(MINOR)/bin/python -m pytest -p no:cacheprovider \
		-m engines tests/background $(ARGS)

NEXT = testing

test-next: | python ## the whole suite on the CPython of Debian's next release, in a chroot
	$(PYTHON) tools/next_python.py --suite=$(NEXT) $(ARGS)

quick: | python ## the suite on this interpreter only: make quick ARGS="-k route --lf"
	@$(MAKE) --no-print-directory .venvs/test-$(MINOR)/ready
	.venvs/test-$(MINOR)/bin/python -m pytest $(ARGS)

lint: .venvs/lint/ready ## ruff: rules and format
	.venvs/lint/bin/ruff check
	.venvs/lint/bin/ruff format --check

format: .venvs/lint/ready ## fix and format with ruff
	.venvs/lint/bin/ruff check --fix
	.venvs/lint/bin/ruff format

types: .venvs/types/ready .venvs/stubs/ready ## mypy and pyright, and the files that they must reject
	.venvs/types/bin/mypy
	.venvs/types/bin/pyright --project pyproject.toml --pythonpath .venvs/types/bin/python
	.venvs/types/bin/python -m pytest tests/typing
	.venvs/stubs/bin/python -m pytest tests/integrations/test_mypy.py

layers: .venvs/lint/ready ## the rules for imports between packages
	.venvs/lint/bin/lint-imports --no-logo

docs: .venvs/docs/ready ## the documentation, into build/docs, and the checks of its text and pictures
	.venvs/docs/bin/sphinx-build -W -n --keep-going -q docs build/docs
	PYTHONPATH=tools .venvs/docs/bin/python -m documentation --built build/docs
	.venvs/docs/bin/python -m tests.house.language docs changelog.d README.md CHANGELOG.md CONTRIBUTING.md
	.venvs/docs/bin/codespell docs changelog.d README.md CHANGELOG.md CONTRIBUTING.md src examples
	@echo "open build/docs/index.html"

wheel: .venvs/wheel-$(MINOR)/ready ## the sdist, and a wheel for this interpreter, into dist/
	rm -rf dist
	.venvs/wheel-$(MINOR)/bin/python -m build

ASAN = -g -O1 -fno-omit-frame-pointer -fsanitize=address

asan: .venvs/wheel-$(MINOR)/ready ## the tests of the compiled sends, with every memory access checked
	@$(MAKE) --no-print-directory .venvs/test-$(MINOR)/ready
	rm -rf build/asan
	CC=gcc CFLAGS="$(ASAN)" LDFLAGS="$(ASAN)" .venvs/wheel-$(MINOR)/bin/python setup.py -q \
		build --build-base build/asan --build-lib build/asan/lib
	ulimit -s 65536; LD_PRELOAD=$$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \
		PYTHONMALLOC=malloc PYTHONPATH=build/asan/lib CLARION_REQUIRE_SERVICES=1 \
		CLARION_TWINS=compiled .venvs/test-$(MINOR)/bin/python \
		-m pytest -p no:cacheprovider tests/core tests/concurrency $(ARGS)

bench: .venvs/bench/ready ## the speed, compared with Django, blinker, PyDispatcher and psygnal
	.venvs/bench/bin/python -m benchmarks $(ARGS)

bench-durable: .venvs/bench/ready ## durable receivers beside task queues (URL=sqlite:////tmp/bench.db)
	.venvs/bench/bin/python -m benchmarks.durable $(URL) $(ARGS)

bench-short: ARGS = --short
bench-short: bench bench-durable ## both in less time, with less precise figures

instructions: .venvs/bench/ready ## the number of instructions of a send; fails if it has grown
	.venvs/bench/bin/python -m benchmarks.instructions $(ARGS)

chaos: .venvs/test-$(MINOR)/ready ## workers under kills, on each database (SECONDS=600)
	PYTHONPATH=tools .venvs/test-$(MINOR)/bin/python -m chaos --seconds $(SECONDS) $(ARGS)

downstream: | python ## the tests of Django, third-party projects and SQLAlchemy's ORM, on Clarion
	PYTHONPATH=tools $(PYTHON) -m downstream $(ARGS)

downstream-short: ARGS = --short
downstream-short: downstream ## a part of them, in a few minutes

linkcheck: .venvs/docs/ready ## the links to other sites; needs the network
	.venvs/docs/bin/sphinx-build -b linkcheck -q docs build/linkcheck

changelog: .venvs/docs/ready ## the changelog of the next release
	.venvs/docs/bin/towncrier build --draft --version next

dev: .venvs/dev/ready ## everything in one environment, for your editor: .venvs/dev

clean: ## remove everything that these commands have built
	rm -rf .venvs build dist .coverage .coverage.* .*_cache .hypothesis
	find src -name '*.so' -exec rm {} +
	find . -name __pycache__ -prune -exec rm -rf {} + -o -name '*.egg-info' -prune -exec rm -rf {} +

python:
	@test -n "$(PYTHON)" || { echo "Clarion needs CPython 3.11 or later, and none was found: \
	install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }

# uv fills an environment in a fifth of pip's time, and all environments share one uv. Where it
# cannot be had, or finds nothing, pip does it.
UV = .venvs/uv/bin/uv
PYPI = .venvs/$*/bin/python -m pip install -qq

.venvs/uv/tried: | python
	@echo "fetching uv"
	@$(PYTHON) -m pip install -qq --no-compile --upgrade --target .venvs/uv uv 2>/dev/null || \
		{ $(PYTHON) -m venv --clear .venvs/uv && .venvs/uv/bin/python -m pip install -qq uv 2>/dev/null; } || \
		echo "without uv, pip fills the environments"
	@mkdir -p .venvs/uv && touch $@

.venvs/%/filled: pyproject.toml | python .venvs/uv/tried
	@echo "building .venvs/$*"
	@$(PYTHON) -m venv --clear --without-pip .venvs/$*
	@$(UV) pip install -q --python .venvs/$*/bin/python "pip>=25.1" "setuptools>=77" \
		--group $(firstword $(subst -, ,$*)) 2>/dev/null || \
		{ $(PYTHON) -m venv --clear .venvs/$* && $(PYPI) --upgrade "pip>=25.1" "setuptools>=77" && \
		$(PYPI) --no-compile --group $(firstword $(subst -, ,$*)); }
	@touch $@

# No build isolation, because a second environment would have to be filled for the build.
.venvs/%/ready: .venvs/%/filled $(wildcard setup.py src/clarion/*/*.[ch])
	@$(UV) pip install -q --python .venvs/$*/bin/python --no-build-isolation --no-deps \
		--reinstall-package clarion-signals --editable . 2>/dev/null || \
		$(PYPI) --no-build-isolation --editable .
	@touch $@

.PHONY: help demo load test coverage extras first-time engines test-next quick lint format types layers docs \
	linkcheck wheel asan bench \
	bench-durable bench-short instructions chaos downstream downstream-short changelog dev clean python
.PRECIOUS: .venvs/%/filled .venvs/%/ready
.NOTPARALLEL: # two parallel builds would write into one egg-info
