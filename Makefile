# The two commands: `make run` and `make test`. Everything else is in CONTRIBUTING.md.
PYTHON ?= python3
# These start real programs, and drive a browser whose event loop Django's own tests must not meet.
# The longest files come first, so that both workers end at about the same time.
PROCESS_TESTS := $(wildcard tests/chaos tests/test_processes.py tests/e2e/test_chat.py tests/e2e/test_media.py tests/test_production.py tests/test_drill.py tests/test_plans.py tests/test_postgres.py tests/test_live.py tests/e2e tests/test_broker.py tests/test_web.py tests/test_make.py)
BIN := .venv/bin
CI_SETTINGS := ENV_FILE=/dev/null DATA_DIR=$(CURDIR)/data/lint SECRET_KEY=solo-para-revisar-la-configuracion-0123456789abcdefghijklmnop

# Without compiled files every process compiles all of the desk anew: a second of each start, and tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: bench bench-big bench-estadisticas chaos conformidad gap properties run test lint format screenshots check-python

run: .venv/run .env
	@$(BIN)/python manage.py arrancar || test $$? -eq 130

test: .venv/dev
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(addprefix --ignore=,$(PROCESS_TESTS))
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 10 $(PROCESS_TESTS)

# Hours of kills and faults, written to docs/chaos.md. One run, shorter: make chaos CHAOS="h-webhooks --scale 0.1"
chaos: .venv/dev
	@$(BIN)/python -m tests.chaos --write $(CHAOS)

# Thousands of random histories, and every planted bug. A failure names its seed: make properties PROPERTIES_SEED=7
properties: .venv/dev
	@PROPERTIES=long PROPERTIES_SEED=$(PROPERTIES_SEED) $(BIN)/python -m pytest -n 2 -rP tests/properties

# The goals, measured beside a control, into docs/benchmarks.md. Some of them: make bench BENCH="poll hang --scale 0.2"
bench: .venv/dev
	@$(BIN)/python -m tests.benchmarks $(BENCH)

# Among five million messages.
bench-big: .venv/dev
	@$(BIN)/python -m tests.benchmarks conversation-large $(BENCH)

# /estadisticas among 100,000 tickets of a year, into docs/statistics-figures.md.
bench-estadisticas: .venv/dev
	@$(BIN)/python -m tests.benchmarks.statistics 100000

gap: .venv/dev
	@$(BIN)/python -m tests.benchmarks.first_byte 5000

# Whether our adapters ask what the gateways' OpenAPI files say. The files are not ours: make conformidad OPENAPI_DIR=<folder>
conformidad: .venv/dev
	@test -n "$(OPENAPI_DIR)" || { echo "Di dónde están los archivos OpenAPI: make conformidad OPENAPI_DIR=<carpeta>"; exit 2; }
	@$(BIN)/python -m tests.conformity "$(OPENAPI_DIR)"

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CI_SETTINGS) DEBUG=true $(BIN)/mypy
	$(BIN)/lint-imports
	$(CI_SETTINGS) DEBUG=true $(BIN)/python manage.py makemigrations --check --dry-run
	$(CI_SETTINGS) ALLOWED_HOSTS=mesa.example.org WAHA_URL=http://waha:3000 WAHA_HMAC_KEY=x $(BIN)/python manage.py check --deploy --fail-level WARNING

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: .venv/dev
	@SCREENSHOTS_DIR=docs/img $(BIN)/python -m pytest tests/e2e/test_walk.py tests/e2e/test_days.py tests/e2e/test_person.py tests/e2e/test_admin_pictures.py

.env:
	@cp .env.example .env

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Se necesita Python 3.11 o más nuevo ($(PYTHON)). En Debian y Ubuntu: sudo apt install python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Falta python3-venv, sin el que no se puede crear .venv. En Debian y Ubuntu: sudo apt install python3-venv"; exit 1; }

.venv/run: requirements.txt | check-python
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "Instalando lo necesario en .venv …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt requirements-push.txt requirements.txt | check-python
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "Instalando lo necesario para las pruebas en .venv …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
