"""Every sentence that users were promised when the desk was specified, and the tests that fail when it is broken.

The sentences are in Spanish, as they were written; «Mejoras futuras» is not among them. A sentence that no other test
holds is held by one in this file, through the front door.
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from chat import sending
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway, echo, post_webhook, receive
from tests.programs import ROOT
from tickets.models import Ticket
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Accepted, Ambiguous
from whatsapp.models import WebhookEvent

HERE = "tests/test_seed.py"
CHAT = "tests/e2e/test_chat.py"
PANELS = "tests/e2e/test_panels.py"
WALK = "tests/e2e/test_walk.py"
SEND = "tests/chat/test_enviar_mensaje.py"
READ = "tests/chat/test_conversacion.py"
NOTIFY = "tests/chat/test_notificar.py"
OUTCOMES = "tests/chat/test_outcomes.py"
DELIVERY = "tests/chat/test_delivery.py"
DECIDE = "tests/chat/test_decisions.py"
INBOUND = "tests/chat/test_inbound.py"
PROCESSES = "tests/test_processes.py"
TABLE = "tests/tickets/test_table.py"
ACCESS = "tests/tickets/test_access.py"
WAHA = "tests/whatsapp/gateways/test_waha.py"
CONTRACT = "tests/whatsapp/gateways/contract.py"

SEED: dict[str, dict[str, list[str]]] = {
    "Descripción": {
        "permite a los técnicos comunicarse directamente con los usuarios desde el panel de tickets": [
            f"{WALK}::test_a_newcomer_holds_a_conversation_in_two_tabs",
            f"{PROCESSES}::test_a_person_is_asked_and_a_technician_answers_on_their_phone",
        ],
        "brindando soporte en tiempo real vía WhatsApp": [
            f"{PANELS}::test_a_ticket_appears_and_changes_without_touching_the_page",
            f"{INBOUND}::test_a_reply_after_the_technician_wrote_reaches_the_technician_and_no_interview",
        ],
    },
    "Características · Funcionalidad principal": {
        "Chat Interactivo: interfaz visual de chat": [
            f"{CHAT}::test_each_role_has_its_icon_and_its_exact_colour",
            f"{CHAT}::test_the_bubble_is_there_at_once_and_only_once",
        ],
        "Historial Completo: visualiza toda la conversación": [
            f"{PANELS}::test_historial_is_whole_read_only_printable_and_a_download",
            f"{READ}::test_without_parameters_it_is_whole",
        ],
        "Envío Instantáneo: mensajes enviados directamente a WhatsApp del usuario": [
            f"{SEND}::test_the_gateway_gets_the_text_at_the_address_last_seen",
            f"{PROCESSES}::test_a_person_is_asked_and_a_technician_answers_on_their_phone",
        ],
        "Auto-actualización: cada 5 segundos": [
            f"{HERE}::test_the_chat_refreshes_with_the_promised_line",
            f"{CHAT}::test_the_reader_at_the_end_follows_and_the_reader_further_up_stays_and_is_told",
        ],
        "Identificación Visual: los mensajes del técnico en color verde": [
            f"{CHAT}::test_each_role_has_its_icon_and_its_exact_colour",
            f"{HERE}::test_the_three_colours_are_those_promised",
        ],
    },
    "Interfaz · Botones en la tabla de tickets": {
        "Cada ticket tiene 3 botones de acción": [
            f"{TABLE}::test_a_row_has_the_three_actions",
            f"{HERE}::test_the_three_buttons_have_their_icon_and_their_colour",
        ],
        "💬 Chat en Vivo (Morado) - Abre el chat interactivo": [
            f"{HERE}::test_the_three_buttons_have_their_icon_and_their_colour",
            f"{CHAT}::test_the_header_shows_number_name_and_phone",
        ],
        "📋 Historial (Azul) - Ver conversación completa (solo lectura)": [
            f"{HERE}::test_the_three_buttons_have_their_icon_and_their_colour",
            f"{PANELS}::test_historial_is_whole_read_only_printable_and_a_download",
        ],
        "✅ Notificar (Verde) - Envío de mensaje predefinido": [
            f"{HERE}::test_the_three_buttons_have_their_icon_and_their_colour",
            f"{PANELS}::test_notificar_previews_sends_and_warns_when_it_already_went_out",
            f"{NOTIFY}::test_what_was_previewed_is_what_is_sent_and_stored",
        ],
    },
    "Interfaz · Modal de chat interactivo": {
        "Encabezado: número de ticket, nombre del usuario y teléfono": [
            f"{CHAT}::test_the_header_shows_number_name_and_phone",
        ],
        "Área de Chat con íconos: 👤 Usuario, 🤖 Sistema/IA, 👨‍💻 Técnico": [
            f"{CHAT}::test_each_role_has_its_icon_and_its_exact_colour",
        ],
        "Campo de Texto: área para escribir mensajes": [
            f"{CHAT}::test_shift_enter_makes_a_line_and_enter_sends",
            f"{HERE}::test_the_panel_has_a_text_area_and_a_send_button",
        ],
        "Botón Enviar: envía el mensaje a WhatsApp": [
            f"{CHAT}::test_the_send_button_sends",
            f"{HERE}::test_the_panel_has_a_text_area_and_a_send_button",
        ],
        "Enter - Enviar mensaje": [f"{CHAT}::test_shift_enter_makes_a_line_and_enter_sends"],
        "Shift + Enter - Nueva línea": [f"{CHAT}::test_shift_enter_makes_a_line_and_enter_sends"],
        "ESC - Cerrar modal": [f"{CHAT}::test_escape_closes_and_the_focus_comes_back"],
    },
    "Cómo usar · Abrir chat": {
        "Localiza el ticket en la tabla": [
            f"{TABLE}::test_a_row_shows_the_person_the_equipment_and_the_problem",
            f"{PANELS}::test_search_finds_without_regard_to_accents_or_case",
        ],
        "Haz clic en el botón 💬 Chat en Vivo": [f"{WALK}::test_a_newcomer_holds_a_conversation_in_two_tabs"],
        "Se abrirá el modal con el historial de conversación": [
            f"{CHAT}::test_a_long_conversation_opens_at_its_end",
            f"{CHAT}::test_each_role_has_its_icon_and_its_exact_colour",
        ],
    },
    "Cómo usar · Enviar mensajes": {
        "Escribe tu mensaje en el área de texto": [f"{CHAT}::test_shift_enter_makes_a_line_and_enter_sends"],
        "Presiona Enter o haz clic en 📤 Enviar": [
            f"{CHAT}::test_shift_enter_makes_a_line_and_enter_sends",
            f"{CHAT}::test_the_send_button_sends",
        ],
        "El mensaje se enviará automáticamente al WhatsApp del usuario": [
            f"{WALK}::test_a_newcomer_holds_a_conversation_in_two_tabs",
            f"{SEND}::test_the_gateway_gets_the_text_at_the_address_last_seen",
        ],
        "El mensaje aparecerá instantáneamente en el chat": [
            f"{CHAT}::test_the_bubble_is_there_at_once_and_only_once",
        ],
    },
    "Cómo usar · Seguimiento": {
        "El chat se actualiza automáticamente cada 5 segundos": [
            f"{HERE}::test_the_chat_refreshes_with_the_promised_line",
            f"{READ}::test_a_reader_who_follows_the_versions_misses_nothing",
        ],
        "Los nuevos mensajes del usuario aparecerán automáticamente": [
            f"{CHAT}::test_the_reader_at_the_end_follows_and_the_reader_further_up_stays_and_is_told",
            f"{CHAT}::test_new_messages_are_announced_politely",
            f"{READ}::test_desde_answers_what_is_new_since_that_version",
        ],
        "Puedes mantener múltiples chats abiertos (uno a la vez)": [
            f"{CHAT}::test_one_chat_at_a_time_another_one_closes_the_first",
            f"{CHAT}::test_a_draft_survives_escape_another_chat_and_a_reload",
        ],
    },
    "Persistencia · Almacenamiento": {
        "Todos los mensajes enviados se guardan en el historial del ticket": [
            f"{SEND}::test_any_text_reaches_the_gateway_and_comes_back_unchanged",
            f"{PROCESSES}::test_a_person_is_asked_and_a_technician_answers_on_their_phone",
        ],
        "Los mensajes del técnico tienen el rol «tecnico» en la base de datos": [
            f"{SEND}::test_the_row_is_the_technicians_and_names_its_author",
        ],
        "El historial completo está disponible en cualquier momento": [
            f"{READ}::test_without_parameters_it_is_whole",
            f"{HERE}::test_the_history_stays_whole_after_the_ticket_is_closed_and_events_are_purged",
        ],
    },
    "Persistencia · Estructura del mensaje": {
        '{"role": "tecnico", "content", "timestamp": "2026-02-05T10:30:00"}': [
            f"{READ}::test_an_entry_begins_with_the_keys_of_the_contract_in_their_order",
            f"{READ}::test_times_are_local_to_time_zone_and_carry_no_offset",
        ],
    },
    "POST /ticket/{ticket_id}/enviar-mensaje": {
        "Envía un mensaje del técnico al usuario": [f"{SEND}::test_the_gateway_gets_the_text_at_the_address_last_seen"],
        'Request Body: {"mensaje": "Texto del mensaje"}': [
            f"{SEND}::test_success_is_the_body_of_the_contract",
            f"{SEND}::test_what_cannot_be_sent_is_a_400_that_says_why_and_stores_nothing",
        ],
        "Response (Éxito - 200): status, ticket_id, telefono, mensaje": [
            f"{SEND}::test_success_is_the_body_of_the_contract",
        ],
        "404 - Ticket no encontrado": [f"{SEND}::test_a_missing_ticket_is_a_404_in_json"],
        "503 - WhatsApp desconectado (mensaje guardado pero no enviado)": [
            f"{SEND}::test_what_the_session_could_not_send_is_a_503_en_cola",
            f"{SEND}::test_while_the_breaker_is_open_nothing_is_sent_and_the_503_comes_at_once",
            f"{PROCESSES}::test_what_met_a_disconnected_whatsapp_goes_out_by_itself_once_in_order_within_10_s",
        ],
        "504 - Timeout al conectar con WhatsApp": [
            f"{SEND}::test_no_answer_in_time_is_a_504_enviando",
            f"{SEND}::test_an_answer_that_proves_nothing_is_a_504_sin_confirmar",
            f"{PROCESSES}::test_a_hanging_gateway_is_504_and_never_sends_again_by_itself",
        ],
        "500 - Error interno": [
            f"{SEND}::test_a_bug_before_saving_is_a_500_that_says_it_was_not_saved",
            f"{SEND}::test_a_bug_after_saving_is_a_500_that_says_it_was_saved",
        ],
    },
    "GET /ticket/{ticket_id}/conversacion": {
        "Obtiene el historial completo de la conversación": [
            f"{READ}::test_without_parameters_it_is_whole",
            f"{READ}::test_the_order_is_the_order_of_arrival_whatever_the_clocks_say",
        ],
        'Response: {"historial": [{"role": "user" | "assistant" | "tecnico", "content", "timestamp"}]}': [
            f"{READ}::test_an_entry_begins_with_the_keys_of_the_contract_in_their_order",
        ],
    },
    "Seguridad": {
        "Los mensajes se envían a través del servidor autorizado": [
            f"{HERE}::test_the_browser_talks_to_the_desk_alone",
            f"{WAHA}::TestWaha::test_the_request_is_what_waha_documents",
            f"{CONTRACT}::GatewayContract::test_a_bad_key_names_the_setting",
            f"{SEND}::test_without_login_it_is_a_401_in_json_and_never_a_redirect",
        ],
        "Se valida la existencia del ticket antes de enviar": [
            f"{HERE}::test_nothing_is_sent_for_a_ticket_that_does_not_exist",
            f"{SEND}::test_a_stranger_in_neither_group_gets_the_same_404",
        ],
        "Los errores de conexión no impiden guardar el historial": [
            f"{SEND}::test_what_the_session_could_not_send_is_a_503_en_cola",
            f"{SEND}::test_an_answer_that_proves_nothing_is_a_504_sin_confirmar",
        ],
        "Logging completo de todas las transacciones": [
            f"{OUTCOMES}::test_the_lines_of_the_contract_are_written_letter_for_letter",
            f"{OUTCOMES}::test_every_other_outcome_is_one_warning_with_the_phone_and_never_the_text",
            f"{HERE}::test_everything_whatsapp_tells_us_is_kept_in_the_ledger",
        ],
    },
    "Manejo de errores · WhatsApp desconectado": {
        "El mensaje se guarda en el historial del ticket": [
            f"{SEND}::test_what_the_session_could_not_send_is_a_503_en_cola",
        ],
        "Se muestra un error 503 al técnico": [
            f"{WALK}::test_a_newcomer_holds_a_conversation_in_two_tabs",
            f"{HERE}::test_the_503_says_that_whatsapp_is_disconnected_and_has_to_be_reconnected",
        ],
        "El mensaje se puede reenviar automáticamente cuando WhatsApp se reconecte": [
            f"{PROCESSES}::test_what_met_a_disconnected_whatsapp_goes_out_by_itself_once_in_order_within_10_s",
            f"{DELIVERY}::test_release_clears_only_what_the_session_put_off",
            f"{INBOUND}::test_working_again_clears_what_was_put_off_and_wakes_the_oldest_first",
        ],
    },
    "Manejo de errores · Timeout": {
        "Se muestra error 504": [
            f"{SEND}::test_no_answer_in_time_is_a_504_enviando",
            f"{CHAT}::test_each_failure_says_what_happened_to_the_message",
        ],
        "El mensaje permanece en el historial": [
            f"{SEND}::test_an_answer_that_proves_nothing_is_a_504_sin_confirmar",
            f"{HERE}::test_a_message_without_an_answer_stays_in_the_history_and_can_be_tried_again",
        ],
        "Se puede reintentar el envío": [
            f"{HERE}::test_a_message_without_an_answer_stays_in_the_history_and_can_be_tried_again",
            f"{CHAT}::test_reenviar_sends_a_new_row_and_ya_llego_settles_the_old",
            f"{DECIDE}::test_reenviar_is_a_new_message_at_the_end_that_names_the_old_one",
        ],
    },
    "Casos de uso": {
        "Soporte Proactivo, Solicitar Información, Actualización de Estado, Diagnóstico Remoto": [
            f"{HERE}::test_the_technicians_words_arrive_as_they_were_written",
        ],
    },
    "Monitoreo": {
        "Todos los mensajes se registran en los logs": [
            f"{OUTCOMES}::test_the_lines_of_the_contract_are_written_letter_for_letter",
            f"{OUTCOMES}::test_the_assistants_messages_are_told_apart",
        ],
        "INFO - Enviando mensaje del técnico al ticket #123 (+5214772758198)": [
            f"{HERE}::test_sending_writes_the_two_promised_lines",
            f"{OUTCOMES}::test_the_lines_of_the_contract_are_written_letter_for_letter",
            f"{OUTCOMES}::test_the_console_writes_level_dash_message",
        ],
        "INFO - Mensaje enviado exitosamente a +5214772758198": [
            f"{HERE}::test_sending_writes_the_two_promised_lines",
            f"{OUTCOMES}::test_the_lines_of_the_contract_are_written_letter_for_letter",
        ],
        "Verificar revisando los logs del servidor": [f"{HERE}::test_sending_writes_the_two_promised_lines"],
        "Verificar confirmando con el usuario vía WhatsApp": [
            f"{WALK}::test_a_newcomer_holds_a_conversation_in_two_tabs",
            f"{INBOUND}::test_ticks_move_a_message_to_delivered_and_read",
        ],
        "Verificar revisando el historial del ticket": [
            f"{PANELS}::test_historial_is_whole_read_only_printable_and_a_download",
            f"{READ}::test_an_entry_also_tells_its_order_delivery_and_author",
        ],
    },
    "Notas técnicas · Auto-actualización": {
        "intervalActualizacionChat = setInterval(cargarMensajesChat, 5000);": [
            f"{HERE}::test_the_chat_refreshes_with_the_promised_line",
        ],
    },
    "Notas técnicas · Scroll automático": {
        "scroll automático al final solo si el usuario estaba viendo los últimos mensajes": [
            f"{CHAT}::test_the_reader_at_the_end_follows_and_the_reader_further_up_stays_and_is_told",
        ],
        "if (scrollAntes < 150) { container.scrollTop = container.scrollHeight; }": [
            f"{HERE}::test_the_chat_scrolls_by_the_promised_rule",
        ],
    },
    "Notas técnicas · Colores de mensajes": {
        "Usuario: Azul (#3b82f6)": [
            f"{HERE}::test_the_three_colours_are_those_promised",
            f"{CHAT}::test_each_role_has_its_icon_and_its_exact_colour",
        ],
        "Sistema/IA: Gris oscuro (#475569)": [
            f"{HERE}::test_the_three_colours_are_those_promised",
            f"{CHAT}::test_each_role_has_its_icon_and_its_exact_colour",
        ],
        "Técnico: Verde (#059669)": [
            f"{HERE}::test_the_three_colours_are_those_promised",
            f"{CHAT}::test_each_role_has_its_icon_and_its_exact_colour",
        ],
    },
    "Preguntas frecuentes": {
        "Puedes abrir un chat a la vez. Si abres otro, el anterior se cierra automáticamente.": [
            f"{CHAT}::test_one_chat_at_a_time_another_one_closes_the_first",
        ],
        "Si WhatsApp se desconecta: se guarda en el historial pero no se envía; error 503 indicándote que reconectes": [
            f"{HERE}::test_the_503_says_that_whatsapp_is_disconnected_and_has_to_be_reconnected",
            f"{WALK}::test_a_newcomer_holds_a_conversation_in_two_tabs",
        ],
        "El usuario recibirá el mensaje desde el número de WhatsApp conectado al sistema": [
            f"{WAHA}::TestWaha::test_the_request_is_what_waha_documents",
            f"{HERE}::test_the_technicians_words_arrive_as_they_were_written",
        ],
        "Todo el historial se guarda en la base de datos del ticket y está disponible permanentemente": [
            f"{HERE}::test_the_history_stays_whole_after_the_ticket_is_closed_and_events_are_purged",
        ],
        "El sistema soporta UTF-8 completo, incluyendo emojis y caracteres especiales": [
            f"{SEND}::test_any_text_reaches_the_gateway_and_comes_back_unchanged",
            f"{PANELS}::test_200_hostile_texts_stay_text",
        ],
    },
}
SENTENCES = [(section, sentence) for section, sentences in SEED.items() for sentence in sentences]


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests of a file, as pytest names them without their parameters."""
    found = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))


