"""The queue as supervisors work it: found, assigned, closed and exported, with its conversation beside it."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV

from chat import decisions
from chat.admin.export import TicketResource
from chat.admin.ticket_filters import TechnicianFilter
from chat.admin.ticket_forms import AssignForm, TicketForm, keep_picture, other_open, save_changes
from chat.compose import OtherTicketOpen
from chat.models import Role
from tickets.models import State, Ticket, TicketQuerySet
from tickets.templatetags.desk import full_name, moment, waiting

logger = logging.getLogger(__name__)


@admin.register(Ticket)
class TicketAdmin(ExportMixin, admin.ModelAdmin):  # type: ignore[misc,type-arg]
    form = TicketForm
    list_display = (
        "number",
        "shown",
        "state",
        "priority",
        "assigned",
        "waits",
        "unread",
        "activity",
        "phone",
        "department",
        "equipment",
        "asset",
    )
    list_display_links = ("number", "shown")
    list_filter = (
        "state",
        "priority",
        TechnicianFilter,
        ("category", admin.AllValuesFieldListFilter),
        "created",
    )
    list_select_related = ("contact", "technician")
    list_per_page = 50
    sortable_by = ("number", "department", "equipment", "asset", "waits", "activity", "unread")
    ordering = ("-last_activity", "-pk")
    search_fields = ("search_text",)
    search_help_text = "Número, nombre, teléfono, departamento, equipo, activo o falla; con o sin acentos."
    actions = ["assign", "resolve", "close"]
    fieldsets = (
        (None, {"fields": ("state", "priority", "technician", "category")}),
        ("La falla", {"fields": ("fault", "equipment", "asset", "evidence")}),
        ("La persona", {"fields": ("name", "department", "person", "phone")}),
        ("Tiempos", {"fields": ("created", "first_response", "resolved", "last_activity", "waits", "unread")}),
    )
    readonly_fields = ("person", "phone", "created", "first_response", "resolved", "last_activity", "waits", "unread")
    resource_classes = [TicketResource]
    skip_export_form = True
    to_encoding = "utf-8-sig"  # without the mark Excel reads accents wrong

    class Media:
        css = {"all": ["chat/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_export_formats(self) -> list[type[CSV]]:
        return [CSV]

    def get_export_filename(self, *args: Any) -> str:
        return f"tickets-{timezone.localdate():%Y-%m-%d}.csv"

    @admin.display(description="#", ordering="pk")
    def number(self, ticket: Ticket) -> str:
        return f"#{ticket.pk}"

    @admin.display(description="nombre")
    def shown(self, ticket: Ticket) -> str:
        return ticket.shown_name

    @admin.display(description="teléfono")
    def phone(self, ticket: Ticket) -> str:
        return ticket.contact.shown_phone

    @admin.display(description="técnico", empty_value="Sin asignar")
    def assigned(self, ticket: Ticket) -> str | None:
        return full_name(ticket.technician) if ticket.technician else None

    @admin.display(description="espera", ordering="waiting_since")
    def waits(self, ticket: Ticket) -> SafeString | str:
        return waiting(ticket.waiting_since) if ticket.waiting_since else "-"

    @admin.display(description="última actividad", ordering="last_activity")
    def activity(self, ticket: Ticket) -> SafeString:
        return moment(ticket.last_activity)

    @admin.display(description="contacto")
    def person(self, ticket: Ticket) -> SafeString:
        url = reverse("admin:tickets_contact_change", args=[ticket.contact_id])
        return format_html('<a href="{}">{}</a>', url, ticket.contact)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Ticket], bool]:
        found: TicketQuerySet = queryset.search(search_term)  # type: ignore[attr-defined]
        return found, False

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        ticket: Ticket = context["original"]
        context["mensajes"] = ticket.messages.select_related("author").order_by("seq")
        context["roles"] = Role
        response: HttpResponse = super().render_change_form(request, context, *args, **kw)
        return response

    def changeform_view(self, request: HttpRequest, *args: Any, **kw: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().changeform_view(request, *args, **kw)
        except OtherTicketOpen as error:  # it was opened between the form's check and the lock
            self.message_user(request, other_open(error.ticket), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return response

    def save_model(self, request: HttpRequest, obj: Ticket, form: TicketForm, change: bool) -> None:
        save_changes(obj.pk, form)
        if "evidence" not in form.changed_data:
            return

        def keep() -> None:
            try:
                keep_picture(obj.pk, form.cleaned_data["evidence"] or None)
            except OSError:
                logger.exception("No se pudo guardar la foto del ticket #%s", obj.pk)
                self.message_user(request, "La foto no se guardó. Vuelve a subirla en un momento.", messages.ERROR)

        transaction.on_commit(keep)

    @admin.action(description="Asignar a…", permissions=["change"])
    def assign(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> HttpResponse | None:
        """First ask to whom, then do it."""
        form = AssignForm(request.POST if "asignar" in request.POST else None)
        if form.is_valid():
            person: User = form.cleaned_data["technician"]
            rows = list(queryset.exclude(technician=person))
            for ticket in rows:
                decisions.change(ticket, technician=person)
                self.log_change(request, ticket, f"Asignado a {full_name(person)}.")
            self.tell(request, rows, "asignado", f" a {full_name(person)}")
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Asignar tickets",
            "opts": self.opts,
            "tickets": queryset[:20],
            "cuantos": queryset.count(),
            "elegidos": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "todos": request.POST.get("select_across", "0"),
            "form": form,
        }
        return TemplateResponse(request, "admin/chat/asignar.html", context)

    @admin.action(description="Resolver", permissions=["change"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        self.finish(request, queryset, State.RESOLVED)

    @admin.action(description="Cerrar", permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        self.finish(request, queryset, State.CLOSED)

    def finish(self, request: HttpRequest, queryset: QuerySet[Ticket], state: State) -> None:
        rows = list(queryset.exclude(state=state))
        for ticket in rows:
            decisions.change(ticket, state=state)
            self.log_change(request, ticket, f"Estado: {state}.")
        self.tell(request, rows, state.lower())

    def tell(self, request: HttpRequest, rows: list[Ticket], participle: str, more: str = "") -> None:
        """Say how many were changed: "1 ticket cerrado.", "2 tickets asignados a Ana Ruiz."."""
        if not rows:
            self.message_user(request, "No había nada que cambiar.", messages.INFO)
            return
        counted = f"1 ticket {participle}" if len(rows) == 1 else f"{len(rows)} tickets {participle}s"
        self.message_user(request, f"{counted}{more}.", messages.SUCCESS)
