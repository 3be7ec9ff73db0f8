"""What the two endpoints and the log say of a conversation: plain dicts from `.values_list`, no write on GET."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet, Subquery
from django.utils import timezone

from chat import attachments, media_uploads, window
from chat.models import NOTE, SYSTEM, Conversation, Message, Participant
from tickets.models import Ticket
from tickets.prepared import Prepared

Row = tuple[Any, ...]

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
    "resends_id",
)
WITHOUT_FILE = ("text", "location", "contact", NOTE, SYSTEM)
# What a place, shared contacts and a note that names colleagues are made of.
SHOWN_DETAILS = ("latitud", "longitud", "nombre", "direccion", "contactos", "menciones")
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
    "quotes_id",
)

SEQ, RESENDS, QUOTES = ((*COLUMNS, *CHANGES).index(name) for name in ("seq", "resends_id", "quotes_id"))


def local(moment: datetime) -> str:
    """`moment` as the contract writes times: local to TIME_ZONE, whole seconds, no offset."""
    return moment.astimezone(timezone.get_default_timezone()).isoformat(timespec="seconds")[:19]


def full_name(first: str, last: str, username: str) -> str:
    return f"{first} {last}".strip() or username


def rows_of(messages: QuerySet[Message], *more: str) -> QuerySet[Message, Row]:
    """What an entry is made of, in seq order, and `more` columns at the end."""
    return messages.order_by("seq").values_list(*COLUMNS, *CHANGES, *more)


all_rows = Prepared(lambda ticket: rows_of(Message.objects.filter(ticket=ticket)))
rows_since = Prepared(lambda ticket, version: rows_of(Message.objects.filter(ticket=ticket, version__gt=version)))


def last_rows(rows: QuerySet[Message, Row], count: int = PAGE) -> tuple[list[Row], bool]:
    """The last `count` of `rows` in seq order, and whether there are more before them. One query."""
    found = list(rows.reverse()[: count + 1])
    return found[:count][::-1], len(found) > count


def among(messages: QuerySet[Message], rows: Iterable[Row]) -> QuerySet[Message]:
    """Those of `messages` that `rows` were read of."""
    return messages.filter(seq__in=[row[SEQ] for row in rows])


def entries(messages: QuerySet[Message], reader: User, rows: Iterable[Row] | None = None) -> list[dict[str, Any]]:
    """The `historial` of `messages` in seq order, as `reader` sees it; of `rows`, where they were read already."""
    rows = list(rows_of(messages) if rows is None else rows)
    others, found = others_named(rows), []
    for row in rows:
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
                "reenvio_de": others[resends][0] if resends else None,
                "clave": str(key) if key else None,
                **changes_entry(others, *more),
            }
        )
    has_files = any(entry["tipo"] not in WITHOUT_FILE for entry in found)
    files = attachments.entries(messages) if has_files else {}
    for entry in found:
        entry["adjunto"] = files.get(entry["seq"])
    return found


def others_named(rows: list[Row]) -> dict[int, tuple[int, str, str, datetime | None]]:
    """Of the messages that these answer or send again: seq, role, text, and when they were deleted. Most name none."""
    wanted = {row[at] for row in rows for at in (RESENDS, QUOTES) if row[at]}
    named = Message.objects.filter(pk__in=wanted) if wanted else Message.objects.none()
    return {pk: other for pk, *other in named.values_list("pk", "seq", "role", "text", "deleted")}  # type: ignore[misc]


def changes_entry(
    others: dict[int, tuple[int, str, str, datetime | None]],
    code: str,
    edited: datetime | None,
    original: str,
    deleted: datetime | None,
    reaction: str,
    own_reaction: str,
    recovered: datetime | None,
    details: dict[str, Any],
    quotes: int | None,
) -> dict[str, Any]:
    """The part of an entry that CHANGES fill. `content` stays what was said last, also of a deleted message."""
    cita = None
    if quotes:
        seq, role, text, gone = others[quotes]
        cita = {"seq": seq, "role": role, "content": "" if gone else text[:QUOTED]}
    return {
        "datos": {key: details[key] for key in SHOWN_DETAILS if key in details},
        "codigo": code,
        "editado": local(edited) if edited else None,
        "original": original,
        "eliminado": local(deleted) if deleted else None,
        "reaccion": reaction,
        "reaccion_propia": own_reaction,
        "recuperado": [local(datetime.fromisoformat(end)) for end in details.get("corte", ())] if recovered else None,
        "cita": cita,
    }


team = Prepared(
    lambda ticket: (
        Participant.objects.filter(ticket=ticket, user__is_active=True)
        .order_by("pk")
        .values_list("user_id", "mention_id", "user__first_name", "user__last_name", "user__username")
    )
)


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
        "participantes": [
            {"id": pk, "nombre": full_name(*name), "yo": pk == reader.pk, "mencion": mention is not None}
            for pk, mention, *name in team(ticket.pk)
        ],
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


versions = Prepared(
    lambda ticket: Conversation.objects.filter(
        contact=Subquery(Ticket.objects.filter(pk=ticket).values("contact"))
    ).values_list("version", flat=True)
)


def version_of(ticket_id: int) -> int:
    """The version of the ticket's conversation now; 0 when nothing was ever written. Read it before the rows."""
    return next(iter(versions(ticket_id)), 0)


