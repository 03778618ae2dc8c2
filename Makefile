# Everything worth doing with this tree, on a Debian 12, as root.  Each target sets up what it needs first.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test bench proof mutants setup lint lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## two telephone systems in a box; the active one loses its power
	@scripts/setup demo
	@.venv/bin/redundancy-lab play primary_lost

test: ## lint, types, arrows, and every test
	@scripts/setup test
	@scripts/test

bench: ## the figures, each beside a peer
	@scripts/setup bench
	@.venv/bin/python -m bench

proof: ## every state of the decision within bounds; writes its figures into docs/proof.md
	@scripts/setup test
	@.venv/bin/redundancy-sim explore --into docs/proof.md

mutants: ## each rule damaged on purpose: a test or a law must notice
	@scripts/setup test
	@.venv/bin/python -m mutants

setup: ## apt packages and .venv, and nothing more
	@scripts/setup test

lint: ## the checks that run nothing
	@scripts/setup test
	@scripts/lint

lock: ## ask anew which versions to test with (requirements.lock)
	@scripts/lock

clean: ## what set-up and tools have left in this tree
	@rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find redundancyd tests bench mutants -name __pycache__ -prune -exec rm -rf {} +
