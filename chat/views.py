"""The endpoints of a ticket's conversation: each parses, calls, answers."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from rest_framework.decorators import api_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from chat import audit, compose, decisions, history, media_uploads, notices, sending, team, window
from chat.audit_models import Act
from chat.errors import explained
from chat.media_uploads import Upload
from chat.models import Delivery, Message, PredefinedMessage
from chat.quick import as_json, quick
from chat.thread import shown_text
from tickets.access import can_work, get_ticket
from tickets.downloads import download
from tickets.models import State, Ticket

logger = logging.getLogger(__name__)

LARGEST_PAGE = 200
NOT_SAVED = "Error interno: tu mensaje no se guardó. Vuelve a enviarlo; si se repite, avisa a soporte con la hora."
AWAY = "La base de datos no responde: tu mensaje no se guardó. Vuelve a enviarlo en un momento."
AWAY_SAVED = "La base de datos no responde, pero tu mensaje quedó guardado: su estado aparecerá en el chat."
SAVED = "Error interno, pero tu mensaje quedó guardado: su estado aparecerá en el chat. No lo escribas otra vez."


def person(request: Request | HttpRequest) -> User:
    """Who is asking; the access function has the last word on what they may see."""
    return request.user  # type: ignore[return-value]


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object; InvalidText when the body is anything else."""
    try:
        body = request.data
    except RecursionError:
        raise compose.InvalidText("El cuerpo no es JSON válido: tiene demasiados niveles.") from None
    except RequestDataTooBig:
        raise compose.InvalidText("El cuerpo es demasiado grande.") from None
    if not isinstance(body, dict):
        raise compose.InvalidText("El cuerpo debe ser un objeto JSON.")
    return body


def draft_of(
    body: dict[str, Any],
    text: str,
    notice: PredefinedMessage | None = None,
    template: dict[str, Any] | None = None,
) -> compose.Draft:
    """The draft that a body describes; raises InvalidText for what is malformed beside its words."""
    key, seen, force = body.get("clave"), body.get("visto_hasta"), body.get("forzar", False)
    used = body.get("predefinido")
    try:
        key = key if key is None else uuid.UUID(key)
    except (ValueError, TypeError, AttributeError):
        raise compose.InvalidText("«clave» debe ser un UUID.") from None
    if seen is not None and (not isinstance(seen, int) or isinstance(seen, bool) or not 0 <= seen < 2**63):
        raise compose.InvalidText("«visto_hasta» debe ser un número entero.")
    if not isinstance(force, bool):
        raise compose.InvalidText("«forzar» debe ser true o false.")
    if used is not None and (not isinstance(used, int) or isinstance(used, bool)):
        raise compose.InvalidText("«predefinido» debe ser el número de un mensaje predefinido.")
    return compose.Draft(text=text, key=key, seen=seen, force=force, used=used, notice=notice, template=template)


def send(ticket: Ticket, author: User, draft: compose.Draft) -> Response:
    """Save, wake, wait, answer: what both the composer and Notificar do."""
    message, began = None, time.monotonic()
    try:
        message, new = compose.write(ticket.pk, author, draft)
        return told(message, ticket, began, new=new)
    except compose.EXPECTED:
        raise
    except Exception as error:
        logger.exception("Error interno al enviar al ticket #%s", ticket.pk)
        saved = {"ticket_id": ticket.pk, "telefono": ticket.contact.telefono, "seq": message.seq} if message else {}
        if isinstance(error, DatabaseError | InterfaceError):
            detail = AWAY_SAVED if message else AWAY
            return Response({"detail": detail, "status": "sin_base_de_datos", **saved}, status=503)
        return Response({"detail": SAVED if message else NOT_SAVED, "status": "error", **saved}, status=500)


def send_with_file(ticket: Ticket, author: User, draft: compose.Draft, upload: Upload) -> Response:
    """The same with a stored file, which is deleted again if nothing came of it."""
    try:
        return send(ticket, author, replace(draft, text=shown_text(upload.kind, draft.text), file=upload))
    finally:
        media_uploads.drop_unused(upload)


def told(message: Message, ticket: Ticket, began: float, *, new: bool) -> Response:
    """Answer with the message's outcome, waited for; only a new one is sent."""
    if new or sending.unsettled(message):
        message = sending.send_and_wait(message, began, new=new)
        if message.settled and not message.settled_by_id:
            # Evidence was quicker than our look. The attempt ended in doubt all the same, and that is its answer.
            message.state = Delivery.DOUBTFUL
    status, body = sending.outcome(message, ticket)
    return Response(body, status=status)


