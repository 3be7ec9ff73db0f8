"""What may be asked of the list of tickets. The table and GET /tickets share it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.lookups import Exact
from django_filters import CharFilter, ChoiceFilter, FilterSet

from tickets import identity
from tickets.models import CLOSED_STATES, OPEN_STATES, State, Ticket, TicketQuerySet, openness

NOBODY = "ninguno"


class TextField(forms.CharField):
    """Free text; NUL is dropped, because no stored text has it."""

    def to_python(self, value: object) -> str:
        return str(super().to_python(value)).replace("\0", "").strip()


class TechnicianField(TextField):
    """A user's id, or "ninguno"."""

    def clean(self, value: object) -> Any:
        text = super().clean(value)
        if text in ("", NOBODY):
            return text
        if not re.fullmatch("[0-9]{1,18}", text):
            raise ValidationError("Debe ser el id de un técnico o «ninguno».")
        return int(text)


class PhoneField(TextField):
    """An address of WhatsApp, as a gateway or a person writes it."""

    def clean(self, value: object) -> Any:
        text = super().clean(value)
        # "+" arrives as a space from whoever forgot to encode it.
        found = identity.typed(text, settings.TELEFONO_REGION) if text else ""
        if found is None:
            raise ValidationError("No es un teléfono válido.")
        return found


class TextFilter(CharFilter):  # type: ignore[misc]
    field_class = TextField


class TechnicianFilter(CharFilter):  # type: ignore[misc]
    field_class = TechnicianField


class PhoneFilter(CharFilter):  # type: ignore[misc]
    field_class = PhoneField


class TicketFilter(FilterSet):  # type: ignore[misc]
    """`estado`, `tecnico` (id or "ninguno"), `telefono` (any way of writing it) and `q` (words)."""

    estado = ChoiceFilter(
        field_name="state",
        choices=State.choices,
        error_messages={"invalid_choice": f"Debe ser uno de: {', '.join(State.values)}."},
    )
    tecnico = TechnicianFilter(method="by_technician")
    telefono = PhoneFilter(method="by_phone")
    q = TextFilter(method="by_text")

    def by_technician(self, tickets: TicketQuerySet, name: str, value: Any) -> TicketQuerySet:
        return tickets.filter(technician=None if value == NOBODY else value)

    def by_phone(self, tickets: TicketQuerySet, name: str, value: identity.Identity) -> TicketQuerySet:
        return tickets.filter(tickets.with_address(value))

    def by_text(self, tickets: TicketQuerySet, name: str, value: str) -> TicketQuerySet:
        return tickets.search(value)

    def problems(self) -> str:
        """What is wrong with the values, in one line of Spanish; empty when nothing is."""
        return " ".join(f"{field}: {' '.join(errors)}" for field, errors in self.errors.items())


@dataclass(frozen=True)
class Tab:
    """One of the table's ready-made lists."""

    name: str
    label: str
    choose: Callable[[TicketQuerySet, int], TicketQuerySet]  # the number of who is looking
    states: tuple[State, ...] = OPEN_STATES
    by_technician: bool = True
    only_with_rows: bool = False


def of_user(tickets: TicketQuerySet, user: int) -> TicketQuerySet:
    """A user's own open tickets, and those that they joined: two short lists, because "or" would read all open ones."""
    own = Ticket.objects.open().filter(technician=user).values("pk")
    joined = User.objects.filter(Exact(openness("participations__ticket__state"), 1), pk=user)
    return tickets.filter(pk__in=own.union(joined.values("participations__ticket")))


def naming(user: int) -> Q:
    """The tickets where a colleague named them, which they have not seen."""
    named = User.objects.filter(pk=user, participations__mention__isnull=False).values("participations__ticket")
    return Q(pk__in=named)


TABS = (
    Tab("abiertos", "Abiertos", lambda tickets, user: tickets.open()),
    Tab("mios", "Míos", of_user, by_technician=False),
    Tab("menciones", "Menciones", lambda tickets, user: tickets.filter(naming(user)), tuple(State), False, True),
    Tab(
        "sin-asignar",
        "Sin asignar",
        lambda tickets, user: tickets.open().filter(technician=None),
        by_technician=False,
    ),
    Tab("sin-responder", "Sin responder", lambda tickets, user: tickets.filter(waiting_since__isnull=False)),
    Tab("resueltos", "Resueltos", lambda tickets, user: tickets.closed(), CLOSED_STATES),
)
EVERYTHING = Tab("todos", "Todos", lambda tickets, user: tickets.all(), tuple(State))


def choose_tab(name: str, state: str) -> Tab:
    """The tab called `name`; without a known name the open tickets, or all when a closed `state` is asked for."""
    tabs = {tab.name: tab for tab in (*TABS, EVERYTHING)}
    return tabs.get(name) or (EVERYTHING if state in CLOSED_STATES else TABS[0])
