# Everything that is done to video-rag by hand or by a machine. `make` alone lists it.
# Needs make, git and Python 3.11 or later with its venv module; everything else goes into .venv.

.DEFAULT_GOAL := help
.PHONY: help setup quickstart test lint fix bench fuzz properties chaos airflow logs docker-test docs picture site audit dist clean

BIN := .venv/bin
UV = $(shell command -v uv || echo .boot/bin/uv)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: ## install everything into .venv; does nothing when that is done
	@sh scripts/setup.sh

quickstart: setup ## add the sample lecture and ask two questions about it
	@$(BIN)/python scripts/quickstart.py

test: setup ## run the tests; ARGS='-k words tests/unit' narrows them
	@sh scripts/install-test-packages.sh
	@sh scripts/install-s3rver.sh
	@sh scripts/install-deploy-tools.sh
	@$(BIN)/pytest -n auto -m 'not airflow and not logs' $(ARGS)

lint: setup ## check format, style, types, layers, lengths and spelling
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/max_lines.py
	$(BIN)/codespell

fix: setup ## repair what lint can repair by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/codespell --write-changes

bench: setup ## measure retrieval, answers, key frames, the whole of add, Dify and downloads; takes minutes, see benchmarks/README.md
	@$(BIN)/python benchmarks/retrieval/run.py
	@rm -f build/answers/bench.jsonl
	@$(BIN)/python benchmarks/answers/run.py --results build/answers/bench.jsonl
	@$(BIN)/python benchmarks/answers/judge.py build/answers/bench.jsonl
	@[ -e build/slides ] || $(BIN)/python benchmarks/slides/make.py build/slides
	@$(BIN)/python benchmarks/slides/run.py build/slides
	@$(BIN)/python benchmarks/pipeline/run.py
	@$(BIN)/python benchmarks/dify/run.py
	@$(BIN)/python benchmarks/downloads/run.py
	@sh scripts/install-s3rver.sh
	@$(BIN)/python benchmarks/bucket/run.py
	@$(BIN)/python benchmarks/startup/run.py

fuzz: setup ## damage subtitles and media files for five minutes at most; SEED=7 repeats a run
	@$(BIN)/python -m fuzz $(SEED)

chaos: setup ## kill workers, restart servers and cut hosts off for ten minutes; needs root; SECONDS=120 VIDEOS=40 make it smaller
	@sh scripts/install-test-packages.sh
	@PYTHONPATH=.:tests $(BIN)/python -m chaos $(SEED)

properties: setup ## run the tests that make their own examples, with new ones each time
	@$(BIN)/pytest -n auto --hypothesis-profile=further -m hypothesis $(ARGS)

airflow: setup ## run the DAGs in Airflow 3 and 2.11, each in its own environment; takes minutes
	@$(BIN)/pytest -p no:randomly tests/unit/test_airflow_client.py tests/integration/test_airflow.py $(ARGS)

docker-test: setup ## build the images and start deploy/ on a Docker engine of its own; needs root on Debian, takes ten minutes
	@PYTHONPATH=. $(BIN)/python -m containers

logs: setup ## ship a real run's log through rsyslog into a real Elasticsearch (Maven, a JDK of 21 or later); a minute
	@sh scripts/install-test-packages.sh
	@$(BIN)/pytest -p no:randomly -m logs tests/integration/test_log_shipping.py $(ARGS)

docs: setup ## write anew what documents take from the code: reference, shown output
	@$(BIN)/python scripts/reference.py
	@$(BIN)/python scripts/transcripts.py

picture: setup ## make the READMEs' pictures of the app anew, from the running app; needs Chromium
	@$(BIN)/python scripts/picture.py

site: setup ## build the documentation's site into build/site, with checked links
	@sh scripts/site.sh

audit: setup ## ask PyPI for known weaknesses of what uv.lock names
	@mkdir -p build
	@$(UV) export --quiet --locked --all-extras --no-emit-project --output-file build/audited.txt >/dev/null
	@$(BIN)/pip-audit --requirement build/audited.txt --require-hashes --disable-pip --progress-spinner off

dist: setup ## build the packages for PyPI into dist
	@rm -rf dist
	@$(UV) build --quiet --out-dir dist

clean: ## remove everything that was made here, .venv included
	rm -rf .venv .boot .airflow2 .airflow3 .quickstart build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