@pytest.mark.parametrize(("section", "sentence"), SENTENCES)
def test_every_sentence_has_tests_and_they_exist(section: str, sentence: str) -> None:
    named = SEED[section][sentence]
    assert named
    missing = [node for node in named if node.partition("::")[2] not in names_in(node.partition("::")[0])]
    assert not missing


def test_every_test_of_this_file_holds_a_sentence() -> None:
    named = {node for sentences in SEED.values() for nodes in sentences.values() for node in nodes}
    about_the_table = {"test_every_sentence_has_tests_and_they_exist", "test_every_test_of_this_file_holds_a_sentence"}
    assert {f"{HERE}::{name}" for name in names_in(HERE) - about_the_table} <= named


# What no other test holds


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> FakeGateway:
    """The active gateway, scripted; what a request leaves to a thread is done before it goes on."""
    settings.ENVIO_POR_SEGUNDO = 0
    fake = FakeGateway()
    monkeypatch.setattr("whatsapp.gateways.active", lambda: fake)
    monkeypatch.setattr(sending.stand_in, "submit", lambda function, *args: function(*args))
    return fake


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact("5214772758198"))


def send(client: Client, ticket: int, text: str) -> HttpResponse:
    body = json.dumps({"mensaje": text})
    return client.post(f"/ticket/{ticket}/enviar-mensaje", body, content_type="application/json")


