"""Who did what, when and from where: each act of a person is one row, and no row is ever changed."""

from __future__ import annotations

import csv
import ipaddress
import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from chat import audit, tasks
from chat.audit_models import Act, AuditEntry
from chat.models import Conversation, Message, PredefinedMessage
from config.auth import make_token
from tests.factory import make_contact, make_ticket, make_user
from tests.fake_gateway import FakeGateway, receive
from tests.supervision import browser_of, posted, text_of, ticket_page
from tickets.access import GROUP_SUPERVISORS
from whatsapp import connection as line
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db
PAGE = "/admin/chat/auditentry/"
HOME = "203.0.113.7"


@pytest.fixture
def admin(supervisora: User) -> Client:
    return browser_of(supervisora)


def acts() -> list[tuple[str, str, str, str]]:
    """What is written, oldest first, without logging in."""
    rows = AuditEntry.objects.exclude(act=Act.LOGIN).order_by("pk")
    return list(rows.values_list("name", "act", "object", "detail"))


def last() -> AuditEntry:
    entry = AuditEntry.objects.order_by("pk").last()
    assert entry
    return entry


def post(client: Client, path: str, body: dict[str, Any] | None = None, **wire: Any) -> int:
    return client.post(path, json.dumps(body or {}), content_type="application/json", **wire).status_code


@pytest.mark.parametrize("door", ["/entrar", "/admin/login/", "/api/token"])
def test_logging_in_by_each_door_is_recorded_with_the_address(door: str) -> None:
    luz = make_user("luz", GROUP_SUPERVISORS, password="clave-1234", is_staff=True)
    fields: Any = {"username": "luz", "password": "clave-1234"}
    if door == "/api/token":
        post(Client(), door, fields, REMOTE_ADDR=HOME)
    else:
        Client().post(door, fields, REMOTE_ADDR=HOME)
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.person, entry.name, entry.address) == (Act.LOGIN, luz, "luz", HOME)
    assert entry.detail == f"Por {door}"
    assert timezone.now() - entry.at < timedelta(minutes=1)


def test_the_address_is_the_client_s_and_not_the_proxy_s(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]
    make_user("luz", password="clave-1234")
    fields = {"username": "luz", "password": "clave-1234"}
    Client().post("/entrar", fields, REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": f"6.6.6.6, {HOME}"})
    assert AuditEntry.objects.get().address == HOME


def test_logging_out_is_recorded(desk: Client) -> None:
    desk.post("/salir")
    assert acts() == [("ana", "salida", "", "")]


def test_wrong_passwords_and_the_lock_are_recorded_and_not_each_try_during_it() -> None:
    make_user("luz", password="clave-1234")
    for _ in range(9):
        Client().post("/entrar", {"username": "luz", "password": "no es esta"}, REMOTE_ADDR=HOME)
    assert [(name, act) for name, act, *_ in acts()] == [("luz", "entrada_fallida")] * 6 + [("luz", "bloqueo")]
    assert set(AuditEntry.objects.values_list("address", "person")) == {(HOME, None)}


def test_what_is_no_account_s_name_is_not_kept_because_it_may_be_a_password() -> None:
    Client().post("/entrar", {"username": "mi-clave-secreta", "password": "luz"})
    assert acts() == [("(cuenta que no existe)", "entrada_fallida", "", "Por /entrar")]


def test_taking_a_ticket_is_recorded_once_with_who_had_it(desk: Client, tecnica: User) -> None:
    ticket = make_ticket(technician=make_user("beto", first_name="Beto", last_name="Díaz"))
    for _ in range(2):
        assert post(desk, f"/ticket/{ticket.pk}/tomar", REMOTE_ADDR=HOME) == 200
    assert acts() == [("ana", "toma", str(ticket), "Antes: Beto Díaz")]
    entry = last()
    assert (entry.kind, entry.object_id, entry.address, entry.person) == (
        "tickets.ticket",
        str(ticket.pk),
        HOME,
        tecnica,
    )


def test_a_change_of_state_is_recorded_with_both_states(desk: Client) -> None:
    ticket = make_ticket()
    for _ in range(2):
        post(desk, f"/ticket/{ticket.pk}/estado", {"estado": "Resuelto"})
    assert acts() == [("ana", "estado", str(ticket), "Pendiente → Resuelto")]


def test_a_program_s_act_is_its_account_s(tecnica: User) -> None:
    ticket = make_ticket()
    post(Client(), f"/ticket/{ticket.pk}/tomar", headers={"Authorization": f"Token {make_token(tecnica)}"})
    assert acts() == [("ana", "toma", str(ticket), "")]


def test_an_act_that_fails_is_not_recorded(desk: Client) -> None:
    contact = make_contact()
    make_ticket(contact)
    closed = make_ticket(contact, state="Cerrado")
    assert post(desk, f"/ticket/{closed.pk}/estado", {"estado": "Pendiente"}) == 409
    assert acts() == []


@pytest.mark.parametrize(
    ("state", "decision", "words"),
    [
        ("sin_confirmar", "ya_llego", "Mensaje 1 (Sin confirmar): Ya llegó"),
        ("en_cola", "descartar", "Mensaje 1 (En cola): Descartar"),
        ("fallido", "reenviar", "Mensaje 1 (No se pudo enviar): Reenviar"),
    ],
)
def test_a_decision_over_a_message_is_recorded(
    desk: Client, inline: None, state: str, decision: str, words: str
) -> None:
    ticket = make_ticket()
    Conversation.locked_for(ticket.contact).append(ticket, "tecnico", "secreto", state=state)
    post(desk, f"/ticket/{ticket.pk}/mensaje/1/resolver", {"decision": decision})
    assert acts() == [("ana", "decision", str(ticket), words)]


def test_messages_and_their_states_are_rows_of_their_own_and_no_acts(desk: Client, inline: None) -> None:
    ticket = make_ticket()
    assert post(desk, f"/ticket/{ticket.pk}/enviar-mensaje", {"mensaje": "hola"}) == 200
    post(desk, f"/ticket/{ticket.pk}/leido", {"hasta": 1})
    desk.get(f"/ticket/{ticket.pk}/conversacion")
    desk.get("/tickets")
    receive("Gracias")
    assert Message.objects.count() > 1
    assert acts() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [("tomar", {}), ("estado", {"estado": "Resuelto"})],
)
def test_an_act_costs_one_insert(desk: Client, path: str, body: dict[str, str]) -> None:
    ticket = make_ticket()
    with CaptureQueriesContext(connection) as queries:
        post(desk, f"/ticket/{ticket.pk}/{path}", body)
    assert sum("chat_auditentry" in query["sql"] for query in queries.captured_queries) == 1


