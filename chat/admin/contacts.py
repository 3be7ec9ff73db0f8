"""The people on WhatsApp: supervisors correct their name and department, never who they are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from chat import people
from chat.admin.aliases import AliasInline, supervises
from chat.admin.merge import comparison, doubts, duplicates_of, merge_view, with_doubts
from chat.admin.ticket_forms import TouchedForm
from chat.models import Conversation
from tickets import identity
from tickets.models import Alias, Contact, Ticket


class TicketInline(admin.TabularInline):  # type: ignore[type-arg]
    """The contact's tickets, to look at and to go to."""

    model = Ticket
    template = "admin/tickets/tabular.html"
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


class DoubtFilter(admin.SimpleListFilter):
    title = "posible duplicado"
    parameter_name = "duplicado"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("si", "Por decidir")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        if self.value() != "si":
            return queryset
        return queryset.filter(Q(pk__in=doubts().values("first")) | Q(pk__in=doubts().values("second")))


@admin.register(Contact)
class ContactAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = TouchedForm
    list_display = ("shown", "shown_number", "duplicates", "department", "ticket_count", "created")
    list_filter = (DoubtFilter, "created")
    actions = ["merge"]
    list_per_page = 50
    ordering = ("-pk",)
    search_fields = ("name",)
    search_help_text = "Nombre, departamento, palabras de sus tickets, teléfono escrito como sea, LID o @usuario."
    fieldsets = (
        (None, {"fields": ("name", "department")}),
        ("En WhatsApp", {"fields": ("shown_number", "push_name", "address", "created", "duplicates", "merged")}),
    )
    readonly_fields = ("shown_number", "push_name", "address", "created", "duplicates", "merged")
    inlines = [AliasInline, TicketInline]

    class Media:
        css = {"all": ["chat/admin.css", "chat/combinar.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        contacts: QuerySet[Contact] = super().get_queryset(request).filter(conversation__merged_into=None)
        return with_doubts(contacts).annotate(count=Count("tickets"))

    @admin.display(description="contacto", ordering="name")
    def shown(self, contact: Contact) -> str:
        return str(contact)

    @admin.display(description="número")
    def shown_number(self, contact: Contact) -> str:
        return contact.shown_phone

    @admin.display(description="tickets", ordering="count")
    def ticket_count(self, contact: Any) -> int:
        return int(contact.count)

    @admin.display(description="posible duplicado")
    def duplicates(self, contact: Contact) -> SafeString | str:
        return duplicates_of(contact) or "-"

    @admin.display(description="combinaciones")
    def merged(self, contact: Contact) -> SafeString | str:
        rows = contact.merges.filter(undone=None).select_related("kept", "absorbed").order_by("pk")
        links = ((reverse("admin:tickets_merge_change", args=[row.pk]), row.absorbed) for row in rows)
        return format_html_join(mark_safe("<br>"), '<a href="{}">Incluye a {}</a>', links) or "-"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(lambda request: merge_view(self, request))
        return [path("combinar/", view, name="tickets_contact_combinar"), *super().get_urls()]

    def has_merge_permission(self, request: HttpRequest) -> bool:
        return supervises(request)

    @admin.action(description="Combinar", permissions=["merge"])
    def merge(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse | None:
        """Compare two contacts, before anything is done."""
        pks = list(queryset.order_by("pk").values_list("pk", flat=True)[:3])
        if len(pks) == 2:
            return HttpResponseRedirect(comparison(*pks))
        self.message_user(request, "Para combinar elige exactamente dos contactos.", messages.WARNING)
        return None

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
        if len(words) == 1 and len(words[0]) > 2:
            found |= Q(spellings__icontains=words[0])
        return queryset.filter(found), False

    def save_model(self, request: HttpRequest, obj: Contact, form: Any, change: bool) -> None:
        """Write only what was changed; open pages show the name, so the conversation's version moves."""
        with transaction.atomic():
            conversation = Conversation.locked_for(obj)
            obj.save(update_fields=form.changed_data)
            conversation.bump(None, row=True)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The conversation is still locked here, because the whole page is saved in one transaction."""
        super().save_related(request, form, formsets, change)
        found = next(formset for formset in formsets if formset.model is Alias)
        if found.new_objects or found.deleted_objects:
            people.edited(form.instance, [alias.key for alias in found.new_objects])