def history(client: Client, ticket: Ticket) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"]
    return found


def served(client: Client, path: str) -> str:
    """A static file as the desk serves it."""
    response = client.get(f"/static/{path}")
    assert response.status_code == 200
    content = getattr(response, "streaming_content", None)
    return (b"".join(content) if content is not None else response.content).decode()


def test_the_chat_refreshes_with_the_promised_line(desk: Client) -> None:
    assert "intervalActualizacionChat = setInterval(cargarMensajesChat, 5000);" in served(desk, "chat/chat.js")


def test_the_chat_scrolls_by_the_promised_rule(desk: Client) -> None:
    code = served(desk, "chat/chat.js")
    assert "scrollAntes = container.scrollHeight - container.scrollTop - container.clientHeight;" in code
    rule = r"if \((?:first \|\| )?scrollAntes < 150\) \{\s*container\.scrollTop = container\.scrollHeight;\s*\}"
    assert re.search(rule, code)


def test_the_three_colours_are_those_promised(desk: Client) -> None:
    base, chat = served(desk, "tickets/base.css"), served(desk, "chat/chat.css")
    for role, name, colour in (
        ("user", "user", "#3b82f6"),
        ("assistant", "assistant", "#475569"),
        ("tecnico", "tech", "#059669"),
    ):
        assert re.findall(rf"--{name}: ([^;]+);", base) == [colour], "el mismo color en claro y en oscuro"
        assert re.search(rf"data-rol=\"{role}\"\] \.globo[^{{]*\{{ background: var\(--{name}\)", chat)