def etag(reader: User, ticket_id: int, query: str, version: int) -> str:
    """The tag of an answer: equal only for the same person, ticket, query, version, gateway and release."""
    parts = f"{reader.pk}|{ticket_id}|{query}|{version}|{settings.WHATSAPP_GATEWAY}|{settings.RELEASE}"
    return f'"{hashlib.sha256(parts.encode()).hexdigest()[:32]}"'


def conversation(
    ticket: Ticket,
    reader: User,
    version: int,
    *,
    since: int | None = None,
    before: int | None = None,
    last: int | None = None,
) -> dict[str, Any]:
    """The body of GET conversacion: whole, or what changed after version `since`, or the page before seq `before`.

    `last` is how many messages a page has; without `before` it is the newest page.

    A `since` that is newer than `version` was told before the database was restored from a backup, and one from before
    the ticket's messages got other numbers names rows that are no more: whole again, and `entero` says so.
    """
    messages = ticket.messages.all()
    rows: Iterable[Row] | None = None
    more = False
    whole = since is None and before is None and last is None
    if since is not None and (since > version or since < ticket.renumbered):
        since, whole = 0, True
    if since is not None:
        messages = messages.filter(version__gt=since)
        rows = rows_since(ticket.pk, since) if since < version else ()
    elif not whole:
        older = messages if before is None else messages.filter(seq__lt=before)
        rows, more = last_rows(rows_of(older), last or PAGE)
        messages = among(messages, rows)
    else:
        rows = all_rows(ticket.pk)
    entry = ticket_entry(ticket, reader)
    return {
        "historial": entries(messages, reader, rows),
        "version": version,
        "entero": whole,
        "ticket": entry,
        "ventana": entry["ventana"],
        "mas": more,
        "archivos": media_uploads.offered(),
    }


# Who says what has no author because an import brought it, by its state.
BROUGHT = {"interna": "Importación", "importado": "Técnico"}
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
        brought = BROUGHT.get(entry["estado"]) if entry["role"] == "tecnico" else None
        name = entry["autor"] or brought or who[entry["role"]]
        icon, state = ICONS[entry["role"]], "" if entry["role"] == "user" else f" [{entry['estado']}]"
        if entry["tipo"] == NOTE:
            icon, state = "📝", " [nota interna, no se envió]"
        state += " [eliminado]" if entry["eliminado"] else " [editado]" if entry["editado"] else ""
        before = f" (antes: {entry['original']})" if entry["editado"] else ""
        before += f" [archivo: {entry['adjunto']['nombre']}]" if entry["adjunto"] else ""
        head.append(f"{entry['timestamp']} {icon} {name}{state}: {entry['content']}{before}")
    return head
