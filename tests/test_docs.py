"""What the pages say is what the project is: settings, addresses, moves, links, commands and words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.urls.exceptions import Resolver404

from chat.models import MOVES, Delivery
from tests.programs import ROOT
from whatsapp.simulator.faults import FAULTS

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
LARGEST_PICTURE = 200 * 1024


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """What stands under `heading` (with its #s), up to the next heading of the same level or higher."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{level}}} |\Z)", text_of(page), re.MULTILINE | re.DOTALL)
    assert found, f"{page} no tiene «{heading}»"
    return found[1]


def table_rows(text: str) -> list[list[str]]:
    """The cells of each row of the first table in `text`, without its head."""
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def words_in(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def test_the_settings_table_of_the_readme_is_env_example() -> None:
    documented = [next(iter(words_in(row[0]))) for row in table_rows(section("README.md", "## Settings"))]
    example = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text_of(".env.example"), re.MULTILINE)
    assert sorted(documented) == sorted(example)


def test_every_setting_that_is_read_is_in_env_example() -> None:
    read = set(re.findall(r"(?:env\.\w+|number|port|choice)\(\s*\"([A-Z][A-Z0-9_]+)\"", text_of("config/settings.py")))
    example = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text_of(".env.example"), re.MULTILINE))
    assert read - {"ENV_FILE"} == example


def test_the_table_of_moves_is_the_table_in_the_code() -> None:
    rows = table_rows(section("docs/delivery.md", "## States and moves"))
    written = {next(iter(words_in(row[0]))): words_in(row[2]) for row in rows}
    assert written == {str(state): set(map(str, MOVES.get(state, ()))) for state in Delivery}
    assert {next(iter(words_in(row[0]))): row[1] for row in rows} == {str(s): s.label for s in Delivery}


def test_the_manual_explains_every_state_by_its_label() -> None:
    rows = table_rows(section("docs/manual.md", "## Estados y palomitas"))
    explained = {found[1] for row in rows if (found := re.search(r"\*\*(.+?)\*\*", row[0]))}
    assert explained == {state.label for state in Delivery}


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every address of the URLconf, with its parameters as {name}; the administration's own are one."""
    for found in resolver.url_patterns:
        path = before + str(found.pattern)
        if isinstance(found, URLResolver):
            if path == "admin/":
                yield "/admin/", None
            else:
                yield from patterns(found, path)
        elif isinstance(found, URLPattern):
            named = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
            yield "/" + re.sub(r"{(ticket|reply)_id}", "{id}", named), found.callback


def documented_addresses() -> dict[str, str]:
    rows = table_rows(section("docs/api.md", "## All addresses"))
    return {next(iter(words_in(row[1]))): row[0] for row in rows}


def test_every_address_of_the_desk_is_documented_and_the_reverse() -> None:
    assert sorted(documented_addresses()) == sorted({path for path, _ in patterns(get_resolver())})


@pytest.mark.parametrize("path", sorted(documented_addresses()))
def test_a_documented_address_exists(path: str) -> None:
    filled = path.replace("{id}", "1").replace("{seq}", "1").replace("{gateway}", "waha").replace("{topic}", "call")
    try:
        resolve(filled)
    except Resolver404:
        pytest.fail(f"{path} no existe")


PROGRAMS = [path for path in sorted(documented_addresses()) if path not in ("/", "/entrar", "/salir", "/admin/")]


@pytest.mark.parametrize("path", PROGRAMS)
def test_an_address_takes_the_documented_methods_and_no_other(path: str, desk: Client) -> None:
    filled = path.replace("{id}", "1").replace("{seq}", "1").replace("{gateway}", "waha").replace("{topic}", "call")
    taken = {
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if desk.generic(method, filled, content_type="application/json").status_code != 405
    }
    assert taken == set(documented_addresses()[path].split(", "))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_resolve(page: Path) -> None:
    broken = []
    for target in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.is_file() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_in_code_marks_exist(page: Path) -> None:
    named = re.findall(r"`((?:config|chat|tickets|whatsapp|tests|templates|docs)/[\w./-]+)`", page.read_text())
    invented = ("otro", "payloads/otro")
    missing = [name for name in named if not (ROOT / name).exists() and not any(word in name for word in invented)]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", text_of("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`|\$ |=\S+ )make ([a-z][\w-]*)", page.read_text(), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_management_command_that_is_named_exists(page: Path) -> None:
    ours = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    named = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text()))
    assert named <= ours | {"migrate", "collectstatic", "createsuperuser", "check"}


def test_pictures_are_light_and_all_of_them_are_used() -> None:
    pictures = sorted((ROOT / "docs" / "img").glob("*.png"))
    assert pictures
    assert not [picture.name for picture in pictures if picture.stat().st_size > LARGEST_PICTURE]
    text = "".join(page.read_text() for page in PAGES)
    unused = {picture.name for picture in pictures if f"img/{picture.name}" not in text}
    assert not unused


def test_the_faults_in_the_readme_are_the_simulators() -> None:
    text = section("README.md", "## The simulator's control interface")
    rows = table_rows(text[text.index("| `falla` | ") :])
    reaches = {next(iter(words_in(row[0]))): row[2] == "yes" for row in rows}
    del reaches["conexion: desconectado"]
    assert reaches == {name: fault.accepts for name, fault in FAULTS.items()}