def test_the_three_buttons_have_their_icon_and_their_colour(desk: Client, ticket: Ticket) -> None:
    html, css = desk.get("/").content.decode(), served(desk, "tickets/base.css")
    for panel, icon, label, kind, colour in (
        ("chat", "💬", "Chat en Vivo", "chat", "#7c3aed"),
        ("historial", "📋", "Historial", "history", "#2563eb"),
        ("notificar", "✅", "Notificar", "notify", "#047857"),
    ):
        buttons = re.findall(rf'<a class="btn btn-{kind}"[^>]*data-abrir="{panel}"[^>]*>(.*?)</a>', html, re.DOTALL)
        assert [re.sub(r"<[^>]+>", "", inner).startswith(f"{icon} {label}") for inner in buttons] == [True]
        assert f"--{kind}-btn: {colour};" in css
        assert f".btn-{kind} {{ background: var(--{kind}-btn); }}" in css


def test_the_panel_has_a_text_area_and_a_send_button(desk: Client) -> None:
    html = desk.get("/").content.decode()
    form = re.search(r'<form id="chat-redactar".*?</form>', html, re.DOTALL)
    assert form
    assert '<textarea id="chat-texto"' in form[0]
    assert re.search(r'<button type="submit"[^>]*>📤 Enviar</button>', form[0])


