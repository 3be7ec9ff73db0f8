"""Everything a gateway tells us passes here: the raw ledger first, then the one handler named in settings."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from whatsapp import connection, gateways
from whatsapp.gateways.base import Gateway, Malformed
from whatsapp.gateways.events import ConnectionChanged, Event, Ignored, Inbound
from whatsapp.models import WebhookEvent

logger = logging.getLogger(__name__)
State = WebhookEvent.State
OPEN = (State.RECEIVED, State.WAITING, State.ERROR)
RETRY_AFTER = timedelta(seconds=5)
MAX_TRIES = 5
# Longer than any text of WhatsApp's: a string of this length in an event is a file.
FILE_CHARACTERS = 100_000
REPEATED = WebhookEvent.REPEATED
# Begins the id of a message whose gateway tells none and that a person wanted to see.
SHOWN = "evento:"


@dataclass(frozen=True)
class Outcome:
    """What became of an event: done, of no interest (with the reason), or waiting for `waits_on`."""

    state: str = State.PROCESSED
    reason: str = ""
    waits_on: str = ""
    about: str = ""


Handler = Callable[[Event], Outcome]


def dispatch(event: Event) -> Outcome:
    """Give one normalised event to whom it concerns. The session's state is ours; all the rest, the handler's."""
    if isinstance(event, Ignored):
        return Outcome(State.IGNORED, event.reason)
    if isinstance(event, ConnectionChanged):
        return line_changed(event)
    return handler()(event)


def handler() -> Handler:
    found: Handler = import_string(settings.WHATSAPP_HANDLER)
    return found


def line_changed(event: ConnectionChanged) -> Outcome:
    """The handler's part is first: whoever changes messages and the line locks the messages first."""
    with transaction.atomic():
        if connection.current().connected == event.connected:
            return Outcome(State.IGNORED, "Sin cambio de conexión")
        outcome = handler()(event)
        connection.update(event)
        return outcome


def resume(why: str) -> bool:
    """End a pause of sending and let what waited go; returns whether there was a pause."""
    with transaction.atomic():
        line = connection.current()
        if line.paused and line.connected:
            handler()(ConnectionChanged(connected=True, detail="Envío reanudado"))
        return connection.resume(why)


def store(gateway: Gateway, body: bytes) -> list[WebhookEvent]:
    """Insert what a webhook's raw body holds, each part once per gateway and external id; returns their rows."""
    text = body.decode(errors="replace").replace("\0", "")
    payload = decoded(text)
    parts = gateway.parts(payload)
    if len(parts) == 1:
        return [keep(gateway, body, payload, text)]
    texts = [written(part) for part in parts]
    with transaction.atomic():
        return [keep(gateway, text.encode(), part, text) for part, text in zip(parts, texts, strict=True)]


def keep(gateway: Gateway, body: bytes, payload: object, text: str) -> WebhookEvent:
    """Insert one event. What cannot be read cannot be cleaned either: of a gateway whose bodies hold secrets only its
    length and its fingerprint are kept."""
    external_id = gateway.external_id(body, payload)
    if payload is None and type(gateway).clean is not Gateway.clean:
        text = json.dumps({"ilegible": {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}})
    elif (clean := gateway.clean(payload)) is not payload:
        text = written(clean)
    defaults = {"body": text}
    return WebhookEvent.objects.get_or_create(gateway=gateway.name, external_id=external_id, defaults=defaults)[0]


