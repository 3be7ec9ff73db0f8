"""A technician's morning and a supervisor's Friday, all through the desk, with the pictures of the README's tour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.conftest import LEFT, PICTURES, Screen
from tests.fake_model import KEY, FakeModel, chat, fake_model, thought
from tests.origin import Origin
from tests.programs import Desk, desk, until

SMALL = {"width": 1240, "height": 720}
STEPS = ["Conecta el cargador y espera un minuto", "Mantén presionado el botón de encendido diez segundos"]
SUGGESTED = "Hola Juan, paso a verla en diez minutos. ¿Es la misma que falló en febrero?"
# The number of the ticket that Juan had at the origin: beyond those of the demo.
IMPORTED = 40


@pytest.fixture(scope="module")
def model() -> Iterator[FakeModel]:
    with fake_model() as made:
        yield made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, browser: Browser, model: FakeModel) -> Iterator[Desk]:
    """A desk of its own: the demo's tickets and an imported one, so that the pictures show nothing else."""
    folder = tmp_path_factory.mktemp("days")
    settings = {"ASISTENTE_URL": model.url, "ASISTENTE_MODELO": "prueba", "ASISTENTE_API_KEY": KEY}
    with desk(folder, **settings) as started:
        origin = Origin(folder / "tickets.db")
        origin.add(IMPORTED, estado="Resuelto")
        started.manage("importar_mesa_de_ayuda", str(origin.path))
        yield started


@pytest.fixture
def boss(browser: Browser, running: Desk, tmp_path: Path) -> Iterator[Screen]:
    """Sofía's screen, in a browser of her own."""
    context = browser.new_context(
        viewport=SMALL, locale="es-MX", timezone_id="America/Mexico_City", reduced_motion="reduce"
    )
    shown = Screen(context.new_page(), running, Path(PICTURES) if PICTURES else tmp_path)
    shown.log_in("supervisor")
    yield shown
    context.close()
    assert not shown.violations


class Phone:
    """Juan's phone in the simulator."""

    def __init__(self, page: Page, running: Desk) -> None:
        self.running = running
        page.goto(running.simulator_url)
        self.screen = page.locator(".telefono").first

    def say(self, text: str) -> None:
        self.screen.locator("textarea").fill(text)
        self.screen.locator("textarea").press("Enter")

    def answer(self, text: str) -> None:
        """Say it, and wait for what the assistant says to it."""
        before = len(self.running.accepted())
        self.say(text)
        until(lambda: len(self.running.accepted()) > before, what="lo que dice el asistente")


def figure(page: Page, title: str) -> Locator:
    """The card of one figure."""
    return page.locator(".tarjetas .tarjeta", has=page.get_by_role("heading", name=title))


