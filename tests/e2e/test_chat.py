"""The chat panel as a technician uses it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from tests.e2e.conftest import LEFT, Screen
from tests.programs import Desk, until

SENDING = "/enviar-mensaje"


def at_end(screen: Screen) -> bool:
    script = "node => node.scrollHeight - node.scrollTop - node.clientHeight < 2"
    return bool(screen.page.locator("#chat-mensajes").evaluate(script))


def fill_thread(running: Desk, phone: str, messages: int) -> None:
    for number in range(messages):
        running.write(phone, f"renglón {number}\n\n\n\nfin")


def test_the_header_shows_number_name_and_phone(screen: Screen, ticket: int, phone: str) -> None:
    head = screen.open(ticket).locator(".panel-cabeza")
    expect(head).to_contain_text(f"#{ticket}")
    expect(head).to_contain_text(re.compile(r"\+52 477 100 \d{4}"))


def test_each_role_has_its_icon_and_its_exact_colour(screen: Screen, ticket: int) -> None:
    screen.open(ticket)
    screen.write("Hola, soy tu técnica")
    colours = {"user": "rgb(59, 130, 246)", "assistant": "rgb(71, 85, 105)", "tecnico": "rgb(5, 150, 105)"}
    for role, colour in colours.items():
        row = screen.page.locator(f"#chat-lista .mensaje[data-rol='{role}']").first
        expect(row.locator(".globo")).to_have_css("background-color", colour)
    text = screen.page.locator("#chat-lista").inner_text()
    assert all(icon in text for icon in ("👤", "🤖", "👨‍💻"))


def test_shift_enter_makes_a_line_and_enter_sends(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    box = screen.page.locator("#chat-texto")
    box.press_sequentially("uno")
    box.press("Shift+Enter")
    box.press_sequentially("dos")
    expect(box).to_have_value("uno\ndos")
    box.press("Enter")
    expect(box).to_have_value("")
    until(lambda: "uno\ndos" in running.accepted())


def test_the_send_button_sends(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    screen.page.locator("#chat-texto").fill("con el botón")
    screen.page.get_by_role("button", name="📤 Enviar").click()
    until(lambda: "con el botón" in running.accepted())


def test_escape_closes_and_the_focus_comes_back(screen: Screen, ticket: int) -> None:
    screen.open(ticket)
    expect(screen.page.locator("#chat-texto")).to_be_focused()
    screen.page.keyboard.press("Escape")
    expect(screen.page.locator("dialog#chat")).not_to_be_visible()
    expect(screen.row(ticket).locator("[data-abrir='chat']")).to_be_focused()


def test_the_address_says_where_one_is_and_back_closes(screen: Screen, ticket: int) -> None:
    screen.open(ticket)
    assert f"chat={ticket}" in screen.page.url
    screen.page.go_back()
    expect(screen.page.locator("dialog#chat")).not_to_be_visible()
    screen.page.goto(f"{screen.running.url}/?chat={ticket}")
    expect(screen.panel()).to_contain_text(f"#{ticket}")


def test_the_bubble_is_there_at_once_and_only_once(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    running.simulate(falla="lento")
    screen.write("¿me ves?")
    expect(screen.bubble("¿me ves?")).to_have_count(1, timeout=1000)
    expect(screen.bubble("¿me ves?")).to_contain_text(LEFT, timeout=15000)
    expect(screen.bubble("¿me ves?")).to_have_count(1)


def test_a_draft_survives_escape_another_chat_and_a_reload(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    screen.page.locator("#chat-texto").fill("a medias")
    screen.page.keyboard.press("Escape")
    other = screen.page.locator(f"tr[data-ticket]:not([data-ticket='{ticket}'])").first
    other.locator("[data-abrir='chat']").click()
    screen.panel()
    expect(screen.page.locator("#chat-texto")).to_have_value("")
    screen.page.goto(f"{running.url}/?chat={ticket}")
    screen.panel()
    expect(screen.page.locator("#chat-texto")).to_have_value("a medias")


def test_one_chat_at_a_time_another_one_closes_the_first(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    running.write("+524779990001", "otra persona")
    other = running.ticket_of("+524779990001")
    screen.page.evaluate(f"history.pushState(null, '', '/?chat={other}'); dispatchEvent(new PopStateEvent('popstate'))")
    expect(screen.page.locator("dialog[open]")).to_have_count(1)
    expect(screen.panel().locator(".panel-cabeza")).to_contain_text(f"#{other}")


def test_the_reader_at_the_end_follows_and_the_reader_further_up_stays_and_is_told(
    screen: Screen, ticket: int, running: Desk, phone: str
) -> None:
    fill_thread(running, phone, 12)
    screen.open(ticket)
    until(lambda: at_end(screen))
    running.write(phone, "último que se sigue")
    expect(screen.bubble("último que se sigue")).to_be_visible()
    until(lambda: at_end(screen))
    messages = screen.page.locator("#chat-mensajes")
    messages.evaluate("node => { node.scrollTop = 0 }")
    running.write(phone, "llegó mientras leías")
    expect(screen.page.locator("#chat-nuevos")).to_be_visible()
    assert messages.evaluate("node => node.scrollTop") == 0
    screen.page.locator("#chat-nuevos").click()
    until(lambda: at_end(screen))


def test_a_refresh_never_loses_a_selection(screen: Screen, ticket: int, running: Desk, phone: str) -> None:
    screen.open(ticket)
    screen.page.locator("#chat-lista .texto").first.evaluate("node => getSelection().selectAllChildren(node)")
    before = screen.page.evaluate("String(getSelection())")
    assert before
    running.write(phone, "algo nuevo")
    expect(screen.bubble("algo nuevo")).to_be_visible()
    assert screen.page.evaluate("String(getSelection())") == before


def test_new_messages_are_announced_politely(screen: Screen, ticket: int, running: Desk, phone: str) -> None:
    screen.open(ticket)
    running.write(phone, "¿hay alguien?")
    live = screen.page.locator("#chat-anuncios")
    expect(live).to_contain_text("¿hay alguien?")
    assert live.get_attribute("aria-live") == "polite"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("rechazar", "No se pudo enviar"),
        ("error_antes", "Sin confirmar"),
        ("colgar", "Sin confirmar"),
    ],
)
def test_each_failure_says_what_happened_to_the_message(
    screen: Screen, ticket: int, running: Desk, fault: str, words: str
) -> None:
    screen.open(ticket)
    running.simulate(falla=fault)
    screen.write(f"prueba {fault}")
    bubble = screen.bubble(f"prueba {fault}")
    expect(bubble).to_contain_text(words, timeout=20000)
    if words == "Sin confirmar":
        for action in ("Ya llegó", "Reenviar", "Descartar"):
            expect(bubble.get_by_role("button", name=action)).to_be_visible()
        running.simulate(falla="ninguna")
        bubble.get_by_role("button", name="Descartar").click()
        expect(bubble).to_contain_text("Descartado")


def test_reenviar_sends_a_new_row_and_ya_llego_settles_the_old(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    running.simulate(falla="error_antes")
    screen.write("¿lo mando otra vez?")
    first = screen.bubble("¿lo mando otra vez?").first
    expect(first).to_contain_text("Sin confirmar")
    running.simulate(falla="ninguna")
    first.get_by_role("button", name="Reenviar").click()
    expect(screen.bubble("¿lo mando otra vez?")).to_have_count(2)
    until(lambda: running.accepted().count("¿lo mando otra vez?") == 1)
    running.simulate(falla="error_antes")
    screen.write("este sí llegó")
    doubtful = screen.bubble("este sí llegó")
    doubtful.get_by_role("button", name="Ya llegó").click()
    expect(doubtful).to_contain_text("Enviado")
    assert running.accepted().count("este sí llegó") == 0


def test_a_500_keeps_the_text_and_says_so(screen: Screen, ticket: int) -> None:
    body = '{"detail": "Error interno: tu mensaje no se guardó.", "status": "error"}'
    screen.open(ticket)
    screen.page.route(
        "**/enviar-mensaje", lambda route: route.fulfill(status=500, content_type="application/json", body=body)
    )
    screen.write("no me pierdas")
    bubble = screen.bubble("no me pierdas")
    expect(bubble).to_contain_text("no se guardó")
    screen.page.unroute("**/enviar-mensaje")
    bubble.get_by_role("button", name="Reintentar").click()
    expect(bubble).to_contain_text(LEFT)


def test_a_send_while_offline_is_kept(screen: Screen, ticket: int, context: BrowserContext, running: Desk) -> None:
    screen.open(ticket)
    context.set_offline(True)
    screen.write("sin red")
    expect(screen.bubble("sin red")).to_be_visible()
    context.set_offline(False)
    until(lambda: running.accepted().count("sin red") == 1, 20)
    expect(screen.bubble("sin red")).to_have_count(1)


@pytest.mark.parametrize("cut", ["no network", "a proxy that finds nobody"])
def test_a_send_that_alone_is_cut_is_sent_once_by_itself_with_its_chat_closed(
    screen: Screen, ticket: int, running: Desk, cut: str
) -> None:
    keys: list[str] = []

    def stop(route: Route) -> None:
        if cut == "no network":
            route.abort()
        else:
            route.fulfill(status=502, body="Bad Gateway")

    screen.page.on("request", lambda one: keys.append(one.post_data_json["clave"]) if SENDING in one.url else None)
    screen.page.route(f"**{SENDING}", stop, times=1)
    screen.open(ticket)
    screen.write(text := f"a la primera no: {cut}")
    expect(screen.bubble(text)).to_contain_text("reintentar no lo duplica")
    screen.page.keyboard.press("Escape")
    until(lambda: screen.page.wait_for_timeout(50) or text in running.accepted(), 20)
    assert (len(keys), len(set(keys)), running.accepted().count(text)) == (2, 1, 1)


def test_what_the_person_wrote_meanwhile_is_shown_before_sending(
    screen: Screen, ticket: int, running: Desk, phone: str
) -> None:
    screen.open(ticket)
    screen.page.route("**/conversacion*", lambda route: route.abort())
    running.write(phone, "¡espera, ya enciende!")
    until(lambda: any("ya enciende" in entry["content"] for entry in running.history(ticket)))
    screen.write("Te cambio la batería")
    bubble = screen.bubble("Te cambio la batería")
    expect(bubble.get_by_role("button", name="Enviar de todos modos")).to_be_visible()
    expect(screen.bubble("ya enciende")).to_be_visible()
    assert "Te cambio la batería" not in running.accepted()
    screen.page.unroute("**/conversacion*")
    bubble.get_by_role("button", name="Enviar de todos modos").click()
    until(lambda: "Te cambio la batería" in running.accepted())


def test_a_technician_takes_a_ticket_changes_its_state_and_undoes_it(screen: Screen, ticket: int) -> None:
    panel = screen.open(ticket)
    panel.get_by_role("button", name="Tomar").click()
    expect(screen.row(ticket)).to_contain_text("En proceso")
    expect(screen.row(ticket)).to_contain_text("Ana Ruiz")
    panel.locator("#chat-estado").select_option("Resuelto")
    expect(panel.get_by_role("button", name="Deshacer")).to_be_visible()
    panel.get_by_role("button", name="Deshacer").click()
    expect(panel.locator("#chat-estado")).to_have_value("En proceso")


def test_a_long_conversation_opens_at_its_end(screen: Screen, running: Desk, ticket: int) -> None:
    for number in range(40):
        running.send(ticket, f"mensaje {number} " + "palabra " * 20)
    screen.open(ticket)
    expect(screen.bubble("mensaje 39")).to_be_visible()
    until(lambda: at_end(screen))