def test_the_browser_talks_to_the_desk_alone(desk: Client) -> None:
    policy = desk.get("/")["Content-Security-Policy"]
    assert "connect-src 'self'" in policy
    assert "form-action 'self'" in policy


def test_nothing_is_sent_for_a_ticket_that_does_not_exist(desk: Client, ticket: Ticket, gateway: FakeGateway) -> None:
    assert send(desk, ticket.pk + 1, "hola").status_code == 404
    assert not gateway.calls
    assert not history(desk, ticket)


def test_the_503_says_that_whatsapp_is_disconnected_and_has_to_be_reconnected(
    desk: Client, ticket: Ticket, gateway: FakeGateway
) -> None:
    connection.update(ConnectionChanged(connected=False, detail="La sesión de WhatsApp está detenida"))
    response = send(desk, ticket.pk, "¿sigues ahí?")
    assert response.status_code == 503
    detail = response.json()["detail"]
    assert "WhatsApp está desconectado" in detail
    assert "reconectar" in detail
    assert not gateway.calls
    assert [(entry["content"], entry["estado"]) for entry in history(desk, ticket)] == [("¿sigues ahí?", "en_cola")]


def test_a_message_without_an_answer_stays_in_the_history_and_can_be_tried_again(
    desk: Client, ticket: Ticket, gateway: FakeGateway
) -> None:
    gateway.answers(Ambiguous("sin respuesta completa en 15 s"), Accepted("3EB0A"))
    first = send(desk, ticket.pk, "¿llegó?")
    assert first.status_code == 504
    path = f"/ticket/{ticket.pk}/mensaje/{first.json()['seq']}/resolver"
    again = desk.post(path, '{"decision": "reenviar"}', content_type="application/json")
    assert again.status_code == 200
    assert [(entry["content"], entry["estado"]) for entry in history(desk, ticket)] == [
        ("¿llegó?", "descartado"),
        ("¿llegó?", "enviado"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Hola Juan, tu laptop ya está lista. Tenía un problema de RAM que ya solucionamos.",
        "Necesito que me confirmes el número de activo del equipo, no lo veo en la etiqueta",
        "Estamos esperando un repuesto que llega mañana. Te avisamos cuando esté listo.",
        "¿Podrías reiniciar el equipo y decirme si aparece algún mensaje de error?",
    ],
    ids=["soporte", "informacion", "estado", "diagnostico"],
)
def test_the_technicians_words_arrive_as_they_were_written(
    desk: Client, ticket: Ticket, gateway: FakeGateway, text: str
) -> None:
    """Alone: without a signature or anything else, from the number of the session."""
    assert send(desk, ticket.pk, text).status_code == 200
    assert gateway.calls == [("5214772758198", text)]