def test_the_text_of_a_conversation_taken_along_is_recorded(desk: Client) -> None:
    ticket = make_ticket()
    desk.head(f"/ticket/{ticket.pk}/log")
    desk.get(f"/ticket/{ticket.pk}/log")
    assert acts() == [("ana", "exportacion", str(ticket), "Su conversación como texto")]


def test_a_change_in_the_administration_is_recorded_with_the_values_before_and_after(
    admin: Client, tecnica: User
) -> None:
    ticket = make_ticket(department="Ventas")
    page = ticket_page(ticket)
    data = posted(admin, page, department="Compras", technician=tecnica.pk, priority="Alta")
    assert admin.post(page, data, REMOTE_ADDR=HOME).status_code == 302
    ((name, act, _, detail),) = acts()
    assert (name, act, last().address) == ("sofia", "cambio", HOME)
    assert set(detail.split("\n")) == {
        "Departamento: Ventas → Compras",
        "Prioridad: Normal → Alta",
        "Técnico: — → ana",
    }


def test_saving_without_a_change_is_no_act(admin: Client) -> None:
    page = ticket_page(make_ticket())
    admin.post(page, posted(admin, page))
    assert acts() == []


def test_texts_are_recorded_when_they_are_added_changed_and_deleted(admin: Client) -> None:
    notices = "/admin/chat/predefinedmessage/"
    admin.post(f"{notices}add/", {"title": "Aviso", "text": "Hola {nombre}", "position": 9, "active": "on"})
    notice = PredefinedMessage.objects.get(title="Aviso")
    page = f"{notices}{notice.pk}/change/"
    admin.post(page, posted(admin, page, text="Adiós {nombre}", active="on"))
    admin.post(f"{notices}{notice.pk}/delete/", {"post": "yes"})
    added, changed, deleted = acts()
    assert added[1] == "alta" and "Hola {nombre}" in added[3]
    assert changed == ("sofia", "cambio", "Aviso", "Texto: Hola {nombre} → Adiós {nombre}")
    assert deleted == ("sofia", "baja", "Aviso", "")


def test_several_deleted_by_an_action_are_several_acts(admin: Client) -> None:
    pks = list(PredefinedMessage.objects.values_list("pk", flat=True)[:2])
    data = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
    admin.post("/admin/chat/predefinedmessage/", data)
    assert [act for _, act, *_ in acts()] == ["baja", "baja"]


