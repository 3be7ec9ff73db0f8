"""compose.yaml, the Dockerfile, the Caddyfile and the units of systemd say the same, and are hardened."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests.production import PROCESSES
from tests.programs import ROOT, need

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"migrate", "respaldo"}
STAYING = sorted(set(SERVICES) - ONCE)
UNITS = ROOT / "deploy" / "systemd"


def test_compose_has_the_processes_of_the_procfile_and_what_they_need() -> None:
    assert set(STAYING) == {*PROCESSES, "caddy", "postgres", "redis"}


@pytest.mark.parametrize("name", PROCESSES)
def test_every_way_to_start_a_process_is_the_same_command(name: str) -> None:
    line = PROCESSES[name]
    assert SERVICES[name]["command"] == line.replace('"${DATA_DIR:-data}/beat"', "/data/beat")
    unit = (UNITS / f"chat-en-vivo-{name}.service").read_text()
    started = re.search(r"^ExecStart=/opt/chat-en-vivo/.venv/bin/(.+)$", unit, re.MULTILINE)
    assert started
    assert started[1] == line.replace('"${DATA_DIR:-data}/beat"', "${DATA_DIR}/beat")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_bounded_and_may_write_nowhere_but_in_its_volumes(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["user"].split(":")[0] not in ("0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] and service["cpus"]
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")


@pytest.mark.parametrize("name", STAYING)
def test_every_container_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", PROCESSES)
def test_the_desk_starts_after_its_migrations_and_what_it_needs(name: str) -> None:
    assert {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()} == {
        "migrate": "service_completed_successfully",
        "postgres": "service_healthy",
        "redis": "service_healthy",
    }


def test_only_the_proxy_is_reached_from_outside_and_only_it_is_believed() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]
    address = SERVICES["caddy"]["networks"]["default"]["ipv4_address"]
    assert {SERVICES[name]["environment"]["TRUSTED_PROXIES"] for name in PROCESSES} == {address}


def test_the_image_holds_what_the_desk_needs_and_no_secret_nor_test() -> None:
    kept = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert {"manage.py", "chat", "config", "templates", "tickets", "whatsapp", "requirements*.txt"} <= kept
    assert not {name for name in kept if name.startswith((".env", "tests", "data", ".git"))}
    scripts = {word for service in SERVICES.values() for word in str(service.get("healthcheck")).split("'")}
    assert {word for word in scripts if word.endswith(".py")} <= kept


def test_the_proxy_takes_the_largest_file_that_the_desk_takes() -> None:
    limit = re.search(r"max_size \{\$CUERPO_MAX:(\d+)MB\}", (ROOT / "Caddyfile").read_text())
    assert limit
    assert int(limit[1]) * 10**6 > settings.ADJUNTO_MAX_MB * 2**20
    assert SERVICES["caddy"]["environment"]["CUERPO_MAX"] == f"${{CUERPO_MAX:-{limit[1]}MB}}"


def test_the_proxy_lets_go_of_idle_connections_before_the_web_process_does() -> None:
    idle = re.search(r"\bkeepalive (\d+)s", (ROOT / "Caddyfile").read_text())
    kept = re.search(r"^KEEP_ALIVE_S = (\d+)$", (ROOT / "config" / "web.py").read_text(), re.MULTILINE)
    assert idle and kept
    assert int(idle[1]) < int(kept[1])


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units, of a desk that is installed where we are."""
    folder = tmp_path_factory.mktemp("systemd") / "units"
    shutil.copytree(UNITS, folder)
    for path in [*folder.glob("*.service"), *folder.glob("*/*.conf")]:
        text = path.read_text().replace("/opt/chat-en-vivo/.venv/bin", str(Path(sys.executable).parent))
        path.write_text(text.replace("/opt/chat-en-vivo", str(ROOT)))
    return folder


def systemd_analyze(units: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = need(shutil.which("systemd-analyze"), "systemd")
    environment = {"SYSTEMD_UNIT_PATH": f"{units}:", "PATH": "/usr/bin:/bin"}
    command = [program, *arguments]
    return subprocess.run(command, cwd=units, env=environment, capture_output=True, text=True, check=False)


def test_systemd_accepts_the_units(units: Path) -> None:
    names = sorted(path.name for path in units.iterdir() if path.is_file())
    result = systemd_analyze(units, "verify", "--man=no", *(f"./{name}" for name in names))
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", [*PROCESSES, "migrate", "respaldo"])
def test_systemd_calls_every_unit_well_confined(units: Path, name: str) -> None:
    unit = f"chat-en-vivo-{name}.service"
    result = systemd_analyze(units, "security", "--offline=yes", "--threshold=20", "--no-pager", unit)
    assert result.returncode == 0, result.stdout.strip().splitlines()[-1]
