"""The assistant with a model, as the person on WhatsApp meets it: told much in one message, it asks little."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import delivery, times
from chat.llm import turns
from chat.models import AuditEntry, Conversation, Intake, Message
from tests.chat.llm.conftest import counted
from tests.fake_gateway import FakeGateway, receive
from tests.fake_model import FakeModel, meanwhile, thought
from tickets.models import Contact, Segment, State, Ticket

pytestmark = pytest.mark.django_db(transaction=True)

ALL = "Soy Juan Pérez de Contabilidad, mi laptop ACT-0042 no enciende desde ayer"
TOLD: dict[str, Any] = {
    "nombre": "Juan Pérez",
    "departamento": "Contabilidad",
    "equipo": "Laptop",
    "activo": "ACT-0042",
    "falla": "no enciende desde ayer",
    "categoria": "Hardware",
}
STEPS = ["Conecta el cargador", "Mantén presionado el botón de encendido 10 segundos"]


def ticket() -> Ticket:
    return Ticket.objects.latest("pk")


def talk(gateway: FakeGateway, *texts: str) -> list[str]:
    """The person writes each text once the words before arrived; returns what was said to each."""
    said = []
    for text in texts:
        before = len(gateway.calls)
        receive(text)
        turns.answer(ticket().pk)
        delivery.drain(Conversation.objects.get().pk)
        said.append("\n".join(gateway.texts[before:]))
    return said


def test_several_fields_are_taken_from_one_message(gateway: FakeGateway, model: FakeModel) -> None:
    model.behaves(thought(**TOLD))
    (said,) = talk(gateway, ALL)
    found = ticket()
    assert (found.name, found.department, found.equipment, found.asset, found.fault, found.category) == (
        *list(TOLD.values())[:5],
        "Hardware",
    )
    assert said == f"Hola, Juan 👋 Gracias, tu ticket #{found.pk} quedó registrado. Un técnico te responderá por aquí."
    assert counted() == {"used": 1}


def test_only_what_is_missing_is_asked_in_our_own_words(gateway: FakeGateway, model: FakeModel) -> None:
    model.behaves(thought(**{**TOLD, "activo": ""}))
    (said,) = talk(gateway, "Soy Juan Pérez de Contabilidad, mi laptop no enciende desde ayer")
    assert said.endswith(
        "¿Cuál es el número de activo del equipo? Suele estar en una etiqueta. Si no lo ves, escribe «no sé»."
    )
    assert ticket().asked == "asset"


def test_a_known_person_is_remembered_and_not_asked_again(gateway: FakeGateway, model: FakeModel) -> None:
    model.behaves(thought(**TOLD))
    talk(gateway, ALL)
    contact = Contact.objects.get()
    assert (contact.name, contact.department) == ("Juan Pérez", "Contabilidad")


def test_at_most_three_steps_are_offered_once_nothing_is_left_to_ask(gateway: FakeGateway, model: FakeModel) -> None:
    model.behaves(thought(**{**TOLD, "activo": "", "pasos": STEPS}), thought(activo="ACT-0042", pasos=STEPS))
    said = talk(gateway, "Soy Juan Pérez de Contabilidad, mi laptop no enciende desde ayer", "Es la ACT-0042")
    assert "1." not in said[0]
    assert said[1] == (
        f"Gracias, tu ticket #{ticket().pk} quedó registrado y un técnico lo verá. Mientras tanto puedes intentar:\n"
        "1. Conecta el cargador\n2. Mantén presionado el botón de encendido 10 segundos\n"
        "¿Se resolvió? Responde sí o no."
    )


def offered(gateway: FakeGateway, model: FakeModel) -> None:
    """The person was given steps to try."""
    model.behaves(thought(**TOLD, pasos=STEPS))
    talk(gateway, ALL)
    assert "¿Se resolvió?" in gateway.texts[-1]


def test_while_the_person_tries_the_ticket_already_waits_for_a_technician(
    gateway: FakeGateway, model: FakeModel
) -> None:
    offered(gateway, model)
    assert ticket().turn == "nosotros"


@pytest.mark.parametrize("text", ["sí", "Ya quedó, gracias", "Listo 👍", "sí, ya funciona!"])
def test_a_clear_yes_closes_a_ticket_that_nobody_has_taken(gateway: FakeGateway, model: FakeModel, text: str) -> None:
    offered(gateway, model)
    (said,) = talk(gateway, text)
    assert said == f"¡Qué bueno! Cierro el ticket #{ticket().pk}; si vuelve a fallar, escribe por aquí."
    assert ticket().state == State.RESOLVED
    assert AuditEntry.objects.get().name == "asistente"
    assert len(model.requests) == 1


@pytest.mark.parametrize("text", ["no", "No, sigue igual", "¿cómo?", "sí pero ahora no suena", "mañana pruebo", "👎"])
def test_a_no_or_any_doubt_leads_to_the_technician(gateway: FakeGateway, model: FakeModel, text: str) -> None:
    offered(gateway, model)
    (said,) = talk(gateway, text)
    assert said == "Gracias por intentarlo. Un técnico te responderá por aquí."
    assert (ticket().state, ticket().turn) == (State.PENDING, "nosotros")


def test_steps_are_offered_only_once_per_ticket(gateway: FakeGateway, model: FakeModel) -> None:
    offered(gateway, model)
    assert talk(gateway, "no", "¿ya mero?")[1] == ""
    assert len(model.requests) == 1


def test_a_ticket_that_a_technician_took_is_not_closed_by_a_yes(
    gateway: FakeGateway, model: FakeModel, tecnica: User
) -> None:
    offered(gateway, model)
    Ticket.objects.update(technician=tecnica, state=State.IN_PROGRESS)
    (said,) = talk(gateway, "sí")
    assert said == "¡Qué bueno! Le aviso al técnico."
    assert ticket().state == State.IN_PROGRESS


def test_it_hands_over_when_asked_for_a_human(gateway: FakeGateway, model: FakeModel) -> None:
    model.behaves(thought(humano=True))
    (said, after) = talk(gateway, "Quiero hablar con una persona", "¿hola?")
    assert said == f"Hola 👋 Te paso con un técnico: te responderá por aquí. Tu ticket es el #{ticket().pk}."
    assert after == ""
    assert (ticket().turn, len(model.requests)) == ("nosotros", 1)
    assert counted() == {"human": 1}


def test_it_hands_over_when_unsure_and_keeps_the_words(gateway: FakeGateway, model: FakeModel) -> None:
    model.behaves(thought(seguro=False, pasos=STEPS, nombre="algo"))
    (said,) = talk(gateway, "algo con la cosa esa que les dije")
    assert said.endswith(f"Te paso con un técnico: te responderá por aquí. Tu ticket es el #{ticket().pk}.")
    assert (ticket().name, ticket().fault) == ("", "algo con la cosa esa que les dije")
    assert counted() == {"unsure": 1}


def test_an_answer_that_tells_nothing_is_no_better_than_the_rules(gateway: FakeGateway, model: FakeModel) -> None:
    model.behaves(thought(falla="no hay red"))
    talk(gateway, "no hay red")
    model.behaves(thought(departamento="Recursos Humanos"), thought(departamento="Recursos Humanos"))
    talk(gateway, "Juan", "RH")
    assert (ticket().name, ticket().department) == ("Juan", "RH")


@pytest.mark.parametrize("text", ["Hola", "Buenas tardes 👋"])
def test_a_greeting_costs_no_question_to_the_model(gateway: FakeGateway, model: FakeModel, text: str) -> None:
    (said,) = talk(gateway, text)
    assert said == f"Hola 👋 Abrí el ticket #{ticket().pk} para atenderte. ¿Cuál es tu nombre?"
    assert not model.requests


def test_not_knowing_costs_no_question_to_the_model(gateway: FakeGateway, model: FakeModel) -> None:
    model.behaves(thought(**{**TOLD, "activo": ""}))
    talk(gateway, "Soy Juan Pérez de Contabilidad, mi laptop no enciende desde ayer", "no sé")
    assert ticket().asset == "Sin dato"
    assert len(model.requests) == 1


def test_what_comes_after_the_interview_is_not_asked_of_the_model(gateway: FakeGateway, model: FakeModel) -> None:
    model.behaves(thought(**TOLD))
    talk(gateway, ALL, "y huele a quemado")
    assert ticket().fault.endswith("\ny huele a quemado")
    assert len(model.requests) == 1


def test_several_messages_before_an_answer_are_answered_once_together(gateway: FakeGateway, model: FakeModel) -> None:
    model.behaves(
        meanwhile(lambda: receive("soy Juan"), thought(falla="no enciende")),
        thought(nombre="Juan", falla="no enciende"),
    )
    talk(gateway, "no enciende")
    assert [len(data["conversacion"]) for data in model.data] == [1, 2]
    assert Message.objects.filter(role="assistant").count() == 1
    assert (ticket().name, ticket().fault) == ("Juan", "no enciende")


def test_a_technician_who_writes_meanwhile_silences_it(
    gateway: FakeGateway, model: FakeModel, desk: Client, inline: None
) -> None:
    def write() -> None:
        body = json.dumps({"mensaje": "Hola, soy Ana"})
        url = f"/ticket/{ticket().pk}/enviar-mensaje"
        assert desk.post(url, body, content_type="application/json").status_code == 200

    model.behaves(meanwhile(write, thought(**TOLD)))
    talk(gateway, "no enciende")
    assert gateway.texts == ["Hola, soy Ana"]
    assert (ticket().fault, ticket().asked) == ("no enciende", "")


def test_a_ticket_that_is_closed_meanwhile_gets_no_words(gateway: FakeGateway, model: FakeModel) -> None:
    def close() -> None:
        found = ticket()
        found.change_state(State.CLOSED)
        found.save()

    model.behaves(meanwhile(close, thought(**TOLD)))
    assert talk(gateway, "no enciende") == [""]
    assert ticket().state == State.CLOSED


def test_the_time_in_which_it_thinks_is_the_assistants(gateway: FakeGateway, model: FakeModel) -> None:
    seen: list[str] = []
    model.behaves(meanwhile(lambda: seen.append(ticket().turn), thought(**TOLD)))
    talk(gateway, ALL)
    assert seen == ["asistente"]
    assert list(Segment.objects.order_by("pk").values_list("phase", flat=True)) == ["asistente", "nosotros"]


@pytest.mark.parametrize("told", [{}, {"pasos": STEPS}, {"humano": True}, {"seguro": False}, {"activo": ""}])
def test_its_times_made_anew_are_those_of_the_log(gateway: FakeGateway, model: FakeModel, told: dict[str, Any]) -> None:
    model.behaves(thought(**{**TOLD, **told}))
    talk(gateway, ALL, "sí")
    assert times.recompute([ticket().pk], write=False) == []


def test_with_the_model_off_no_row_of_it_is_written(gateway: FakeGateway) -> None:
    talk(gateway, ALL)
    assert not Intake.objects.exists()
    assert "¿Cuál es tu nombre?" in gateway.texts[-1]