def test_groups_and_passwords_of_others_are_recorded_without_the_password(admin: Client, tecnica: User) -> None:
    page = f"/admin/auth/user/{tecnica.pk}/change/"
    groups = [Group.objects.get(name=GROUP_SUPERVISORS).pk]
    admin.post(page, posted(admin, page, groups=groups))
    assert acts()[-1] == ("sofia", "cambio", "ana", "Grupos: Técnicos → Supervisores")
    secret = {"password1": "uNa-Larga-77", "password2": "uNa-Larga-77", "usable_password": "true"}
    admin.post(f"/admin/auth/user/{tecnica.pk}/password/", secret)
    assert acts()[-1][:3] == ("sofia", "cambio", "ana") and len(acts()) == 2
    admin.post("/admin/auth/user/add/", {"username": "nueva", **secret})
    assert acts()[-1][:3] == ("sofia", "alta", "nueva")
    assert "Larga" not in repr(acts())


def test_one_s_own_password_is_recorded_when_it_changed(supervisora: User) -> None:
    supervisora.set_password("clave-1234")
    supervisora.save()
    client = browser_of(supervisora)
    new = {"new_password1": "uNa-Larga-77", "new_password2": "uNa-Larga-77"}
    client.post("/admin/password_change/", {"old_password": "otra", **new})
    assert acts() == []
    client.post("/admin/password_change/", {"old_password": "clave-1234", **new})
    assert acts() == [("sofia", "contrasena", "", "")]


def test_assigning_closing_and_exporting_by_an_action_are_recorded(admin: Client, tecnica: User) -> None:
    tickets = [make_ticket(), make_ticket()]
    chosen = {"_selected_action": [ticket.pk for ticket in tickets]}
    admin.post("/admin/tickets/ticket/", {"action": "assign", "technician": tecnica.pk, "asignar": "1", **chosen})
    admin.post("/admin/tickets/ticket/", {"action": "close", **chosen})
    said = [detail for *_, detail in acts()]
    assert said == ["Asignado a Ana Ruiz."] * 2 + ["Estado: Cerrado."] * 2
    admin.get("/admin/tickets/ticket/export/?state__exact=Cerrado")
    assert acts()[-1] == ("sofia", "exportacion", "", "Tickets: 2 filas (state__exact=Cerrado)")


def test_pauses_and_orders_to_the_session_are_recorded(admin: Client, gateway: FakeGateway) -> None:
    gateway.can = frozenset({"session"})  # type: ignore[misc]
    for method in ("restart", "log_out"):
        setattr(gateway, method, lambda: None)
    line.current()
    for action in ("pause_sending", "resume_sending", "resume_sending"):
        admin.post("/admin/whatsapp/connection/", {"action": action, "_selected_action": ["waha"]})
    for order in ("reiniciar", "cerrar-sesion"):
        admin.post(f"/admin/whatsapp/connection/waha/{order}/")
    assert [detail for *_, detail in acts()] == [
        "Envío en pausa.",
        "Envío reanudado.",
        "Pidió reiniciar la sesión.",
        "Pidió cerrar la sesión.",
    ]
    assert last().kind == "whatsapp.connection"


def test_events_that_are_handled_again_are_recorded(admin: Client) -> None:
    event = WebhookEvent.objects.create(gateway="waha", external_id="x", body="{}", state="error")
    admin.post(f"/admin/whatsapp/webhookevent/{event.pk}/reprocesar/")
    assert acts() == [("sofia", "cambio", "waha x", "Pidió atenderlo otra vez.")]


def test_merging_two_people_is_recorded_at_both(admin: Client) -> None:
    one, other = make_contact(), make_contact(name="Otra")
    admin.post(f"/admin/tickets/contact/combinar/?ids={one.pk},{other.pk}", {"combinar": "1", "quedar": one.pk})
    assert [act for _, act, *_ in acts()] == ["cambio", "cambio"]
    assert "Se combinó con Otra" in acts()[0][3]


# The page


def test_supervisors_read_it_and_technicians_do_not_enter(admin: Client, desk: Client) -> None:
    post(desk, f"/ticket/{make_ticket().pk}/tomar")
    page = text_of(admin.get(PAGE))
    assert "Tomó el ticket" in page and "Ana Ruiz (ana)" in page
    assert desk.get(PAGE).status_code == 302
    assert "Ver todos los actos" in text_of(admin.get(f"{PAGE}{AuditEntry.objects.get(act='toma').pk}/change/"))