def test_sending_writes_the_two_promised_lines(
    desk: Client, ticket: Ticket, gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    send(desk, ticket.pk, "Ya revisamos tu equipo")
    ours = [record for record in caplog.records if record.name.startswith("chat.")]
    lines = [f"{record.levelname} - {record.getMessage()}" for record in ours]
    assert lines == [
        f"INFO - Enviando mensaje del técnico al ticket #{ticket.pk} (+5214772758198)",
        "INFO - Mensaje enviado exitosamente a +5214772758198",
    ]


def test_everything_whatsapp_tells_us_is_kept_in_the_ledger(ticket: Ticket, gateway: FakeGateway) -> None:
    receive("Ya enciende, gracias")
    assert post_webhook(echo("Con gusto", source="app")).status_code == 200
    events = WebhookEvent.objects.order_by("pk")
    assert [event.state for event in events] == ["procesado", "procesado"]
    assert "Ya enciende, gracias" in events[0].body


def test_the_history_stays_whole_after_the_ticket_is_closed_and_events_are_purged(
    desk: Client, tecnica: User, ticket: Ticket, gateway: FakeGateway
) -> None:
    receive("Mi laptop no enciende")
    send(desk, ticket.pk, "Ya quedó, pasa por ella")
    before = [entry["content"] for entry in history(desk, ticket)]
    assert "Ya quedó, pasa por ella" in before
    body = json.dumps({"estado": "Cerrado"})
    assert desk.post(f"/ticket/{ticket.pk}/estado", body, content_type="application/json").status_code == 200
    assert WebhookEvent.purge(0)
    assert [entry["content"] for entry in history(desk, ticket)] == before
