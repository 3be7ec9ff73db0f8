"""Messages as they went: to look up why something did not arrive. Nothing is written here."""

from __future__ import annotations

import re

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from chat.admin.books import books_view
from chat.models import Message
from tickets.templatetags.desk import full_name
from whatsapp.readonly import GatewayFilter, ReadOnlyAdmin, short_time


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("when", "ticket_link", "role", "who", "excerpt", "state", "reason", "attempts", "gateway")
    list_filter = ("state", "role", GatewayFilter)
    list_select_related = ("author", "ticket__contact")
    list_per_page = 50
    date_hierarchy = "created"
    ordering = ("-pk",)
    search_fields = ("=ticket__id",)
    search_help_text = "Número de ticket o id en WhatsApp"
    fieldsets = (
        (None, {"fields": ("ticket_link", "desk_link", "role", "who", "text", "created", "seq")}),
        (
            "Entrega",
            {"fields": ("state", "reason", "code", "attempts", "tried", "due", "sent", "gateway", "gateway_id", "key")},
        ),
        ("Cambios", {"fields": ("edited", "original", "deleted", "reaction", "own_reaction", "quotes", "recovered")}),
        ("Decisiones", {"fields": ("notice", "resends", "settled_by", "settled")}),
    )
    readonly_fields = ("ticket_link", "desk_link", "who")

    class Media:
        css = {"all": ["chat/admin.css"]}

    @admin.display(description="ticket", ordering="ticket")
    def ticket_link(self, message: Message) -> SafeString:
        url = reverse("admin:tickets_ticket_change", args=[message.ticket_id])
        return format_html('<a href="{}">{}</a>', url, message.ticket)

    @admin.display(description="en la mesa")
    def desk_link(self, message: Message) -> SafeString:
        url = f"{reverse('tickets')}?chat={message.ticket_id}"
        return format_html('<a href="{}">Abrir el chat del ticket #{}</a>', url, message.ticket_id)

    @admin.display(description="fecha", ordering="created")
    def when(self, message: Message) -> str:
        return short_time(message.created)

    @admin.display(description="autor")
    def who(self, message: Message) -> str:
        return full_name(message.author) if message.author else "-"

    @admin.display(description="texto")
    def excerpt(self, message: Message) -> str:
        return Truncator(message.text).chars(80)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(books_view)
        return [path("libros/", view, name="chat_libros"), *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(gateway_id=term)
        if number := re.fullmatch("#?([0-9]{1,18})", term):
            wanted |= Q(ticket=int(number[1]))
        return queryset.filter(wanted), False