def test_nobody_adds_changes_or_deletes_not_even_a_superuser(admin_user: User, admin: Client) -> None:
    audit.record(Act.TOOK, admin_user, make_ticket())
    row, count = last(), AuditEntry.objects.count() + 1  # the superuser logs in
    for client in (browser_of(admin_user), admin):
        assert client.get(f"{PAGE}add/").status_code == 403
        assert client.get(f"{PAGE}{row.pk}/delete/").status_code == 403
        assert client.post(f"{PAGE}{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.post(f"{PAGE}{row.pk}/change/", {"name": "otra"}).status_code == 403
        client.post(PAGE, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
        assert "delete_selected" not in text_of(client.get(PAGE))
    assert AuditEntry.objects.filter(name=row.name, act="toma").count() == 1
    assert AuditEntry.objects.count() == count


@pytest.mark.parametrize(
    "deed",
    [
        lambda: last().save(),
        lambda: last().delete(),
        lambda: AuditEntry.objects.update(name="otra"),
        lambda: AuditEntry.objects.all().delete(),
    ],
    ids=["save", "delete", "update", "delete all"],
)
def test_the_program_itself_neither_changes_nor_deletes(deed: Callable[[], Any]) -> None:
    audit.record(Act.IMPORTED, None, name="consola", detail="3 tickets")
    with pytest.raises(RuntimeError):
        deed()
    assert acts() == [("consola", "importacion", "", "3 tickets")]


def test_an_act_outlives_whoever_did_it_and_what_it_was_done_to(admin: Client, admin_user: User) -> None:
    beto = make_user("beto")
    audit.record(Act.TOOK, beto, make_ticket())
    browser_of(admin_user).post(f"/admin/auth/user/{beto.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(username="beto").exists()
    entry = AuditEntry.objects.get(act=Act.TOOK)
    assert "beto" in text_of(admin.get(f"{PAGE}?act__exact=toma"))
    assert "beto" in text_of(admin.get(f"{PAGE}{entry.pk}/change/"))


def found(client: Client, **query: str) -> set[str]:
    response = client.get(PAGE, query)
    assert response.status_code == 200
    return {entry.detail for entry in response.context["cl"].queryset}


def test_it_is_found_by_person_object_words_and_date(admin: Client, tecnica: User, supervisora: User) -> None:
    ticket = make_ticket(name="Juan Pérez")
    audit.record(Act.TOOK, tecnica, ticket, "uno")
    audit.record(Act.CHANGED, supervisora, ticket.contact, "dos palabras")
    audit.record(Act.REFUSED, None, name="luz", detail="tres")
    old = AuditEntry(act=Act.TOOK, detail="viejo", at=timezone.now() - timedelta(days=400), address=HOME, name="x")
    old.save()
    assert found(admin, persona=str(tecnica.pk)) == {"uno"}
    assert found(admin, persona="nadie") == {"tres", "viejo"}
    assert found(admin, tipo="tickets.contact") == {"dos palabras"}
    assert found(admin, kind="tickets.ticket", object_id=str(ticket.pk)) == {"uno"}
    assert found(admin, q=f"#{ticket.pk}") >= {"uno"} and "tres" not in found(admin, q=f"#{ticket.pk}")
    assert found(admin, q="palabras dos") == {"dos palabras"}
    assert found(admin, q=HOME) == {"viejo"}
    assert found(admin, at__year=str(old.at.year), act__exact="toma") == {"viejo"}
    assert found(admin, persona="x'; --") >= {"uno", "viejo"}


def test_it_is_exported_as_csv_without_formulas_and_that_is_recorded(admin: Client, tecnica: User) -> None:
    audit.record(Act.CHANGED, tecnica, make_ticket(), "=cmd()")
    response = admin.get(f"{PAGE}export/", {"act__exact": "cambio"})
    assert "auditoria-20" in response["Content-Disposition"]
    (row,) = csv.DictReader(StringIO(response.content.decode("utf-8-sig")))
    assert (row["Cuenta"], row["Qué hizo"], row["Detalle"]) == ("ana", "Cambió", "'=cmd()")
    assert acts()[-1][1:] == ("exportacion", "", "Actos de auditoría: 1 filas (act__exact=cambio)")


def test_a_page_of_it_asks_the_same_however_many_rows_it_has(admin: Client, tecnica: User) -> None:
    admin.get(PAGE)  # who asks is read once
    counts = []
    for _ in range(2):
        for _ in range(15):
            audit.record(Act.TOOK, tecnica, make_ticket())
        with CaptureQueriesContext(connection) as queries:
            admin.get(PAGE)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_it_is_kept_for_ever_or_as_many_days_as_the_setting_says(settings: Settings) -> None:
    AuditEntry(act=Act.LOGIN, at=timezone.now() - timedelta(days=40)).save()
    tasks.purge_audit.run()
    assert AuditEntry.objects.count() == 1
    settings.AUDITORIA_DIAS = 41
    tasks.purge_audit.run()
    assert AuditEntry.objects.count() == 1
    settings.AUDITORIA_DIAS = 39
    tasks.purge_audit.run()
    assert not AuditEntry.objects.exists()
    assert {"task": "chat.purge_audit", "schedule": 86400.0} in settings.CELERY_BEAT_SCHEDULE.values()
