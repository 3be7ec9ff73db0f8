"""What every page of the administration adds to the audit, beside Django's own log."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from chat import audit
from chat.audit_models import Act


class Audited:
    """Goes before a ModelAdmin: what that logs is recorded, with the values before and after and from where."""

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        message = super().construct_change_message(request, form, formsets, add)  # type: ignore[misc]
        values = audit.values_of(form)
        return [*message, {"values": values}] if values else message

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        audit.record(Act.ADDED, request.user, obj, audit.told(message))
        return super().log_addition(request, obj, message)  # type: ignore[misc,no-any-return]

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        if words := audit.told(message):
            audit.record(Act.CHANGED, request.user, obj, words)
        return super().log_change(request, obj, message)  # type: ignore[misc,no-any-return]

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            audit.record(Act.DELETED, request.user, obj)
        return super().log_deletions(request, queryset)  # type: ignore[misc]

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet[Any], **more: Any) -> Any:
        """Of those with an export: what was taken along, and by which filters."""
        data = super().get_export_data(file_format, request, queryset, **more)  # type: ignore[misc]
        asked = f" ({request.GET.urlencode()})" if request.GET else ""
        label = str(queryset.model._meta.verbose_name_plural).capitalize()
        audit.record(Act.EXPORTED, request.user, detail=f"{label}: {queryset.count()} filas{asked}")
        return data