@api_view(["POST"])
@explained
def send_message(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/enviar-mensaje {"mensaje", "clave"?, "visto_hasta"?, "forzar"?, "predefinido"?}."""
    ticket = get_ticket(request.user, ticket_id)
    body = body_of(request)
    return send(ticket, person(request), draft_of(body, compose.check_text(body.get("mensaje"))))


@quick
def conversation(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """GET /ticket/{id}/conversacion[?desde=version|?antes=seq|?ultimos=count]; 304 before reading any message."""
    reader = person(request)
    version = history.version_of(ticket_id)  # before any row is read, the ticket's own included
    tag = history.etag(reader, ticket_id, request.META["QUERY_STRING"], version)
    known = parse_etags(request.headers.get("If-None-Match", ""))
    unchanged = tag in [one.removeprefix("W/") for one in known]  # a proxy that compresses weakens the tag
    if unchanged and version and can_work(reader):  # a ticket whose conversation has a version is there
        return HttpResponseNotModified(headers={"ETag": tag})
    ticket = get_ticket(reader, ticket_id)
    if unchanged:
        return HttpResponseNotModified(headers={"ETag": tag})
    since, before, last = (number(request, name) for name in ("desde", "antes", "ultimos"))
    if last is not None and not 0 < last <= LARGEST_PAGE:
        raise compose.InvalidText(f"«ultimos» debe ser de 1 a {LARGEST_PAGE}.")
    body = history.conversation(ticket, reader, version, since=since, before=before, last=last)
    return as_json(body, {"ETag": tag})


def number(request: HttpRequest, name: str) -> int | None:
    """A query parameter that is a whole number; raises InvalidText when it is something else."""
    raw = request.GET.get(name)
    if raw is None:
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise compose.InvalidText(f"«{name}» debe ser un número entero.")
    return int(raw)


@api_view(["GET", "POST"])
@explained
def notify(request: Request, ticket_id: int) -> Response:
    """GET: the predefined messages with this ticket's values. POST {"predefinido", "clave"?, "forzar"?}: send one.

    With "plantilla" (the one previewed, or null) nothing is sent when it would not be that one now.
    """
    ticket = get_ticket(request.user, ticket_id)
    if request.method == "GET":
        mensajes = notices.previews(ticket, person(request))
        return Response({"mensajes": mensajes, "ticket": history.ticket_entry(ticket, person(request))})
    body = body_of(request)
    chosen = body.get("predefinido")
    if not isinstance(chosen, int) or isinstance(chosen, bool):
        raise compose.InvalidText("«predefinido» debe ser el número de un mensaje predefinido.")
    notice = PredefinedMessage.objects.notices().select_related("template").filter(pk=chosen).first()
    if notice is None:
        raise NotFound("Ese mensaje predefinido ya no existe.")
    words = notices.wording(notice, ticket, person(request), window.of_contact(ticket.contact_id))
    if "plantilla" in body and body["plantilla"] != (words.template and words.template["nombre"]):
        raise window.WindowChanged
    draft = draft_of(body, compose.check_text(words.text), notice, words.template)
    if words.with_file:
        return send_with_file(ticket, person(request), draft, notices.copy_of_file(notice, draft.text))
    return send(ticket, person(request), draft)


@api_view(["POST"])
@explained
def decide(request: Request, ticket_id: int, seq: int) -> Response:
    """POST /ticket/{id}/mensaje/{seq}/resolver {"decision": "ya_llego"|"reenviar"|"descartar"}."""
    ticket = get_ticket(request.user, ticket_id)
    decision = body_of(request).get("decision")
    if decision not in (decisions.ARRIVED, decisions.RESEND, decisions.DISCARD):
        raise compose.InvalidText("«decision» debe ser ya_llego, reenviar o descartar.")
    try:
        message = decisions.decide(ticket, seq, decision, person(request))
    except Message.DoesNotExist:
        raise NotFound("Ese mensaje no existe en este ticket.") from None
    if decision == decisions.RESEND:
        return told(message, ticket, time.monotonic(), new=True)
    sending.send_now(message)  # what waited behind it may go now
    return Response({"status": message.state, "ticket_id": ticket.pk, "seq": message.seq})


@api_view(["POST"])
@explained
def mark_read(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/leido {"hasta": seq}: the person's messages up to there were on the screen."""
    ticket = get_ticket(request.user, ticket_id)
    seen = draft_of({"visto_hasta": body_of(request).get("hasta")}, "").seen
    if seen is None:
        raise compose.InvalidText("«hasta» debe ser un número entero.")
    compose.mark_read(ticket.pk, seen)
    team.seen(ticket.pk, person(request))
    return Response(status=204)


@api_view(["POST"])
@explained
def take(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/tomar: the ticket is mine."""
    ticket = decisions.take(get_ticket(request.user, ticket_id), person(request))
    return Response({"ticket": history.ticket_entry(ticket, person(request))})


@api_view(["POST"])
@explained
def change_state(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/estado {"estado"}."""
    ticket = get_ticket(request.user, ticket_id)
    state = body_of(request).get("estado")
    if state not in State.values:
        raise compose.InvalidText(f"«estado» debe ser uno de: {', '.join(State.values)}.")
    ticket = decisions.change(ticket, state=state, by=person(request))
    return Response({"ticket": history.ticket_entry(ticket, person(request))})


@download
def log(request: Request, ticket_id: int) -> HttpResponse:
    """GET /ticket/{id}/log: the whole conversation as a text file."""
    ticket = get_ticket(request.user, ticket_id)
    text = "\n".join(history.log_lines(ticket, person(request))) + "\n"
    if request.method == "GET":
        audit.record(Act.EXPORTED, person(request), ticket, "Su conversación como texto")
    headers = {"Content-Disposition": f'attachment; filename="ticket-{ticket.pk}.txt"'}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)
