"""The assistant, as the person on WhatsApp meets it: little is asked, once, in order, and never over a technician."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from chat import delivery
from chat.models import Conversation, Message
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import PERSON, FakeGateway, receive
from tickets.models import Contact, State, Ticket

pytestmark = pytest.mark.django_db

NAME, DEPARTMENT, EQUIPMENT, ASSET, FAULT = "nombre", "departamento", "tipo de equipo", "número de activo", "falla"


def talk(gateway: FakeGateway, *texts: str) -> list[str]:
    """The person writes each text after having read all our words; returns what we said to each."""
    said = []
    for text in texts:
        before = len(gateway.calls)
        receive(text)
        delivery.drain(Conversation.objects.get().pk)
        said.append("\n".join(gateway.texts[before:]))
    return said


def ticket() -> Ticket:
    return Ticket.objects.get()


def test_it_asks_for_what_is_missing_in_order_and_then_says_that_a_technician_will_answer(
    gateway: FakeGateway,
) -> None:
    said = talk(gateway, "Hola", "Juan Pérez", "Contabilidad", "Una laptop", "ACT-0042", "No enciende desde ayer")
    for words, asked in zip(said, (NAME, DEPARTMENT, EQUIPMENT, ASSET, FAULT), strict=False):
        assert asked in words
    pk = ticket().pk
    assert said[5] == f"Gracias, tu ticket #{pk} quedó registrado. Un técnico te responderá por aquí."
    found = ticket()
    assert (found.name, found.department, found.equipment, found.asset, found.fault, found.category) == (
        "Juan Pérez",
        "Contabilidad",
        "Laptop",
        "ACT-0042",
        "No enciende desde ayer",
        "Hardware",
    )


def test_the_first_words_greet_and_name_the_ticket(gateway: FakeGateway) -> None:
    (said,) = talk(gateway, "Hola")
    assert said == f"Hola 👋 Abrí el ticket #{ticket().pk} para atenderte. ¿Cuál es tu nombre?"


def test_it_asks_one_thing_at_a_time(gateway: FakeGateway) -> None:
    said = talk(gateway, "Hola", "Juan", "Ventas")
    assert [words.count("¿") for words in said] == [1, 1, 1]


def test_what_the_first_message_tells_is_not_asked_again(gateway: FakeGateway) -> None:
    said = talk(gateway, "Mi impresora no imprime", "Juan", "Ventas", "IMP-7")
    assert [NAME in said[0], DEPARTMENT in said[1], ASSET in said[2]] == [True] * 3
    assert "quedó registrado" in said[3]
    assert (ticket().equipment, ticket().fault) == ("Impresora", "Mi impresora no imprime")


def test_a_known_person_is_not_asked_their_name_or_department_again(gateway: FakeGateway) -> None:
    talk(gateway, "Hola", "Juan Pérez", "Contabilidad", "laptop", "no sé", "No enciende")
    contact = Contact.objects.get()
    assert (contact.name, contact.department) == ("Juan Pérez", "Contabilidad")
    Ticket.objects.update(state=State.CLOSED, resolved=timezone.now() - timedelta(days=9))
    (said,) = talk(gateway, "Hola")
    assert NAME not in said
    assert DEPARTMENT not in said
    assert EQUIPMENT in said
    assert said.startswith("Hola, Juan 👋")
    new = Ticket.objects.latest("pk")
    assert (new.name, new.department) == ("Juan Pérez", "Contabilidad")


@pytest.mark.parametrize(
    "text", ["no sé", "No se", "NO LO SÉ.", "ni idea", "no tengo", "no lo veo", "n/a", "ninguno", "no aplica", "?"]
)
def test_not_knowing_is_an_answer_and_is_not_asked_again(gateway: FakeGateway, text: str) -> None:
    said = talk(gateway, "Mi laptop no enciende", "Juan", "Ventas", text)
    assert ticket().asset == "Sin dato"
    assert "quedó registrado" in said[3]


@pytest.mark.parametrize(
    "text", ["Hola", "hola!!", "Buenas tardes", "Buenos días, necesito ayuda", "👋", "👋🏽", "Hola 🙋‍♀️", "Ayuda"]
)
def test_a_greeting_is_not_a_fault(gateway: FakeGateway, text: str) -> None:
    (said,) = talk(gateway, text)
    assert ticket().fault == ""
    assert NAME in said


@pytest.mark.parametrize("text", ["Hola, mi laptop no enciende", "Ayuda con el correo", "hola no hay red"])
def test_a_greeting_with_a_fault_is_one(gateway: FakeGateway, text: str) -> None:
    talk(gateway, text)
    assert ticket().fault == text


def test_a_greeting_is_no_name(gateway: FakeGateway) -> None:
    said = talk(gateway, "Hola", "buenas tardes")
    assert ticket().name == ""
    assert NAME in said[1]


@pytest.mark.parametrize(
    ("text", "name", "department"),
    [
        ("Me llamo Juan Pérez", "Juan Pérez", ""),
        ("Soy Juan Pérez.", "Juan Pérez", ""),
        ("Hola, soy Juan", "Juan", ""),
        ("Juan Pérez, de Contabilidad", "Juan Pérez", "Contabilidad"),
        ("Juan Pérez, soy de Ventas.", "Juan Pérez", "Ventas"),
        ("José Ñáñez 👨‍🔧", "José Ñáñez 👨‍🔧", ""),
        ("Juan " * 100, ("Juan " * 100)[:120].strip(), ""),
    ],
)
def test_the_name_is_taken_out_of_how_people_say_it(
    gateway: FakeGateway, text: str, name: str, department: str
) -> None:
    talk(gateway, "Hola", text)
    assert (ticket().name.strip(), ticket().department) == (name, department)


def test_two_quick_messages_are_not_taken_as_the_answer_to_a_question_nobody_saw(gateway: FakeGateway) -> None:
    receive("Hola")
    receive("Mi laptop no enciende")
    assert (ticket().name, ticket().fault) == ("", "Mi laptop no enciende")
    assert Message.objects.filter(role="assistant").count() == 1


def test_several_quick_messages_make_one_fault_and_one_question(gateway: FakeGateway) -> None:
    for text in ("No hay red", "en todo el piso", "desde ayer"):
        receive(text)
    assert ticket().fault == "No hay red\nen todo el piso\ndesde ayer"
    assert Message.objects.filter(role="assistant").count() == 1


def test_a_question_that_could_not_be_sent_was_not_answered(gateway: FakeGateway) -> None:
    receive("Hola")
    Message.objects.filter(role="assistant").update(state="fallido")
    receive("Mi laptop no enciende")
    assert (ticket().name, ticket().fault) == ("", "Mi laptop no enciende")
    assert NAME in Message.objects.filter(role="assistant").latest("seq").text


def test_what_is_not_text_answers_no_question(gateway: FakeGateway) -> None:
    talk(gateway, "Hola")
    receive("", hasMedia=True, media={"mimetype": "image/jpeg"})
    assert ticket().name == ""
    assert ticket().fault == ""


def test_a_complete_ticket_is_not_spoken_to_again(gateway: FakeGateway) -> None:
    make_ticket(make_contact(PERSON))
    said = talk(gateway, "¿Ya mero?", "¿Hola?")
    assert "quedó registrado" in said[0]
    assert said[1] == ""


def test_what_comes_after_the_interview_is_kept_with_the_fault(gateway: FakeGateway) -> None:
    talk(gateway, "Mi laptop no enciende", "Juan", "Ventas", "no sé", "Y huele a quemado")
    assert ticket().fault == "Mi laptop no enciende\nY huele a quemado"


# A technician writes


def write(desk: Client, text: str) -> None:
    url = f"/ticket/{Ticket.objects.latest('pk').pk}/enviar-mensaje"
    response = desk.post(url, json.dumps({"mensaje": text}), content_type="application/json")
    assert response.status_code == 200


def test_it_falls_silent_when_a_technician_writes(desk: Client, gateway: FakeGateway, inline: None) -> None:
    talk(gateway, "Hola", "Juan")
    write(desk, "Hola Juan, soy Ana")
    assert talk(gateway, "En Ventas", "Mi laptop no enciende") == ["", ""]
    assert gateway.texts[-1] == "Hola Juan, soy Ana"
    assert ticket().asked == ""


def test_an_answer_given_to_the_technician_is_not_taken_for_its_own(
    desk: Client, gateway: FakeGateway, inline: None
) -> None:
    talk(gateway, "Hola")
    write(desk, "¿Ya la conectaste?")
    talk(gateway, "Sí")
    assert ticket().name == ""


def test_its_queued_words_never_leave_after_a_technician_wrote(
    desk: Client, gateway: FakeGateway, inline: None
) -> None:
    receive("Hola")
    write(desk, "Hola, soy Ana")
    assert gateway.texts == ["Hola, soy Ana"]
    entries = desk.get(f"/ticket/{ticket().pk}/conversacion").json()["historial"]
    assert [(e["role"], e["estado"]) for e in entries] == [
        ("user", "recibido"),
        ("assistant", "descartado"),
        ("tecnico", "enviado"),
    ]


def test_it_speaks_again_in_the_next_ticket(desk: Client, gateway: FakeGateway, inline: None) -> None:
    talk(gateway, "Hola")
    write(desk, "Hola, soy Ana")
    Ticket.objects.update(state=State.CLOSED, resolved=timezone.now() - timedelta(days=9))
    (said,) = talk(gateway, "Otra cosa")
    assert NAME in said


@pytest.mark.parametrize(
    "fault", ["No tengo internet", "no se ve la pantalla", "No se escucha el audio", "no encuentro mis archivos"]
)
def test_a_fault_that_begins_with_no_is_kept(gateway: FakeGateway, fault: str) -> None:
    talk(gateway, "Hola", "Juan Pérez", "Contabilidad", "laptop", "no sé", fault)
    assert ticket().fault == fault
