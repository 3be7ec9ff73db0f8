"""The connection and the received events in the admin."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import Message
from tests.supervision import browser_of, text_of
from whatsapp import events
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Misconfigured
from whatsapp.gateways.waha import Waha
from whatsapp.models import Connection, WebhookEvent

EVENTS, CONNECTION = "/admin/whatsapp/webhookevent/", "/admin/whatsapp/connection/"
State = WebhookEvent.State


@pytest.fixture
def admin(supervisora: User) -> Client:
    return browser_of(supervisora)


def make_event(state: str = State.ERROR, *, number: int = 1, body: object = None, **fields: object) -> WebhookEvent:
    body = body if body is not None else inbound(number)
    text = body if isinstance(body, str) else json.dumps(body)
    defaults = {
        "gateway": "waha",
        "external_id": f"evt-{number}",
        "reason": "KeyError: 'x'" if state == "error" else "",
    }
    return WebhookEvent.objects.create(**{**defaults, "state": state, "body": text, **fields})


def inbound(number: int) -> dict[str, object]:
    payload = {
        "id": f"false_5214772758198@c.us_AAA{number}",
        "timestamp": 1770284000,
        "from": "5214772758198@c.us",
        "fromMe": False,
        "body": f"Hola {number}",
    }
    return {"event": "message.any", "session": "default", "payload": payload}


def answers(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    monkeypatch.setattr(Waha, "status", lambda self: answer)


@pytest.mark.parametrize("state", [State.ERROR, State.WAITING, State.RECEIVED, State.IGNORED])
def test_reprocesar_handles_an_event_that_was_not(admin: Client, state: str) -> None:
    event = make_event(state)
    shown = text_of(admin.post(f"{EVENTS}{event.pk}/reprocesar/", follow=True))
    event.refresh_from_db()
    assert event.state == State.PROCESSED
    assert f"Evento {event.pk}: procesado" in shown
    assert Message.objects.filter(text="Hola 1").count() == 1


def test_reprocesar_twice_does_it_once(admin: Client) -> None:
    event = make_event()
    for _ in range(2):
        shown = text_of(admin.post(f"{EVENTS}{event.pk}/reprocesar/", follow=True))
    assert "ya estaba procesado" in shown
    assert Message.objects.filter(text="Hola 1").count() == 1


def test_an_event_that_fails_again_says_why(admin: Client) -> None:
    event = make_event(gateway="desaparecido")
    shown = text_of(admin.post(f"{EVENTS}{event.pk}/reprocesar/", follow=True))
    assert f"Evento {event.pk}: sigue con error" in shown
    event.refresh_from_db()
    assert event.state == State.ERROR


def test_many_events_are_reprocessed_oldest_first_and_counted(admin: Client) -> None:
    rows = [make_event(number=number) for number in range(12)]
    data = {"action": "reprocess", "_selected_action": [row.pk for row in reversed(rows)]}
    assert "12 eventos: procesado." in text_of(admin.post(EVENTS, data, follow=True))
    texts = list(Message.objects.filter(role="user").order_by("seq").values_list("text", flat=True))
    assert texts == [f"Hola {number}" for number in range(12)]


def test_reprocesar_needs_its_right_and_a_post(admin: Client, supervisora: User) -> None:
    event = make_event()
    assert admin.get(f"{EVENTS}{event.pk}/reprocesar/").status_code == 405
    looker = User.objects.create_user("mira", is_staff=True)
    looker.user_permissions.set(supervisora.groups.get().permissions.filter(codename="view_webhookevent"))
    client = browser_of(looker)
    assert client.post(f"{EVENTS}{event.pk}/reprocesar/").status_code == 403
    shown = text_of(client.get(f"{EVENTS}{event.pk}/change/"))
    assert "Reprocesar" not in shown
    client.post(EVENTS, {"action": "reprocess", "_selected_action": [event.pk]})
    event.refresh_from_db()
    assert event.state == State.ERROR


def test_reprocesar_of_an_event_that_is_gone_goes_back(admin: Client) -> None:
    assert admin.post(f"{EVENTS}999/reprocesar/").status_code == 302


def test_an_event_shows_its_body_as_escaped_json(admin: Client) -> None:
    event = make_event(body={"payload": {"body": "<script>ñ</script>"}})
    shown = text_of(admin.get(f"{EVENTS}{event.pk}/change/"))
    assert "  &quot;payload&quot;: {" in shown
    assert "&lt;script&gt;ñ" in shown


def test_a_body_that_is_no_json_is_shown_as_it_came(admin: Client) -> None:
    assert "{roto &lt;b&gt;" in text_of(admin.get(f"{EVENTS}{make_event(body='{roto <b>').pk}/change/"))


def test_events_are_filtered_by_state_and_found_by_id(admin: Client) -> None:
    wrong, right = make_event(number=1), make_event(State.PROCESSED, number=2)
    assert list(admin.get(EVENTS, {"state__exact": "error"}).context["cl"].queryset) == [wrong]
    assert list(admin.get(EVENTS, {"q": "evt-2"}).context["cl"].queryset) == [right]
    assert len(admin.get(EVENTS, {"gateway": "waha"}).context["cl"].queryset) == 2


def test_events_are_never_edited(admin: Client, admin_client: Client) -> None:
    event = make_event()
    for client in (admin, admin_client):
        assert client.post(f"{EVENTS}{event.pk}/change/", {"state": "procesado"}).status_code == 403
        assert client.post(f"{EVENTS}{event.pk}/delete/", {"post": "yes"}).status_code == 403


def test_comprobar_ahora_believes_the_gateway(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    Connection.objects.create(gateway="waha", connected=False, detail="Sin red")
    answers(monkeypatch, ConnectionChanged(connected=True, detail="WORKING"))
    shown = text_of(admin.post(f"{CONNECTION}waha/comprobar/", follow=True))
    assert "WhatsApp está conectado: WORKING" in shown
    assert Connection.objects.get(pk="waha").connected


def test_a_change_found_by_asking_reaches_the_handler(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    Connection.objects.create(gateway="waha", connected=False)
    seen: list[object] = []
    monkeypatch.setattr("chat.inbound.handle", lambda event: seen.append(event) or events.Outcome())
    answers(monkeypatch, ConnectionChanged(connected=True, detail="WORKING"))
    admin.post(CONNECTION, {"action": "check_now", "_selected_action": ["waha"]})
    assert seen == [ConnectionChanged(connected=True, detail="WORKING")]


def test_a_wrong_setting_is_named(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    Connection.objects.create(gateway="waha")
    answers(monkeypatch, Misconfigured("WAHA_API_KEY", "401"))
    assert "Revisa WAHA_API_KEY: 401" in text_of(admin.post(f"{CONNECTION}waha/comprobar/", follow=True))
    assert not Connection.objects.get(pk="waha").connected


def test_a_gateway_that_is_not_in_use_is_not_asked(admin: Client) -> None:
    Connection.objects.create(gateway="evolution")
    assert "no es el gateway en uso" in text_of(admin.post(f"{CONNECTION}evolution/comprobar/", follow=True))


def test_a_desk_that_never_sent_shows_its_connection(admin: Client) -> None:
    assert "waha" in text_of(admin.get(CONNECTION))


def test_the_connection_is_never_edited(admin: Client, admin_client: Client) -> None:
    Connection.objects.create(gateway="waha")
    for client in (admin, admin_client):
        assert client.post(f"{CONNECTION}waha/change/", {"connected": ""}).status_code == 403
        assert client.get(f"{CONNECTION}add/").status_code == 403
