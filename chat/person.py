"""A person's whole history: who they are, and what they have been told and said over all their tickets."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Max, QuerySet
from django.http import Http404

from chat import history
from chat.history import PAGE, Row, local
from chat.models import Conversation, Message
from tickets import identity
from tickets.models import Alias, Contact, Ticket
from tickets.text import fold, fold_all

MOST_TICKETS = 500  # of one person, newest first
MOST_HITS = 1000  # newest first; they are counted beyond
AT_ONCE = 5000  # messages that a search holds in memory
FAULT = 200  # characters of it that a list shows


def about(ticket: Ticket) -> dict[str, Any]:
    """The body of GET persona: the person of `ticket`, and their tickets, newest first. Three queries."""
    contact = ticket.contact
    tickets = Ticket.objects.filter(contact=contact).defer("search_text").order_by("-created", "-pk")
    found = list(tickets[:MOST_TICKETS])
    count = len(found) if len(found) < MOST_TICKETS else tickets.count()
    first = min([contact.created, *(one.created for one in found)])
    names = {name: None for name in (contact.push_name, *(one.name for one in found)) if name}
    return {
        "nombre": str(contact),
        "otros_nombres": [name for name in names if name != str(contact)],
        "telefono": contact.telefono,
        "telefono_legible": contact.shown_phone,
        "departamento": contact.department or next((one.department for one in found if one.department), ""),
        "desde": local(first),
        "identidades": identities(contact),
        "departamentos": seen(found, "department"),
        "equipos": seen(found, "equipment", "asset"),
        "cuenta": count,
        "tickets": [{**chapter(one), "falla": one.fault[:FAULT], "actual": one.pk == ticket.pk} for one in found],
    }


def identities(contact: Contact) -> list[dict[str, Any]]:
    """Every address they were seen under, the one seen last first; `actual` is what is written to."""
    who = identity.identify(contact.address)
    current = (who.kind, who.key) if who else None
    return [
        {
            "tipo": alias.kind,
            "clase": alias.get_kind_display(),
            "direccion": identity.show(alias.address) if alias.kind == Alias.Kind.PHONE else alias.address,
            "actual": (alias.kind, alias.key) == current,
            "vista": local(alias.last_seen) if alias.last_seen else None,
        }
        for alias in contact.aliases.order_by(F("last_seen").desc(nulls_last=True), "-pk")
    ]


def seen(tickets: list[Ticket], *columns: str) -> list[dict[str, Any]]:
    """The different values of `columns` in `tickets`, the newest first, each with the tickets that have it.

    Two spellings with other case or accents are one value.
    """
    found: dict[str, dict[str, Any]] = {}
    for ticket in tickets:
        if value := " ".join(filter(None, (getattr(ticket, name) for name in columns))):
            found.setdefault(fold(value), {"valor": value, "tickets": []})["tickets"].append(ticket.pk)
    return list(found.values())


def chapter(ticket: Ticket) -> dict[str, Any]:
    """What a list of tickets and the timeline say of one."""
    return {
        "id": ticket.pk,
        "equipo": " ".join(filter(None, (ticket.equipment, ticket.asset))),
        "estado": ticket.state,
        "abierto": ticket.is_open,
        "creado": local(ticket.created),
        "cerrado": local(ticket.resolved) if ticket.resolved else None,
    }


def thread_of(ticket: Ticket) -> tuple[QuerySet[Message], str]:
    """All messages with the ticket's person, and the name of their numbering: under another one every `seq` may differ.

    Read it before the rows: then who follows a thread that changes meanwhile is told with the next page.
    """
    threads = Conversation.objects.filter(contact=ticket.contact_id)
    for pk, renumbered in threads.values_list("pk", Max("contact__tickets__renumbered")):
        return Message.objects.filter(conversation=pk), f"{pk}.{renumbered}"
    return Message.objects.none(), ""


def timeline(
    ticket: Ticket,
    reader: User,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    of: int | None = None,
) -> dict[str, Any]:
    """The body of GET persona/mensajes: the newest page, the one before or after a seq, or the one around a seq.

    `of` is the one around the beginning of that ticket; Http404 when it is not the same person's.
    """
    messages, numbering = thread_of(ticket)
    if of is not None:
        around = beginning(ticket, of)
    earlier = later = None
    if after is not None:
        rows, later = first_rows(messages.filter(seq__gt=after))
    elif around is not None:
        older, earlier = last_rows(messages.filter(seq__lt=around), PAGE // 2)
        newer, later = first_rows(messages.filter(seq__gte=around), PAGE // 2)
        rows = older + newer
    else:
        rows, earlier = last_rows(messages if before is None else messages.filter(seq__lt=before))
        later = None if before else False
    return {
        "nombre": str(ticket.contact),
        "mensajes": entries(messages, rows, reader),
        "tickets": chapters(rows),
        "mas_antes": earlier,
        "mas_despues": later,
        "foco": around,
        "hilo": numbering,
    }


def beginning(ticket: Ticket, of: int) -> int | None:
    """The seq of the first message of ticket `of`; None when it has none, Http404 when it is another person's."""
    if not Ticket.objects.filter(pk=of, contact=ticket.contact_id).exists():
        raise Http404("Ese ticket no es de esta persona.")
    return Message.objects.filter(ticket=of).order_by("seq").values_list("seq", flat=True).first()


def last_rows(messages: QuerySet[Message], count: int = PAGE) -> tuple[list[Row], bool]:
    return history.last_rows(history.rows_of(messages, "ticket_id"), count)


def first_rows(messages: QuerySet[Message], count: int = PAGE) -> tuple[list[Row], bool]:
    """The first `count` in seq order, and whether there are more after them. One query."""
    found = list(history.rows_of(messages, "ticket_id")[: count + 1])
    return found[:count], len(found) > count


def entries(messages: QuerySet[Message], rows: list[Row], reader: User) -> list[dict[str, Any]]:
    """The rows as the chat tells them, each with its ticket."""
    told = history.entries(history.among(messages, rows), reader, [row[:-1] for row in rows])
    return [{**entry, "ticket": row[-1]} for entry, row in zip(told, rows, strict=True)]


def chapters(rows: list[Row]) -> dict[int, dict[str, Any]]:
    found = Ticket.objects.filter(pk__in={row[-1] for row in rows}).defer("search_text")
    return {ticket.pk: chapter(ticket) for ticket in found}


def search(ticket: Ticket, text: str) -> dict[str, Any]:
    """The body of GET persona/buscar: the messages with the ticket's person that have every word of `text`.

    As the table's search finds words: anywhere in them, without accents or case. One query, which reads this thread.
    """
    messages, numbering = thread_of(ticket)
    words = fold(text.replace("\0", ""))[:400].split()[:8]
    hits: list[int] = []
    total = 0
    rows = messages.order_by("-seq").values_list("seq", "text").iterator(AT_ONCE) if words else iter(())
    while chunk := list(islice(rows, AT_ONCE)):
        seqs, texts = zip(*chunk, strict=True)
        found = [seq for seq, said in zip(seqs, fold_all(texts), strict=True) if all(word in said for word in words)]
        total += len(found)
        hits += found[: MOST_HITS - len(hits)]
    return {"palabras": words, "total": total, "aciertos": hits, "hilo": numbering}