def test_a_technicians_morning(
    screen: Screen, boss: Screen, context: BrowserContext, running: Desk, model: FakeModel
) -> None:
    page, box = screen.page, screen.page.locator("#chat-texto")
    page.set_viewport_size(SMALL)
    phone = Phone(context.new_page(), running)

    # A person of the origin writes. The model reads several fields from their words, and offers what they can try.
    told = {"equipo": "Laptop", "activo": "ACT-0042", "falla": "no enciende", "categoria": "Hardware", "pasos": STEPS}
    model.behaves(thought(**told))
    phone.answer("Hola, otra vez mi laptop ACT-0042 no enciende")
    expect(phone.screen).to_contain_text(STEPS[0])
    phone.answer("No, sigue igual")
    row = page.locator("tr[data-ticket]", has_text="Juan Pérez").first
    for text in ("Contabilidad", "Laptop", "ACT-0042", "Hardware"):
        expect(row).to_contain_text(text)
    screen.picture("recorrido-llega")
    ticket = int(row.get_attribute("data-ticket") or 0)

    # Ana takes it, looks at what he had before, asks a colleague in a note, and answers with what the model suggests.
    screen.open(ticket)
    page.locator("#chat-tomar").click()
    expect(page.locator("#chat-tecnico")).to_have_text("Lo atiendes tú")
    page.locator("#chat-persona").click()
    expect(page.locator("#persona")).to_contain_text("2 tickets")
    imported = page.locator(f"#persona .persona-ticket[data-capitulo='{IMPORTED}']")
    expect(imported).to_contain_text("Mi laptop no enciende")
    screen.picture("recorrido-persona")
    page.keyboard.press("Escape")
    page.locator("#chat-nota").click()
    box.press_sequentially("@sof")
    expect(page.locator("#chat-menciones").get_by_role("option", name="Sofía Soto")).to_be_visible()
    box.press("Enter")
    box.press_sequentially("¿nos queda una batería?")
    box.press("Enter")
    expect(screen.bubble("¿nos queda una batería?").locator(".mencion")).to_have_text("@Sofía Soto")
    expect(boss.page.get_by_role("link", name="Menciones 1")).to_be_visible()
    model.behaves(chat({"sugerencia": SUGGESTED}))
    page.get_by_role("button", name="Sugerir respuesta").click()
    expect(box).to_have_value(SUGGESTED)
    screen.picture("recorrido-sugerencia")
    box.press("Enter")
    expect(screen.bubble("diez minutos")).to_contain_text(LEFT)
    expect(phone.screen).to_contain_text("diez minutos")
    assert "batería" not in phone.screen.inner_text()
    phone.say("Sí, la misma. Aquí te espero")
    expect(screen.bubble("Aquí te espero")).to_be_visible()
    screen.picture("recorrido-chat")

    # It goes to Sofía with a note, and she ends it with a quick reply.
    page.get_by_role("button", name="Transferir", exact=True).click()
    form = page.locator("#chat-transferencia")
    form.locator("select").select_option(label="Sofía Soto")
    form.locator("input").fill("Es la batería: tú tienes la de repuesto")
    screen.picture("recorrido-transferir")
    form.get_by_role("button", name="Transferir").click()
    expect(page.locator("#chat-tecnico")).to_have_text("Lo atiende Sofía Soto")
    boss.open(ticket)
    expect(boss.bubble("la de repuesto")).to_be_visible()
    words = boss.page.locator("#chat-texto")
    words.press_sequentially("/equipo listo")
    expect(boss.page.locator("#chat-respuestas [role=option]")).to_have_count(1)
    boss.picture("recorrido-respuesta-rapida")
    words.press("Enter")
    expect(words).to_have_value(re.compile(f"ticket #{ticket}"))
    words.press("Enter")
    expect(phone.screen).to_contain_text(f"ya está listo (ticket #{ticket})")
    boss.page.locator("#chat-estado").select_option("Resuelto")
    expect(page.locator("#chat-estado")).to_have_value("Resuelto")

    # Statistics count it, and lead back to it.
    boss.page.goto(f"{running.url}/estadisticas?periodo=hoy&medida=resolucion")
    figure(boss.page, "Resolución").get_by_role("link", name="resuelto").click()
    expect(boss.page.locator("table.lista")).to_contain_text(f"#{ticket}")


def test_a_supervisors_friday(boss: Screen, running: Desk) -> None:
    page = boss.page
    page.get_by_role("link", name="Estadísticas").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Estadísticas")
    boss.picture("recorrido-estadisticas")

    # What is behind a figure, and the chat behind that.
    figure(page, "Primera respuesta").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Primeras respuestas")
    boss.picture("recorrido-detras-de-una-cifra")
    page.locator("table.lista tbody a").first.click()
    expect(boss.panel().locator("#chat-lista .mensaje").first).to_be_visible()

    # This week and the one before, and all of it as a file.
    page.goto(f"{running.url}/estadisticas")
    page.get_by_role("link", name="7 días", exact=True).click()
    expect(figure(page, "Tickets nuevos")).to_contain_text("que los 7 días anteriores")
    with page.expect_download() as download:
        page.get_by_role("link", name="Descargar CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert text.startswith("Periodo,Medida,Por,Grupo,Casos")
    assert "Primera respuesta,Técnico,Ana Ruiz" in text

    # A holiday that the calendar lacks; what it changed is in the audit.
    page.goto(f"{running.url}/admin/tickets/holiday/add/")
    page.get_by_label("Fecha").fill("20/11/2026")
    page.get_by_label("Nombre").fill("Aniversario de la empresa")
    page.get_by_role("button", name="Guardar", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("se vuelven a contar")
    page.get_by_role("button", name="Cargar").click()
    expect(page.locator("#result_list")).to_contain_text("Aniversario de la empresa")
    boss.picture("recorrido-festivos")
    page.goto(f"{running.url}/estadisticas")
    expect(page.locator(".que-cuenta")).to_contain_text("sin los días festivos")
    page.goto(f"{running.url}/admin/chat/auditentry/")
    expect(page.locator("#result_list")).to_contain_text("Aniversario de la empresa")

    # The books add up.
    page.goto(f"{running.url}/admin/chat/message/libros/")
    expect(page.locator(".libros-bien")).to_have_text("✓ Todo cuadra.")
    boss.picture("recorrido-libros")

    # Sending pauses, the desk says so, and it goes on.
    for action, said in (("Pausar el envío", "Envío en pausa"), ("Reanudar el envío", "WhatsApp conectado")):
        page.goto(f"{running.url}/admin/whatsapp/connection/")
        page.locator("#action-toggle").check()
        page.locator("select[name=action]").select_option(label=action)
        page.get_by_role("button", name="Ejecutar").click()
        page.goto(running.url)
        expect(page.locator("#estado-whatsapp")).to_contain_text(said)
