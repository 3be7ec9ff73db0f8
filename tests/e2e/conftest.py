"""A running desk and a browser, in words of the domain: tests say what a technician does and sees."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.programs import Desk, desk, need, until

FLAGS = ("no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking")
MORE_FLAGS = ("disable-component-update", "disable-sync")
# The suggestions of the address bar are pages of their own and cost each window more than ours. The others are those
# that Playwright turns off: Chromium goes by the last list it is given.
OFF = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    *("AimEnabled", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying"),
    *("OptimizationHints", "PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning"),
)
# `make screenshots` sets it; else pictures go to a folder that nobody keeps.
PICTURES = os.environ.get("SCREENSHOTS_DIR")
FAILED = pytest.StashKey[bool]()
# What a message that left may say: the simulator delivers it, and its person reads it, a moment later.
LEFT = re.compile("Enviado|Entregado|Leído")
phones = count(4771000001)
sessions: dict[tuple[str, str], list[Any]] = {}
expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = need(shutil.which("chromium") or shutil.which("google-chrome"), "chromium")
    flags = [f"--{flag}" for flag in (*FLAGS, *MORE_FLAGS, f"disable-features={','.join(OFF)}")]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=flags)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("e2e")) as started:
        yield started


@pytest.fixture
def phone() -> str:
    """The number of a person nobody knows yet."""
    return f"+52{next(phones)}"


class Screen:
    """One browser tab at the desk."""

    def __init__(self, page: Page, running: Desk, pictures: Path) -> None:
        self.page, self.running, self.pictures = page, running, pictures
        self.violations: list[str] = []
        self.dialogs: list[str] = []
        page.on("console", lambda message: self.note(message.text))
        page.on("pageerror", lambda error: self.violations.append(str(error)))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def note(self, text: str) -> None:
        if "Content Security Policy" in text or "Refused to" in text:
            self.violations.append(text)

    def log_in(self, username: str = "tecnico") -> None:
        """With the session of an earlier test where there is one: hashing a password takes longer than most tests."""
        key = (self.running.url, username)
        self.page.context.clear_cookies()
        self.page.context.add_cookies(sessions.get(key, []))
        self.page.goto(self.running.url)
        if (name := self.page.get_by_label("Usuario")).count():
            name.fill(username)
            self.page.get_by_label("Contraseña").fill(f"{username}-demo")
            self.page.get_by_role("button", name="Entrar").click()
        expect(self.page.get_by_role("heading", level=1)).to_be_attached()
        sessions[key] = self.page.context.cookies()

    def row(self, ticket: int) -> Locator:
        return self.page.locator(f"tr[data-ticket='{ticket}']")

    def open(self, ticket: int, panel: str = "chat") -> Locator:
        """Click one of the row's three buttons; returns the panel once its content is there."""
        self.row(ticket).locator(f"[data-abrir='{panel}']").click()
        return self.panel(panel)

    def panel(self, name: str = "chat") -> Locator:
        panel = self.page.locator(f"dialog#{name}[open]")
        expect(panel).to_have_attribute("data-vista", re.compile("listo|vacio"))
        return panel

    def write(self, text: str) -> None:
        self.page.locator("#chat-texto").fill(text)
        self.page.locator("#chat-texto").press("Enter")

    def bubble(self, text: str) -> Locator:
        return self.page.locator("#chat-lista .mensaje", has=self.page.locator(".texto", has_text=text))

    def picture(self, name: str) -> None:
        if self.page.locator("#estado-whatsapp").count():
            expect(self.page.locator("#estado-whatsapp")).to_be_visible()
        self.page.screenshot(path=self.pictures / f"{name}.png", animations="disabled")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(
        viewport={"width": 1440, "height": 860},
        locale="es-MX",
        timezone_id="America/Mexico_City",
        reduced_motion="reduce",  # without a graphics card an animation costs more than all the rest
    )
    yield opened
    opened.close()


@pytest.fixture
def screen(context: BrowserContext, running: Desk, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Screen]:
    """A technician's screen, logged in; on failure its picture is kept beside the test's temporary files."""
    if "ticket" in request.fixturenames:
        request.getfixturevalue("ticket")  # is in the table from the beginning
    until(lambda: running.get("/estado")["whatsapp"] == "conectado", 15)
    shown = Screen(context.new_page(), running, Path(PICTURES) if PICTURES else tmp_path)
    shown.log_in()
    yield shown
    running.simulate(conexion="conectado", falla="ninguna")
    if request.node.stash.get(FAILED, False):
        shown.page.screenshot(path=tmp_path / "final.png")
    assert not shown.violations, f"la página tuvo errores: {shown.violations}"
    assert not shown.dialogs


@pytest.fixture
def ticket(running: Desk, phone: str) -> int:
    """The ticket of a person who has just written and gave their name."""
    running.write(phone, "Mi laptop no enciende")
    return running.ticket_of(phone)
