"""What the two endpoints and the log say of a conversation: plain dicts from `.values_list`, no write on GET."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from chat import attachments, media_uploads, window
from chat.models import Conversation, Message
from tickets.models import Ticket

PAGE = 50
QUOTED = 200  # characters of a message that an answer to it shows
COLUMNS = (
    "role",
    "text",
    "created",
    "seq",
    "version",
    "state",
    "kind",
    "reason",
    "key",
    "author_id",
    "author__first_name",
    "author__last_name",
    "author__username",
    "resends__seq",
)
# What a place and shared contacts are made of.
SHOWN_DETAILS = ("latitud", "longitud", "nombre", "direccion", "contactos")
# What happened to a message after it came.
CHANGES = (
    "code",
    "edited",
    "original",
    "deleted",
    "reaction",
    "own_reaction",
    "recovered",
    "details",
    "quotes__seq",
    "quotes__role",
    "quotes__text",
    "quotes__deleted",
)


def local(moment: datetime) -> str:
    """`moment` as the contract writes times: local to TIME_ZONE, whole seconds, no offset."""
    return timezone.localtime(moment).replace(tzinfo=None).isoformat(timespec="seconds")


def full_name(first: str, last: str, username: str) -> str:
    return f"{first} {last}".strip() or username


def entries(messages: QuerySet[Message], reader: User) -> list[dict[str, Any]]:
    """The `historial` of `messages` in seq order, as `reader` sees it."""
    found = []
    for row in messages.order_by("seq").values_list(*COLUMNS, *CHANGES):
        role, text, created, seq, version, state, kind, reason, key, author, first, last, username, resends, *more = row
        found.append(
            {
                "role": role,
                "content": text,
                "timestamp": local(created),
                "seq": seq,
                "version": version,
                "estado": state,
                "autor": full_name(first, last, username) if author else None,
                "mio": author == reader.pk,
                "tipo": kind,
                "motivo": reason,
                "reenvio_de": resends,
                "clave": str(key) if key else None,
                **changes_entry(*more),
            }
        )
    has_files = any(entry["tipo"] not in ("text", "location", "contact") for entry in found)
    files = attachments.entries(messages) if has_files else {}
    for entry in found:
        entry["adjunto"] = files.get(entry["seq"])
    return found


def changes_entry(
    code: str,
    edited: datetime | None,
    original: str,
    deleted: datetime | None,
    reaction: str,
    own_reaction: str,
    recovered: datetime | None,
    details: dict[str, Any],
    *quoted: Any,
) -> dict[str, Any]:
    """The part of an entry that CHANGES fill. `content` stays what was said last, also of a deleted message."""
    seq, role, text, gone = quoted
    return {
        "datos": {key: details[key] for key in SHOWN_DETAILS if key in details},
        "codigo": code,
        "editado": local(edited) if edited else None,
        "original": original,
        "eliminado": local(deleted) if deleted else None,
        "reaccion": reaction,
        "reaccion_propia": own_reaction,
        "recuperado": [local(datetime.fromisoformat(end)) for end in details.get("corte", ())] if recovered else None,
        "cita": {"seq": seq, "role": role, "content": "" if gone else text[:QUOTED]} if seq else None,
    }


def ticket_entry(ticket: Ticket, reader: User) -> dict[str, Any]:
    """The `ticket` of an answer: what the modal's header shows. Needs contact and technician loaded."""
    technician = ticket.technician
    return {
        "id": ticket.pk,
        "nombre": ticket.shown_name,
        "telefono": ticket.contact.telefono,
        "telefono_legible": ticket.contact.shown_phone,
        "departamento": ticket.department,
        "tipo_equipo": ticket.equipment,
        "numero_activo": ticket.asset,
        "falla": ticket.fault,
        "categoria": ticket.category,
        "estado": ticket.state,
        "prioridad": ticket.priority,
        "tecnico": technician
        and {
            "id": technician.pk,
            "nombre": technician.get_full_name() or technician.get_username(),
            "yo": technician.pk == reader.pk,
        },
        "sin_leer": ticket.unread,
        "abierto": ticket.is_open,
        "ventana": window_entry(window.of_contact(ticket.contact_id)),
    }


def window_entry(found: window.Window | None) -> dict[str, Any] | None:
    """The 24-hour window as answers tell it; `null` where the gateway has none."""
    if found is None:
        return None
    closes = local(found.closes) if found.closes else None
    return {"abierta": found.is_open, "cierra": closes, "segundos": found.seconds}


def version_of(ticket_id: int) -> int:
    """The version of the ticket's conversation now; 0 when nothing was ever written. Read it before the rows."""
    conversations = Conversation.objects.filter(contact__tickets__pk=ticket_id)
    return conversations.values_list("version", flat=True).first() or 0


def etag(reader: User, ticket: Ticket, query: str, version: int) -> str:
    """The tag of an answer: equal only for the same person, ticket, query, version, gateway and release."""
    parts = f"{reader.pk}|{ticket.pk}|{query}|{version}|{settings.WHATSAPP_GATEWAY}|{settings.RELEASE}"
    return f'"{hashlib.sha256(parts.encode()).hexdigest()[:32]}"'


def conversation(
    ticket: Ticket, reader: User, version: int, *, since: int | None, before: int | None
) -> dict[str, Any]:
    """The body of GET conversacion: whole, or what changed after version `since`, or the page before seq `before`.

    A `since` that is newer than `version` was told before the database was restored from a backup, and one from before
    the ticket's messages got other numbers names rows that are no more: whole again, and `entero` says so.
    """
    messages = ticket.messages.all()
    more = False
    whole = since is None and before is None
    if since is not None and (since > version or since < ticket.renumbered):
        since, whole = 0, True
    if since is not None:
        messages = messages.filter(version__gt=since)
    elif before is not None:
        newest = messages.filter(seq__lt=before).order_by("-seq").values_list("seq", flat=True)[: PAGE + 1]
        seqs = list(newest)
        more = len(seqs) > PAGE
        messages = messages.filter(seq__in=seqs[:PAGE])
    entry = ticket_entry(ticket, reader)
    return {
        "historial": entries(messages, reader),
        "version": version,
        "entero": whole,
        "ticket": entry,
        "ventana": entry["ventana"],
        "mas": more,
        "archivos": media_uploads.offered(),
    }


ICONS = {"user": "👤", "assistant": "🤖", "tecnico": "👨‍💻"}


def log_lines(ticket: Ticket, reader: User) -> list[str]:
    """The whole conversation as text lines, for the download."""
    head = [
        f"Ticket #{ticket.pk} · {ticket.shown_name} · {ticket.contact.number}",
        f"Estado: {ticket.state} · Departamento: {ticket.department or '—'} · Equipo: {ticket.equipment or '—'} "
        f"· Activo: {ticket.asset or '—'}",
        f"Falla: {ticket.fault or '—'}",
        "",
    ]
    who = {"user": ticket.shown_name, "assistant": "Asistente", "tecnico": "Desde el teléfono"}
    for entry in entries(ticket.messages.all(), reader):
        name = entry["autor"] or who[entry["role"]]
        state = "" if entry["role"] == "user" else f" [{entry['estado']}]"
        state += " [eliminado]" if entry["eliminado"] else " [editado]" if entry["editado"] else ""
        before = f" (antes: {entry['original']})" if entry["editado"] else ""
        before += f" [archivo: {entry['adjunto']['nombre']}]" if entry["adjunto"] else ""
        head.append(f"{entry['timestamp']} {ICONS[entry['role']]} {name}{state}: {entry['content']}{before}")
    return head
