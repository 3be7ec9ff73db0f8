"""The ticket table, and the picture a person sent of their problem."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.timezone import localdate
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from rest_framework.request import Request

from tickets.access import all_workers, get_ticket
from tickets.downloads import download
from tickets.filters import EVERYTHING, TABS, Tab, TicketFilter, choose_tab
from tickets.models import Ticket, TicketQuerySet
from tickets.paging import BadCursorError, BoundedCount, first_rows, page_of, rows_after, shown_count
from tickets.prepared import Prepared
from tickets.rows import columns, first_pages, html_of

tab_counts = Prepared(
    lambda user: User.objects.filter(pk=user).values_list(
        *(BoundedCount(tab.choose(Ticket.objects.all(), user)) for tab in TABS)
    )
)
# What a browser may show by itself, known by its first bytes and not by its name.
PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}


class Enter(LoginView):
    """/entrar. Who is in already goes where they wanted; to come here again is to want the table."""

    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        wanted = super().get_redirect_url()
        return "" if urlsplit(wanted).path == self.request.path else wanted


@require_safe
@cache_control(private=True, no_cache=True)
def table(request: HttpRequest) -> HttpResponse:
    """The desk. `?parcial=1` answers only what changes while one looks at it, or 304."""
    people = all_workers()
    user = next((person for person in people if person == request.user), None)
    if user is None:
        return render(request, "tickets/sin_acceso.html", status=404)
    context = {**table_context(request.GET, user), "personas": people}
    if request.GET.get("parcial") == "1":
        etag = f'"{fingerprint(request, context)}"'
        if unchanged := get_conditional_response(request, etag=etag):
            return unchanged
    context["filas"] = html_of(context["tickets"])
    if request.GET.get("parcial") != "1":
        return render(request, "tickets/table.html", context)
    response = render(request, "tickets/_table.html", context)
    response["ETag"] = etag
    return response


def fingerprint(request: HttpRequest, context: dict[str, Any]) -> str:
    """Differs whenever the fragment would read differently. Far cheaper to make than the fragment itself.

    Waiting times are left out: the page's own clock moves them.
    """
    counts = [tab["cuenta"] for tab in context["pestanas"]]
    rows, following = context["tickets"], context["siguiente"]
    shown = (request.get_full_path(), localdate(), request.user.pk, rows, counts, following)
    return sha256(repr(shown).encode()).hexdigest()[:32]


def table_context(query: QueryDict, user: User) -> dict[str, Any]:
    """Everything the table's templates need. Two queries: the counts of the tabs, and the rows."""
    found, cleaned = filtered(query)
    tab = choose_tab(query.get("ver", ""), cleaned.get("estado", ""))
    cursor = query.get("cursor", "")
    if cleaned or cursor:
        tickets = tab.choose(found, user.pk)
        try:
            rows = list(columns(rows_after(tickets, cursor)))
        except BadCursorError:
            rows, cursor = list(columns(first_rows(tickets))), ""
    else:
        rows = first_pages[tab.name](user.pk)
    page = page_of(rows, lambda row: row[:2])
    kept = {name: str(query[name]).replace("\0", "") for name in cleaned}
    return {
        "filtros": cleaned,
        "hay_filtros": bool(cleaned),
        "ver": tab,
        "todos": EVERYTHING,
        "pestanas": tabs_with_counts(tab, user),
        "tickets": page.rows,
        "primera": address(tab, kept) if cursor else "",
        "siguiente": address(tab, {**kept, "cursor": page.next_cursor}) if page.next_cursor else "",
        "en_todos": address(EVERYTHING, kept),
        "sin_filtros": address(tab, {}),
    }


def filtered(query: QueryDict) -> tuple[TicketQuerySet, dict[str, Any]]:
    """The tickets that a query asks for, and by which values.

    A value that makes no sense is left out, so that an old bookmark still shows the list.
    """
    tickets = Ticket.objects.all()
    if not TicketFilter.base_filters.keys() & query.keys():
        return tickets, {}
    asked = TicketFilter(query, queryset=tickets)
    asked.is_valid()
    cleaned = {name: value for name, value in asked.form.cleaned_data.items() if value not in ("", None)}
    return asked.filter_queryset(tickets), cleaned


def address(tab: Tab, query: dict[str, str]) -> str:
    """The table's address with `query` in `tab`."""
    if tab != choose_tab("", query.get("estado", "")):
        query = {"ver": tab.name, **query}
    return reverse("tickets") + (f"?{urlencode(query)}" if query else "")


def tabs_with_counts(current: Tab, user: User) -> list[dict[str, Any]]:
    """The tabs as the page shows them, counted by one query that stops at the cap."""
    counts = tab_counts(user.pk)[0]
    tabs = [
        {"tab": tab, "url": address(tab, {}), "cuenta": shown_count(count), "actual": tab == current}
        for tab, count in zip(TABS, counts, strict=True)
        if count or tab == current or not tab.only_with_rows
    ]
    if current == EVERYTHING:
        tabs.append({"tab": current, "url": address(current, {}), "cuenta": "", "actual": True})
    return tabs


@download
@cache_control(private=True, max_age=300)
def evidence(request: Request, ticket_id: int) -> HttpResponseBase:
    """The evidence picture: shown when it is one, downloaded when it is anything else."""
    ticket = get_ticket(request.user, ticket_id)
    missing = Http404("Este ticket no tiene foto de evidencia.")
    if not ticket.evidence:
        raise missing
    try:
        file = ticket.evidence.open("rb")
    except FileNotFoundError:
        raise missing from None
    kind = picture_kind(file.read(16))
    file.seek(0)
    response = FileResponse(file, as_attachment=not kind, content_type=kind or "application/octet-stream")
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def picture_kind(head: bytes) -> str:
    """The media type of a picture that begins with `head`; empty when it is none that browsers show safely."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in PICTURES.items() if head.startswith(start)), "")
