"""Supervisors see the templates that Meta approved, refused or took away, and ask for the list again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from whatsapp import gateways, templates
from whatsapp.models import Template
from whatsapp.readonly import ReadOnlyAdmin, short_time


class StateFilter(admin.SimpleListFilter):
    """By state in people's words, only those that occur."""

    title = "estado"
    parameter_name = "estado"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = Template.objects.order_by("status").values_list("status", flat=True).distinct()
        return [(status, templates.shown_state(status)) for status in found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Template]) -> QuerySet[Template]:
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(Template)
class TemplateAdmin(ReadOnlyAdmin):
    """The gateway's templates as it listed them last."""

    change_list_template = "admin/whatsapp/template_list.html"
    list_display = ("name", "language", "state", "can_send", "excerpt", "when")
    list_filter = (StateFilter, "language", "category")
    search_fields = ("name", "body")
    search_help_text = "Nombre o texto"
    fields = ("name", "language", "state", "can_send", "problem", "category", "shown", "gateway", "when")
    readonly_fields = ("state", "can_send", "shown", "when")

    class Media:
        css = {"all": ["whatsapp/admin.css"]}

    @admin.display(description="estado", ordering="status")
    def state(self, template: Template) -> str:
        return templates.shown_state(template.status)

    @admin.display(description="se puede enviar", boolean=True)
    def can_send(self, template: Template) -> bool:
        return template.usable and template.status == templates.APPROVED

    @admin.display(description="texto")
    def excerpt(self, template: Template) -> str:
        return Truncator(template.body).chars(100)

    @admin.display(description="texto")
    def shown(self, template: Template) -> SafeString:
        parts = [part for part in (template.header, template.body, template.footer) if part]
        return format_html('<pre class="cuerpo">{}</pre>', "\n\n".join(parts))

    @admin.display(description="leída", ordering="listed")
    def when(self, template: Template) -> str:
        return short_time(template.listed)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.refresh_view)
        return [path("actualizar/", view, name="whatsapp_template_actualizar"), *super().get_urls()]

    def may_refresh(self, request: HttpRequest) -> bool:
        return request.user.has_perm("whatsapp.change_template")

    def refresh_view(self, request: HttpRequest) -> HttpResponse:
        """POST only: read the list from Meta, and say what it brought."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.may_refresh(request):
            raise PermissionDenied
        told = templates.refresh()
        if isinstance(told, templates.Refreshed):
            self.message_user(request, str(told), messages.SUCCESS)
        else:
            words = f"No se pudieron leer las plantillas. {templates.failure_words(told)}"
            self.message_user(request, words, messages.ERROR)
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:whatsapp_template_changelist"))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        gateway = gateways.active()
        context = {
            "actualizar": self.may_refresh(request) and "templates" in gateway.can,
            "sin_plantillas": "" if "templates" in gateway.can else gateway.title,
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)