def decoded(text: str) -> object:
    """The JSON value of `text`, or None when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def written(payload: object) -> str:
    """`payload` as JSON that a database can hold: readable, or escaped where half a character is in it."""
    text = json.dumps(payload, ensure_ascii=False)
    return text if encodable(text) else json.dumps(payload)


def encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def show(pk: int) -> None:
    """Let an ignored event that was taken for a repeat be a message after all, once."""
    handle(pk, force=True)


def handle(pk: int, *, force: bool = False) -> None:
    """Handle a stored event, if nobody has (with `force` an ignored one too): its effects and mark are one transaction.

    A failure is kept on the row with its reason and never raised; trouble with the database that passes (a lock,
    a lost connection) leaves the row `recibido`, for the sweep. Two at once pass too: the loser is tried again.
    """
    try:
        with transaction.atomic():
            states = (*OPEN, State.IGNORED) if force else OPEN
            event = WebhookEvent.objects.select_for_update().filter(pk=pk, state__in=states).first()
            if event is not None:
                outcome = outcome_of(event, force=force)
                event.state, event.waits_on = outcome.state, outcome.waits_on
                event.reason, event.handled = outcome.reason[:300], timezone.now()
                event.about = outcome.about
                if event.state == State.PROCESSED or (event.state == State.IGNORED and outcome.reason != REPEATED):
                    event.body = without_files(event.body)
                event.save(update_fields=["state", "reason", "waits_on", "about", "handled", "body"])
    except (OperationalError, InterfaceError):
        logger.exception("Evento %s sin atender por ahora: la base de datos no lo permitió", pk)
    except Exception as error:
        logger.exception("Evento %s con error", pk)
        row = WebhookEvent.objects.filter(pk=pk, state__in=OPEN)
        if isinstance(error, IntegrityError):
            row.update(tries=F("tries") + 1)
            row = row.filter(tries__gte=MAX_TRIES)
        row.update(state=State.ERROR, reason=f"{type(error).__name__}: {error}"[:300])


def without_files(body: str) -> str:
    """A handled event's body without the files in it: the handler has stored them, or they were of no interest."""
    if len(body) < FILE_CHARACTERS:
        return body

    def shortened(value: object) -> object:
        if isinstance(value, dict):
            return {key: shortened(item) for key, item in value.items()}
        if isinstance(value, list):
            return [shortened(item) for item in value]
        if isinstance(value, str) and len(value) >= FILE_CHARACTERS:
            return f"(archivo de {len(value)} caracteres, ya atendido)"
        return value

    return written(shortened(decoded(body)))


def outcome_of(event: WebhookEvent, *, force: bool = False) -> Outcome:
    """What the handler makes of an event.

    A message that does not say when it was written was written when it reached us, however late it is handled. One
    without an id gets an id of ours with `force`, so that it is no repeat of another, but shown only once.
    """
    try:
        parsed = gateways.GATEWAYS[event.gateway]().parse(decoded(event.body))
    except Malformed as error:
        return Outcome(State.ERROR, str(error))
    for index, item in enumerate(parsed):
        if isinstance(item, Inbound):
            own_id = f"{SHOWN}{event.pk}" if force and item.external_id is None else item.external_id
            parsed[index] = replace(item, external_id=own_id, sent_at=item.sent_at or event.received)
    outcomes = [dispatch(item) for item in parsed] or [Outcome(State.IGNORED, "Sin contenido")]
    for state in (State.WAITING, State.PROCESSED):
        for outcome in outcomes:
            if outcome.state == state:
                return outcome
    return outcomes[0]


def wake_waiting(*waits_on: str) -> None:
    """Handle again what waited for one of `waits_on` ("message:<id>", "conversation:<id>")."""
    for pk in waiting(*waits_on):
        handle(pk)


def waiting(*waits_on: str) -> QuerySet[WebhookEvent, int]:
    """The events that wait for one of `waits_on`, the oldest first."""
    rows = WebhookEvent.objects.filter(state=State.WAITING, waits_on__in=waits_on)
    return rows.order_by("pk").values_list("pk", flat=True)


def unhandled(limit: int = 200) -> list[int]:
    """The oldest events that should have been handled by now."""
    late = WebhookEvent.objects.filter(state=State.RECEIVED, received__lt=timezone.now() - RETRY_AFTER)
    return list(late.order_by("received", "pk").values_list("pk", flat=True)[:limit])
