"""How the database answers what is asked all day long: run in the environment of a desk that is full of tickets.

`python -m tests.plans` prints, for each question, the steps that read all of the messages, tickets or events there are.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402

from chat import backfill, delivery, echoes, media, outcomes, sweeping  # noqa: E402
from chat.models import Conversation, Message  # noqa: E402
from config.auth import make_token  # noqa: E402
from tests.fake_gateway import inbound, signature  # noqa: E402
from tickets.models import Ticket  # noqa: E402
from whatsapp import connection as line  # noqa: E402
from whatsapp import events  # noqa: E402
from whatsapp.gateways.results import Accepted  # noqa: E402
from whatsapp.models import WebhookEvent  # noqa: E402

BIG = ("chat_message", "tickets_ticket", "chat_conversation", "whatsapp_webhookevent")
# Indexes of the few rows that are open: to read one whole is to read those.
PARTIAL = (
    "message_open", "conversation_leased", "event_waiting", "attachment_waiting", "change_to_fill",
    "one_open_ticket_per_contact",
)  # fmt: skip


def questions() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Everything that pages, workers and beat ask again and again, as it is really asked."""
    user = User.objects.order_by("pk")[0]
    desk = Client(headers={"Authorization": f"Token {make_token(user)}", "Host": "127.0.0.1"})
    browser = Client(headers={"Host": "127.0.0.1"})
    browser.force_login(user, "django.contrib.auth.backends.ModelBackend")
    ticket = Ticket.objects.open().order_by("pk")[7]

    def get(client: Client, path: str, **headers: str) -> Callable[[], Any]:
        def asked() -> Any:
            answer = client.get(path, headers=headers, secure=True)
            assert answer.status_code in (200, 304), (path, answer.status_code)
            return answer

        return asked

    def post(client: Client, path: str, body: bytes, **headers: str) -> Callable[[], Any]:
        def asked() -> Any:
            answer = client.post(path, body, content_type="application/json", headers=headers, secure=True)
            assert answer.status_code in (200, 204), (path, answer.status_code, answer.content)

        return asked

    path = f"/ticket/{ticket.pk}/conversacion"
    tag = get(browser, path)()["ETag"]
    yield "poll, 304", get(browser, path, **{"If-None-Match": tag})
    for query in ("", "?desde=3", "?antes=15", "?ultimos=3"):
        yield f"conversation {query}", get(browser, path + query)
        yield f"conversation of a token {query}", get(desk, path + query)
    yield "person", get(browser, f"/ticket/{ticket.pk}/persona")
    yield "person, search", get(browser, f"/ticket/{ticket.pk}/persona/buscar?q=hola")
    for query in ("", "?antes=15", "?despues=1", "?alrededor=3", f"?de={ticket.pk}"):
        yield f"timeline {query}", get(browser, f"/ticket/{ticket.pk}/persona/mensajes{query}")
    for tab in ("abiertos", "mios", "sin-asignar", "sin-responder", "resueltos", "todos"):
        yield f"table, {tab}", get(browser, f"/?ver={tab}")
    yield "table, a state", get(browser, "/?estado=En+espera")
    yield "table, the next page", get(browser, following(get(browser, "/")().content.decode()))
    api = get(desk, "/tickets")()
    yield "GET /tickets", get(desk, "/tickets")
    yield "GET /tickets, the next page", get(desk, api.json()["siguiente"].partition("127.0.0.1")[2])
    yield "pending notifications", get(browser, "/avisos/pendientes")
    yield "read", post(browser, f"/ticket/{ticket.pk}/leido", json.dumps({"hasta": 2}).encode())
    for who in ("of somebody new", "of somebody known"):
        written = inbound("hola")
        signed = {"X-Webhook-Hmac": signature(written, settings.WAHA_HMAC_KEY), "X-Webhook-Hmac-Algorithm": "sha512"}
        yield f"webhook, a message {who}", post(desk, "/webhooks/waha", written, **signed)
    yield "GET /estado", get(desk, "/estado")
    yield "GET /salud", get(desk, "/salud")
    yield "claim and outcome", lambda: send(ticket)
    for question in (
        sweeping.due_conversations, sweeping.answered_waits, echoes.rows_to_check, events.unhandled, delivery.release,
        media.due, backfill.due,
    ):  # fmt: skip
        yield question.__name__, question
    yield "purge", lambda: WebhookEvent.purge(settings.EVENTOS_DIAS)


