"""What the admin's tests share: a browser of the supervisor, and forms as a browser posts them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from tickets.models import Ticket


def browser_of(user: User) -> Client:
    """A browser in which `user` is logged in."""
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    """The page as text."""
    return str(response.content.decode())


def ticket_page(ticket: Ticket) -> str:
    return f"/admin/tickets/ticket/{ticket.pk}/change/"


def posted(client: Client, url: str, **changes: Any) -> dict[str, Any]:
    """The form at `url` as a browser would post it: every value as it was shown, then `changes`."""
    context = client.get(url).context
    data: dict[str, Any] = {}
    for field in context["adminform"].form:
        shown = field.value()
        if field.name != "evidence" and shown not in (None, False):
            data[field.html_name] = shown
            if field.field.show_hidden_initial:
                data[field.html_initial_name] = shown
    for inline in context["inline_admin_formsets"]:
        data.update({field.html_name: field.value() for field in inline.formset.management_form})
    return {**data, **changes}


def together(*deeds: Callable[[], object]) -> None:
    """Do all of them at the same moment, each in a thread with its own connection; returns when all have ended."""
    start = threading.Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> None:
        start.wait()
        try:
            deed()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
