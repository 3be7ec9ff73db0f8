"""The people on WhatsApp: supervisors correct their name and department, never who they are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from chat.admin.ticket_forms import TouchedForm
from chat.models import Conversation
from tickets import identity
from tickets.models import Alias, Contact, Ticket


class TicketInline(admin.TabularInline):  # type: ignore[type-arg]
    """The contact's tickets, to look at and to go to."""

    model = Ticket
    fields = ("state", "priority", "fault", "technician", "created", "last_activity")
    readonly_fields = fields
    ordering = ("-last_activity",)
    verbose_name_plural = "tickets"
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        return super().get_queryset(request).select_related("contact", "technician")


@admin.register(Contact)
class ContactAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = TouchedForm
    list_display = ("shown", "shown_number", "department", "push_name", "ticket_count", "created")
    list_filter = ("created",)
    list_per_page = 50
    ordering = ("-pk",)
    search_fields = ("name",)
    search_help_text = "Nombre, departamento o palabras de sus tickets, con o sin acentos; o el teléfono, como sea."
    fieldsets = (
        (None, {"fields": ("name", "department")}),
        ("En WhatsApp", {"fields": ("shown_number", "push_name", "address", "created")}),
    )
    readonly_fields = ("shown_number", "push_name", "address", "created")
    inlines = [TicketInline]

    class Media:
        css = {"all": ["chat/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        contacts: QuerySet[Contact] = super().get_queryset(request)
        return contacts.annotate(count=Count("tickets"))

    @admin.display(description="contacto", ordering="name")
    def shown(self, contact: Contact) -> str:
        return str(contact)

    @admin.display(description="número como se vio")
    def shown_number(self, contact: Contact) -> str:
        return contact.shown_phone

    @admin.display(description="tickets", ordering="count")
    def ticket_count(self, contact: Any) -> int:
        return int(contact.count)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        words = search_term.split()[:8]
        if not words:
            return queryset, False
        named = Q()
        for word in words:
            named &= Q(name__icontains=word) | Q(push_name__icontains=word) | Q(department__icontains=word)
        # Tickets keep folded text, which finds "perez" for "Pérez" on every database.
        found = named | Q(pk__in=Ticket.objects.search(search_term).values("contact"))
        if who := identity.typed(search_term, settings.TELEFONO_REGION):
            found |= Q(pk__in=Alias.objects.filter(kind=who.kind, key=who.key).values("contact"))
        return queryset.filter(found), False

    def save_model(self, request: HttpRequest, obj: Contact, form: Any, change: bool) -> None:
        """Write only what was changed; open pages show the name, so the conversation's version moves."""
        with transaction.atomic():
            conversation = Conversation.locked_for(obj)
            obj.save(update_fields=form.changed_data)
            conversation.bump()
