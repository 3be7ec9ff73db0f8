"""How supervisors narrow the list of tickets."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tickets.access import workers
from tickets.filters import NOBODY
from tickets.models import Ticket
from tickets.templatetags.desk import full_name


class TechnicianFilter(admin.SimpleListFilter):
    title = "técnico"
    parameter_name = "tecnico"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(NOBODY, "Sin asignar"), *((str(person.pk), full_name(person)) for person in workers())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        value = self.value()
        if value == NOBODY:
            return queryset.filter(technician=None)
        return queryset.filter(technician=int(value)) if value and re.fullmatch("[0-9]{1,18}", value) else queryset
