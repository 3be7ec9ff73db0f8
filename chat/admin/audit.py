"""The audit as supervisors read it. Nobody adds, changes or deletes anything here, superusers neither."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from import_export import resources
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV

from chat.admin.export import column, local
from chat.audit_models import AuditEntry
from tickets.templatetags.desk import full_name
from tickets.text import as_text
from whatsapp.readonly import ReadOnlyAdmin, short_time


class AuditResource(resources.Resource):  # type: ignore[misc]
    """One row per act, with the labels of its page."""

    at = column("at", "Cuándo")
    name = column("name", "Cuenta")
    act = column("get_act_display", "Qué hizo")
    kind = column("kind", "Tipo")
    object_id = column("object_id", "Número")
    object = column("object", "En qué")
    detail = column("detail", "Detalle")
    address = column("address", "Desde")

    def export_field(self, field: Any, instance: AuditEntry, **kwargs: Any) -> str:
        return local(instance.at) if field.attribute == "at" else as_text(super().export_field(field, instance))


class PersonFilter(admin.SimpleListFilter):
    """By account: distinct values of a long table are slow to find."""

    title = "quién"
    parameter_name = "persona"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        people = User.objects.order_by("first_name", "last_name", "username")
        return [("nadie", "Nadie que haya entrado"), *((str(one.pk), full_name(one)) for one in people)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        value = self.value() or ""
        if value == "nadie":
            return queryset.filter(person=None)
        return queryset.filter(person=int(value)) if re.fullmatch("[0-9]{1,18}", value) else queryset


class KindFilter(admin.SimpleListFilter):
    """By what it was done to."""

    title = "en qué"
    parameter_name = "tipo"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        known = (model._meta for model in admin.site._registry if model is not AuditEntry)
        return sorted(((meta.label_lower, str(meta.verbose_name)) for meta in known), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditAdmin(ExportMixin, ReadOnlyAdmin):  # type: ignore[misc]
    list_display = ("when", "who", "act", "thing", "excerpt", "address")
    list_filter = ("at", PersonFilter, "act", KindFilter)
    list_per_page = 50
    date_hierarchy = "at"
    ordering = ("-at", "-pk")
    sortable_by = ()
    search_fields = ("name",)
    search_help_text = "Cuenta, nombre o #número de aquello en que se hizo, dirección, palabras del detalle."
    fields = ("when", "who", "act", "thing", "same", "told", "address")
    readonly_fields = ("when", "who", "thing", "same", "told")
    resource_classes = [AuditResource]
    skip_export_form = True
    to_encoding = "utf-8-sig"  # without the mark Excel reads accents wrong

    class Media:
        css = {"all": ["chat/admin.css", "whatsapp/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """With its person read along: who has no account any more is None, and not an error."""
        entries: QuerySet[AuditEntry] = super().get_queryset(request).select_related("person")
        return entries

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_export_formats(self) -> list[type[CSV]]:
        return [CSV]

    def get_export_filename(self, *args: Any) -> str:
        return f"auditoria-{timezone.localdate():%Y-%m-%d}.csv"

    @admin.display(description="cuándo", ordering="at")
    def when(self, entry: AuditEntry) -> str:
        return short_time(entry.at)

    @admin.display(description="quién")
    def who(self, entry: AuditEntry) -> str:
        person = entry.person
        if person is None or full_name(person) == entry.name:
            return entry.name or "-"
        return f"{full_name(person)} ({entry.name})"

    @admin.display(description="en qué")
    def thing(self, entry: AuditEntry) -> SafeString | str:
        if not entry.kind:
            return "-"
        try:
            label = apps.get_model(entry.kind)._meta.verbose_name
        except LookupError:  # of a release that had it
            label = entry.kind
        try:
            url = reverse(f"admin:{entry.kind.replace('.', '_')}_change", args=[entry.object_id])
        except NoReverseMatch:
            return f"{label} {entry.object}"
        return format_html('{} <a href="{}">{}</a>', label, url, entry.object or entry.object_id)

    @admin.display(description="todo lo de ahí")
    def same(self, entry: AuditEntry) -> SafeString | str:
        if not entry.kind:
            return "-"
        page = reverse("admin:chat_auditentry_changelist")
        url = f"{page}?kind={entry.kind}&object_id={entry.object_id}"
        return format_html('<a href="{}">Ver todos los actos en {}</a>', url, entry.object or entry.object_id)

    @admin.display(description="detalle")
    def excerpt(self, entry: AuditEntry) -> str:
        return Truncator(entry.detail).chars(120)

    @admin.display(description="detalle")
    def told(self, entry: AuditEntry) -> SafeString | str:
        return format_html('<pre class="cuerpo">{}</pre>', entry.detail) if entry.detail else "-"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        for word in search_term.replace("\0", "").split()[:8]:
            if found := re.fullmatch("#([0-9]{1,18})", word):
                queryset = queryset.filter(object_id=found[1])
                continue
            somewhere = Q(name__icontains=word) | Q(object__icontains=word) | Q(detail__icontains=word)
            queryset = queryset.filter(somewhere | Q(address__startswith=word))
        return queryset, False
