"""What supervisors see of the gateway: its session (session_admin.py), and everything it told us."""

from __future__ import annotations

import json
from collections import Counter

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from whatsapp import events
from whatsapp.models import WebhookEvent
from whatsapp.readonly import ButtonAdmin, GatewayFilter, short_time
from whatsapp.session_admin import ConnectionAdmin

__all__ = ["ConnectionAdmin", "WebhookEventAdmin"]

State = WebhookEvent.State
TOLD_ONE_BY_ONE = 10


@admin.register(WebhookEvent)
class WebhookEventAdmin(ButtonAdmin):
    """The ledger: what came in, what became of it, and a second try."""

    list_display = ("id", "when", "state", "reason", "waits_on", "gateway", "external_id")
    list_filter = ("state", GatewayFilter)
    search_fields = ("external_id",)
    search_help_text = "Id del gateway"
    fields = ("gateway", "external_id", "state", "reason", "waits_on", "received", "handled", "pretty_body")
    readonly_fields = ("pretty_body",)
    ordering = ("-pk",)
    actions = ["reprocess", "show_repeated"]
    button_path = "reprocesar"
    button_label = "Reprocesar"

    class Media:
        css = {"all": ["whatsapp/admin.css"]}

    def may_press(self, request: HttpRequest) -> bool:
        return request.user.has_perm("whatsapp.change_webhookevent")

    has_reprocess_permission = may_press

    @admin.display(description="recibido", ordering="received")
    def when(self, event: WebhookEvent) -> str:
        return short_time(event.received)

    @admin.display(description="cuerpo")
    def pretty_body(self, event: WebhookEvent) -> SafeString:
        value = events.decoded(event.body)
        text = event.body if value is None else json.dumps(value, indent=2, ensure_ascii=False)
        return format_html('<pre class="cuerpo">{}</pre>', text)

    def press(self, request: HttpRequest, obj: WebhookEvent) -> None:
        self.retry(request, [obj.pk])

    @admin.action(description="Reprocesar los eventos elegidos", permissions=["reprocess"])
    def reprocess(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        self.retry(request, list(queryset.order_by("pk").values_list("pk", flat=True)))

    @admin.action(description="Mostrar los mensajes repetidos elegidos", permissions=["reprocess"])
    def show_repeated(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        """For gateways without ids, whose repeats are only guessed: what a person really said twice."""
        for event in queryset.filter(state=State.IGNORED, reason=events.REPEATED).order_by("pk"):
            self.log_change(request, event, "Pidió mostrarlo como mensaje.")
            events.show(event.pk)
            event.refresh_from_db()
            shown = event.state == State.PROCESSED
            words = "se muestra como mensaje" if shown else "sigue sin mostrarse: el gateway dice que es el mismo"
            self.message_user(request, f"Evento {event.pk}: {words}.", messages.SUCCESS if shown else messages.WARNING)

    def retry(self, request: HttpRequest, pks: list[int]) -> None:
        """Handle the events again, oldest first, and say what became of each (of many: how many)."""
        for event in WebhookEvent.objects.defer("body").filter(pk__in=pks).order_by("pk"):
            self.log_change(request, event, "Pidió atenderlo otra vez.")
        told = [retried(pk) for pk in pks]
        if len(told) <= TOLD_ONE_BY_ONE:
            for pk, (level, words) in zip(pks, told, strict=True):
                self.message_user(request, f"Evento {pk}: {words}", level)
            return
        counts = Counter((level, words.partition(":")[0]) for level, words in told)
        for (level, words), count in counts.items():
            self.message_user(request, f"{count} eventos: {words.rstrip('.')}.", level)


def retried(pk: int) -> tuple[int, str]:
    """Handle one event again; returns how well that went (a level of messages) and in words."""
    rows = WebhookEvent.objects.filter(pk=pk)
    if rows.filter(state=State.PROCESSED).exists():
        return messages.INFO, "ya estaba procesado."
    rows.filter(state=State.IGNORED).update(state=State.RECEIVED)
    events.handle(pk)
    event = rows.first()
    if event is None:
        return messages.WARNING, "ya no existe."
    levels = {State.PROCESSED: messages.SUCCESS, State.ERROR: messages.ERROR, State.RECEIVED: messages.ERROR}
    words = {State.RECEIVED: "sigue sin atender; se intentará de nuevo", State.ERROR: "sigue con error"}
    said = words.get(State(event.state), event.get_state_display().lower())
    return levels.get(State(event.state), messages.INFO), f"{said}{f': {event.reason}' if event.reason else '.'}"
