"""A desk with a model: a person's interview, and what the technician is offered. The model is a socket of ours."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.axe import looked_at
from tests.e2e.conftest import LEFT, Screen
from tests.fake_model import KEY, FakeModel, after, chat, fake_model, raw, thought
from tests.programs import Desk, desk, stop, until

TOLD = {"nombre": "Juan Pérez", "departamento": "Ventas", "equipo": "Laptop", "activo": "ACT-0042"}
STEPS = ["Conecta el cargador", "Enciéndela de nuevo"]
TEXT = "Hola Juan, ¿ya probaste con otro cargador?"
SUMMARY = "Falla: la laptop no enciende.\nIntentado: otro cargador.\nFalta: revisar la batería."


@pytest.fixture(scope="module")
def model() -> Iterator[FakeModel]:
    with fake_model() as made:
        yield made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, browser: Browser, model: FakeModel) -> Iterator[Desk]:
    settings = {"ASISTENTE_URL": model.url, "ASISTENTE_MODELO": "prueba", "ASISTENTE_API_KEY": KEY}
    with desk(tmp_path_factory.mktemp("modelo"), ASISTENTE_ESPERA_S="3", **settings) as started:
        yield started


def test_a_suggestion_is_a_marked_draft_that_only_the_technician_sends(
    screen: Screen, running: Desk, ticket: int, model: FakeModel
) -> None:
    page, box, strip = screen.page, screen.page.locator("#chat-texto"), screen.page.locator("#chat-sugerencia")
    held, asked = threading.Event(), len(model.requests)
    screen.open(ticket)
    expect(screen.bubble("Hola").locator(".pie")).to_contain_text(LEFT)
    sent = running.accepted()
    button = page.get_by_role("button", name="Sugerir respuesta")

    # Cancelled: nothing comes of it. Then once more, with an impatient second click.
    model.behaves(after(held, chat({"sugerencia": "tarde"})))
    button.click()
    expect(strip).to_contain_text("Pensando una sugerencia…")
    button.dispatch_event("click")
    screen.picture("sugerencia-pensando")
    strip.get_by_role("button", name="Cancelar").click()
    expect(strip).to_be_hidden()
    held.set()
    assert len(model.requests) == asked + 1
    model.otherwise = chat({"sugerencia": TEXT})
    # The server may still be with the cancelled one, and says so.
    button.click()
    expect(strip).to_contain_text(re.compile("revísala|todavía está con tu petición"))
    if (retry := strip.get_by_role("button", name="Reintentar")).count():
        retry.click()
    expect(strip).to_contain_text("Sugerencia, revísala antes de enviarla.")
    expect(box).to_have_value(TEXT)
    screen.picture("sugerencia")
    assert looked_at(page) == ""

    # It is kept as what it is, may be taken out, and is sent only by hand.
    page.reload()
    expect(strip).to_contain_text("Sugerencia, revísala")
    expect(box).to_have_value(TEXT)
    strip.get_by_role("button", name="Quitar").click()
    expect(box).to_have_value("")
    expect(strip).to_be_hidden()
    button.click()
    expect(box).to_have_value(TEXT)
    assert running.accepted() == sent
    box.fill(f"{TEXT} Te espero.")
    box.press("Enter")
    expect(screen.bubble("Te espero.").locator(".pie")).to_contain_text(LEFT)
    expect(strip).to_be_hidden()

    # What was written meanwhile stays as it is.
    held = threading.Event()
    model.behaves(after(held, chat({"sugerencia": TEXT})))
    button.click()
    box.fill("Espera")
    held.set()
    expect(strip).to_contain_text("Sugerencia lista")
    expect(box).to_have_value("Espera")
    strip.get_by_role("button", name="Usarla").click()
    expect(box).to_have_value(f"{TEXT}\nEspera")

    # Nor does it get into a note: it is offered until that is saved.
    held = threading.Event()
    model.behaves(after(held, chat({"sugerencia": TEXT})))
    box.fill("")
    button.click()
    page.locator("#chat-nota").click()
    box.fill("Le falta el cargador")
    held.set()
    strip.get_by_role("button", name="Usarla").click()
    expect(strip).to_contain_text("Termina la nota interna para usar la sugerencia")
    expect(box).to_have_value("Le falta el cargador")
    screen.picture("sugerencia-en-nota")
    box.press("Enter")
    strip.get_by_role("button", name="Usarla").click()
    expect(box).to_have_value(TEXT)

    # A failure says what happened.
    model.behaves(raw(b"", 500))
    button.click()
    expect(strip).to_contain_text("El modelo respondió con un error.")
    expect(strip.get_by_role("button", name="Reintentar")).to_be_visible()
    screen.picture("sugerencia-error")
    strip.get_by_role("button", name="Cerrar").click()
    expect(strip).to_contain_text("Sugerencia, revísala")  # what it wrote before is still in the box


def test_a_long_thread_is_summarized_on_a_card_that_is_no_message(
    screen: Screen, running: Desk, ticket: int, model: FakeModel
) -> None:
    page, card = screen.page, screen.page.locator("#chat-resumen")
    screen.open(ticket)
    expect(page.locator("#chat-resumir")).to_be_hidden()
    for number in range(20):
        running.send(ticket, f"Mensaje {number}")
    model.behaves(chat({"resumen": SUMMARY}))
    page.locator("#chat-resumir").click()
    expect(card).to_contain_text("Intentado: otro cargador.")
    expect(card).to_contain_text("no es un mensaje")
    screen.picture("resumen")
    for name, scheme, width in (("oscuro", "dark", 1440), ("celular", "light", 390)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 860})
        screen.picture(f"resumen-{name}")
    assert looked_at(page) == ""
    assert not [entry for entry in running.history(ticket) if "batería" in entry["content"]]
    card.get_by_role("button", name="Cerrar").click()
    expect(card).to_be_hidden()


def test_one_message_fills_the_ticket_and_a_killed_process_answers_once(
    running: Desk, phone: str, model: FakeModel
) -> None:
    model.otherwise = thought(**TOLD, falla="mi laptop no enciende", categoria="Hardware", pasos=STEPS)
    model.behaves(lambda handler: running.running["web"].send_signal(signal.SIGKILL))
    asked = len(model.requests)
    running.write(phone, "Soy Juan Pérez de Ventas, mi laptop ACT-0042 no enciende")
    until(lambda: len(model.requests) > asked)
    stop(running.running["web"])
    running.start("web", sys.executable, "-m", "config.serve")
    until(running.well, 30)
    ticket = running.ticket_of(phone)
    until(lambda: len(running.history(ticket)) > 1, 20)
    assert [entry["role"] for entry in running.history(ticket)] == ["user", "assistant"]
    running.write(phone, "Juan Pérez")
    said = until(lambda: [e["content"] for e in running.history(ticket) if e["role"] == "assistant"][1:], 20)
    assert said[0].endswith("1. Conecta el cargador\n2. Enciéndela de nuevo\n¿Se resolvió? Responde sí o no.")
    (row,) = running.http.get(f"{running.url}/tickets", params={"telefono": phone}, timeout=10).json()["tickets"]
    assert (row["numero_activo"], row["categoria"], row["estado"]) == ("ACT-0042", "Hardware", "Pendiente")
    running.write(phone, "Sí, ya quedó")
    until(lambda: "¡Qué bueno!" in running.history(ticket)[-1]["content"], 20)
    assert KEY not in running.log()