def following(page: str) -> str:
    """The address of the next page of the table."""
    return page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")


def send(ticket: Ticket) -> None:
    """What a worker asks for one message, without the gateway."""
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        message: Message = conversation.append(ticket, "tecnico", "hola")
    claimed = delivery.claim(conversation.pk)
    assert isinstance(claimed, delivery.Claim)
    claimed.begin_writing()
    outcomes.settle(message, claimed.token, claimed.telefono, Accepted("3EB0FIN"))
    delivery.drain(conversation.pk)


def plans(question: Callable[[], Any]) -> list[str]:
    """The steps of `question` that read everything there is of a big table."""
    found: list[str] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, *more: Any) -> Any:
        if sql.startswith(("SELECT", "UPDATE", "DELETE")):
            with connection.cursor() as cursor:
                found.extend(step for step in EXPLAIN[connection.vendor](cursor.cursor, sql, params))
        return execute(sql, params, *more)

    with connection.execute_wrapper(explain):
        question()
    return found


def sqlite(cursor: Any, sql: str, params: Any) -> Iterator[str]:
    """With its values bound, as it is really asked: with them written out SQLite finds more indexes."""
    cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
    for step in [row[-1] for row in cursor.fetchall()]:
        words = step.split()
        # An index in the order that is wanted may be read from its beginning, as far as a LIMIT.
        in_order = "USING" in words and "LIMIT" in sql and "TEMP B-TREE" not in step
        if words[0] == "SCAN" and of_big(sql, words[1]) and not in_order and not partial(step):
            yield step


def of_big(sql: str, name: str) -> bool:
    """Whether `name` is one of the big tables, or what `sql` calls one."""
    return any(name == table or f'"{table}" {name}' in sql or f'"{table}" "{name}"' in sql for table in BIG)


def partial(step: str) -> bool:
    return any(index in step for index in PARTIAL)


def postgresql(cursor: Any, sql: str, params: Any) -> Iterator[str]:
    """Sequential scans are forbidden meanwhile: one that is left has no index that could answer. What only reads is
    run, so that its plan tells how many rows were read in vain."""
    cursor.execute("SET enable_seqscan = off")
    cursor.execute(f"EXPLAIN (ANALYZE {sql.startswith('SELECT')}, FORMAT JSON) {sql}", params)
    (whole,) = cursor.fetchone()
    cursor.execute("SET enable_seqscan = on")
    yield from nodes(whole[0]["Plan"], limited=False)


def nodes(node: dict[str, Any], *, limited: bool) -> Iterator[str]:
    """The scans below `node` that read a whole table, or a whole index without a limit."""
    kind, limited = node["Node Type"], (limited or node["Node Type"] == "Limit") and node["Node Type"] != "Sort"
    seeks = any(key in node for key in ("Index Cond", "TID Cond"))
    if node.get("Relation Name") in BIG and kind not in ("Bitmap Heap Scan", "ModifyTable") and not seeks:
        in_order = kind.startswith("Index") and limited and few_in_vain(node)
        if not in_order and not partial(node.get("Index Name", "")):
            yield f"{kind} on {node['Relation Name']} {node.get('Index Name', '')} {node.get('Filter', '')}"
    if kind == "Bitmap Index Scan" and not seeks and not partial(node["Index Name"]):
        yield f"{kind} of {node['Index Name']}"
    for below in node.get("Plans", ()):
        yield from nodes(below, limited=limited)


def few_in_vain(node: dict[str, Any]) -> bool:
    """Whether an index that is read in its order finds at least every second row that it reads."""
    return "Filter" not in node or node.get("Rows Removed by Filter", math.inf) <= node["Actual Rows"]


EXPLAIN: dict[str, Callable[[Any, str, Any], Iterator[str]]] = {"sqlite": sqlite, "postgresql": postgresql}


def main() -> None:
    line.current()
    print(json.dumps({name: plans(question) for name, question in questions()}, ensure_ascii=False))


if __name__ == "__main__":
    main()
