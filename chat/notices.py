"""Predefined messages with the ticket's real values in them: what Notificar sends, by template when only that may go,
and the quick replies of the composer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.files import File
from django.core.files.storage import default_storage
from django.db.models import Max
from django.utils import timezone

from chat import media_uploads, templates_use, window
from chat.assistant import UNKNOWN
from chat.compose import InvalidText
from chat.history import local
from chat.media_uploads import MAX_CAPTION, RefusedFile, Upload
from chat.models import Delivery, PredefinedMessage
from tickets.models import Ticket
from whatsapp import templates

VARIABLE = re.compile(r"\{(\w+)\}")
VARIABLES = ("nombre", "numero", "estado", "tecnico", "saludo")
NO_TEMPLATE = "La ventana de 24 horas está cerrada y este aviso no tiene plantilla: un supervisor puede ponerle una."


@dataclass(frozen=True)
class Wording:
    """What of a notice would be sent now: its text (and `with_file`), or its `template`'s; `problem` says why not."""

    text: str
    template: dict[str, Any] | None = None
    problem: str = ""
    with_file: bool = False


def unknown_variables(text: str) -> list[str]:
    """The names in braces that no notice can fill."""
    return sorted({name for name in VARIABLE.findall(text) if name not in VARIABLES})


def values(ticket: Ticket, technician: User) -> dict[str, str]:
    """What the variables stand for; the technician is the ticket's, else who sends."""
    signer = ticket.technician or technician
    return {
        "nombre": str(ticket.contact) if ticket.name == UNKNOWN else ticket.shown_name,
        "numero": str(ticket.pk),
        "estado": ticket.state,
        "tecnico": signer.get_full_name() or signer.get_username(),
        "saludo": greeting(timezone.localtime().hour),
    }


def greeting(hour: int) -> str:
    """How people greet at that hour of the desk's day."""
    return "Buenos días" if 5 <= hour < 12 else "Buenas tardes" if 12 <= hour < 19 else "Buenas noches"


def render(text: str, ticket: Ticket, technician: User) -> str:
    """`text` with its variables filled."""
    known = values(ticket, technician)
    return VARIABLE.sub(lambda found: known.get(found[1], found[0]), text)


def template_values(notice: PredefinedMessage, ticket: Ticket, technician: User) -> list[str]:
    """The values of the notice's template: one line each, and in each no more spaces than Meta takes."""
    lines = (line for line in notice.template_values.splitlines() if line.strip())
    return [" ".join(render(line, ticket, technician).split()) for line in lines]


def wording(notice: PredefinedMessage, ticket: Ticket, technician: User, now: window.Window | None) -> Wording:
    """What the notice says while the 24-hour window is as `now` says."""
    text = render(notice.text, ticket, technician)
    if now is None or now.is_open:
        return Wording(text, problem=file_problem(notice, text), with_file=bool(notice.file))
    template = notice.template
    if template is None:
        return Wording(text, problem=NO_TEMPLATE)
    if not templates.is_sendable(template):
        why = template.problem or templates.shown_state(template.status).lower()
        return Wording(text, problem=f"Su plantilla «{template.name}» no se puede enviar ahora ({why}).")
    found = template_values(notice, ticket, technician)
    size = templates.count(template.header)
    try:
        filled = templates.render(template, found[:size], found[size:])
    except templates.Unfillable as error:
        return Wording(text, problem=f"Su plantilla «{template.name}» no se puede llenar. {error}")
    return Wording(filled, templates_use.details_of(template, found[:size], found[size:]))


def file_problem(notice: PredefinedMessage, text: str) -> str:
    """Why the notice's file cannot go with `text`, "" when it can or there is none."""
    if not notice.file:
        return ""
    try:
        media_uploads.checked(notice.mime, notice.size or 0, text)
    except RefusedFile as error:
        return str(error)
    over = len(text) - MAX_CAPTION
    return f"Con un archivo sobran {over} caracteres: WhatsApp acepta hasta {MAX_CAPTION}." if over > 0 else ""


def copy_of_file(notice: PredefinedMessage, text: str) -> Upload:
    """The notice's file, stored once more as if somebody had just chosen it. Raises InvalidText."""
    if problem := file_problem(notice, text):
        raise InvalidText(problem)
    try:
        with default_storage.open(str(notice.file.name)) as stored:
            return media_uploads.take(File(stored, name=notice.file_name), text)
    except (RefusedFile, FileNotFoundError):
        raise InvalidText("El archivo de este mensaje ya no está en el servidor.") from None


def file_entry(reply: PredefinedMessage) -> dict[str, Any] | None:
    """The reply's file as answers tell it."""
    if not reply.file:
        return None
    path = f"/respuestas/{reply.pk}"
    return {
        "nombre": reply.file_name,
        "tipo": reply.mime,
        "bytes": reply.size,
        "url": f"{path}/archivo",
        "miniatura": f"{path}/miniatura" if reply.thumbnail else None,
    }


def replies(ticket: Ticket, technician: User) -> list[dict[str, Any]]:
    """What `technician` may pick while writing in `ticket`, filled, what they use most first."""
    found = PredefinedMessage.objects.seen_by(technician).filter(active=True).most_used_first(technician)
    return [
        {
            "id": reply.pk,
            "titulo": reply.title,
            "atajo": reply.shortcut,
            "texto": render(reply.text, ticket, technician),
            "propia": reply.owner_id is not None,
            "usos": uses,
            "adjunto": file_entry(reply),
        }
        for reply, uses in found
    ]


def previews(ticket: Ticket, technician: User) -> list[dict[str, Any]]:
    """The active notices as they would be sent, each with when it last went out for this ticket."""
    messages = ticket.messages.filter(notice__isnull=False)
    kept = messages.exclude(state__in=[Delivery.FAILED, Delivery.DISCARDED])
    last = dict(kept.order_by().values_list("notice").annotate(Max("created")))
    now = window.of_contact(ticket.contact_id)
    found = []
    for notice in PredefinedMessage.objects.notices().select_related("template"):
        words = wording(notice, ticket, technician, now)
        found.append(
            {
                "id": notice.pk,
                "titulo": notice.title,
                "texto": words.text,
                "ya_enviado": local(last[notice.pk]) if notice.pk in last else None,
                "adjunto": file_entry(notice) if words.with_file else None,
                "plantilla": words.template["nombre"] if words.template else None,
                "problema": words.problem,
            }
        )
    return found
