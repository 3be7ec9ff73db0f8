"""Two contacts side by side, for a supervisor to judge whether they are one person."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from chat import merging
from chat.admin.aliases import supervises
from chat.models import Conversation, Message, Role
from tickets.models import Contact, PossibleDuplicate

CONTACTS = "admin:tickets_contact_changelist"


def doubts() -> QuerySet[PossibleDuplicate]:
    """Possible duplicates that nobody has judged, of contacts that are still there."""
    open_ones = PossibleDuplicate.objects.filter(dismissed=None)
    there = open_ones.filter(first__conversation__merged_into=None, second__conversation__merged_into=None)
    return there.select_related("first", "second").order_by("pk")


def with_doubts(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """`contacts`, each with its possible duplicates read along."""
    return contacts.prefetch_related(
        Prefetch("possible_as_first", queryset=doubts()), Prefetch("possible_as_second", queryset=doubts())
    )


def duplicates_of(contact: Contact) -> SafeString | str:
    """Links to the comparison with each possible duplicate; empty without one."""
    pairs = [(row, row.second) for row in contact.possible_as_first.all()]
    pairs += [(row, row.first) for row in contact.possible_as_second.all()]
    links = (
        (comparison(contact.pk, other.pk), row.get_reason_display(), f"¿Es {other}?", other.shown_phone)
        for row, other in pairs
    )
    return format_html_join(mark_safe("<br>"), '<a href="{}" title="{}">{}</a> <small>{}</small>', links)


def comparison(one: int, other: int) -> str:
    return f"{reverse('admin:tickets_contact_combinar')}?ids={one},{other}"


def side(contact: Contact) -> dict[str, Any]:
    """What a supervisor needs to know of a contact to judge."""
    problem = ""
    try:
        if conversation := Conversation.objects.filter(contact=contact).first():
            merging.check_rest(conversation)
    except merging.MergeRefused as error:
        problem = str(error)
    return {
        "contacto": contact,
        "direcciones": contact.aliases.order_by("kind", "pk"),
        "tickets": contact.tickets.count(),
        "abierto": contact.tickets.select_related("contact").open().first(),
        "mensajes": Message.objects.filter(conversation__contact=contact).count(),
        "ultimos": merging.last_words(contact),
        "problema": problem,
    }


def number(text: str) -> int | None:
    """A row's number as a form or an address gives it; None for what can be none, however long."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def chosen(request: HttpRequest) -> list[Contact]:
    """The two contacts that the address names, the older one first; anything else is nobody."""
    pks = [pk for text in request.GET.get("ids", "").split(",") if (pk := number(text)) is not None]
    return list(Contact.objects.filter(pk__in=pks, conversation__merged_into=None).order_by("pk")[:3])


def merge_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """GET the comparison of ?ids=1,2; POST what the supervisor decided: "combinar", or "distintos"."""
    if not supervises(request):
        raise PermissionDenied
    pair = chosen(request)
    if len(pair) != 2:
        messages.error(request, "Elige dos contactos: uno se combina con el otro.")
        return HttpResponseRedirect(reverse(CONTACTS))
    if request.method == "POST" and "distintos" in request.POST:
        return part(model_admin, request, pair)
    problem = ""
    if request.method == "POST":
        try:
            return join(model_admin, request, pair)
        except merging.MergeRefused as error:
            problem = str(error)
    sides = [side(contact) for contact in pair]
    note = doubts().filter(first=pair[0], second=pair[1]).first()
    stays = request.POST.get("quedar") or str(max(sides, key=lambda one: one["tickets"])["contacto"].pk)
    context = {
        **admin.site.each_context(request),
        "title": "¿Son la misma persona?",
        "opts": model_admin.opts,
        "lados": sides,
        "queda": stays,
        "nota": note,
        "problema": problem,
        "impide": any(one["problema"] for one in sides),
        "abiertos": [one["abierto"] for one in sides if one["abierto"]] if all(one["abierto"] for one in sides) else [],
        "sigue": request.POST.get("abierto", ""),
        "roles": Role,
    }
    return render(request, "admin/tickets/contact/combinar.html", context)


def join(model_admin: Any, request: HttpRequest, pair: list[Contact]) -> HttpResponse:
    """Merge them as the form says; raises MergeRefused."""
    kept = next((contact for contact in pair if str(contact.pk) == request.POST.get("quedar")), None)
    if kept is None:
        raise merging.MergeRefused("Elige cuál de los dos se queda.")
    absorbed = next(contact for contact in pair if contact != kept)
    merge = merging.merge(kept, absorbed, request.user, number(request.POST.get("abierto", "")))  # type: ignore[arg-type]
    model_admin.log_change(request, kept, f"Se combinó con {absorbed} ({absorbed.shown_phone}).")
    model_admin.log_change(request, absorbed, f"Se integró en {kept} ({kept.shown_phone}).")
    record = reverse("admin:tickets_merge_change", args=[merge.pk])
    told = format_html('Ya son un solo contacto. <a href="{}">Ver la combinación o deshacerla</a>.', record)
    messages.success(request, told)
    return HttpResponseRedirect(reverse("admin:tickets_contact_change", args=[kept.pk]))


def part(model_admin: Any, request: HttpRequest, pair: list[Contact]) -> HttpResponse:
    """They are two people: nobody is asked again."""
    judged = {"dismissed": timezone.now(), "dismissed_by": request.user}
    PossibleDuplicate.objects.filter(first=pair[0], second=pair[1], dismissed=None).update(**judged)
    for contact, other in (pair, pair[::-1]):
        model_admin.log_change(request, contact, f"No es la misma persona que {other} ({other.shown_phone}).")
    messages.success(request, f"Anotado: {pair[0]} y {pair[1]} son dos personas.")
    return HttpResponseRedirect(reverse(CONTACTS))
