"""What the assistant's model cost, day by day, for supervisors."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest

from chat.llm import endpoint
from chat.models import ModelSpending
from tickets.access import can_supervise
from whatsapp.readonly import ReadOnlyAdmin


@admin.register(ModelSpending)
class ModelSpendingAdmin(ReadOnlyAdmin):
    """One row per day; without a model there is no such page."""

    list_display = ("day", "tokens", "budget", "calls", "exhausted")
    ordering = ("-day",)

    @admin.display(description="presupuesto por día")
    def budget(self, row: ModelSpending) -> str:
        limit = settings.ASISTENTE_PRESUPUESTO_DIA
        return f"{limit:,}" if limit else "sin límite"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return endpoint.configured() and can_supervise(request.user)

    def has_view_permission(self, request: HttpRequest, obj: ModelSpending | None = None) -> bool:
        return self.has_module_permission(request)
