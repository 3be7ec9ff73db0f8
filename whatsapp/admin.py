"""What supervisors see of the gateway: its session, and everything it told us. Nothing here is edited by hand."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from whatsapp import connection, events, gateways
from whatsapp.gateways.base import ConnectionChanged, Misconfigured
from whatsapp.models import Connection, WebhookEvent

State = WebhookEvent.State
TOLD_ONE_BY_ONE = 10


def short_time(moment: datetime) -> str:
    """A time that fits a column of a list: "5 feb 2026, 10:31:04"."""
    return date_format(timezone.localtime(moment), "j M Y, H:i:s").lower()


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that only the machinery writes."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ButtonAdmin(ReadOnlyAdmin):
    """A read-only page with one button, which posts to `<pk>/<button_path>/`."""

    change_form_template = "admin/whatsapp/change_form.html"
    button_path: str
    button_label: str

    def may_press(self, request: HttpRequest) -> bool:
        """Whether this person may use the button, and the action of the same meaning."""
        raise NotImplementedError

    def press(self, request: HttpRequest, obj: Any) -> None:
        """Do what the button says, and tell the person."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.button_view)
        return [path(f"<path:object_id>/{self.button_path}/", view, name=self.button_name), *super().get_urls()]

    @property
    def button_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{self.button_path}"

    def button_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """POST only; answers with the row's page and a message there."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.may_press(request):
            raise PermissionDenied
        obj = self.get_object(request, object_id)
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        self.press(request, obj)
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[obj.pk]))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        obj = context.get("original")
        if obj is not None and self.may_press(request):
            context["boton"] = self.button_label
            context["boton_url"] = reverse(f"{self.admin_site.name}:{self.button_name}", args=[obj.pk])
        return super().render_change_form(request, context, *args, **kw)


class GatewayFilter(admin.SimpleListFilter):
    """By gateway, from the registry: distinct values of a long table are slow to find."""

    title = "gateway"
    parameter_name = "gateway"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in gateways.GATEWAYS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(gateway=self.value()) if self.value() in gateways.GATEWAYS else queryset


@admin.register(Connection)
class ConnectionAdmin(ButtonAdmin):
    """The WhatsApp session as every process knows it."""

    list_display = ("gateway", "connected", "since", "detail", "not_sent", "doubtful", "next_probe")
    fields = list_display
    actions = ["check_now"]
    button_path = "comprobar"
    button_label = "Comprobar ahora"

    def may_press(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def press(self, request: HttpRequest, obj: Connection) -> None:
        """Ask the gateway for its session and act on the answer as if it had told us by itself."""
        if obj.gateway != settings.WHATSAPP_GATEWAY:
            text = f"«{obj.gateway}» no es el gateway en uso: WHATSAPP_GATEWAY es «{settings.WHATSAPP_GATEWAY}»."
            self.message_user(request, text, messages.WARNING)
            return
        answer = gateways.active().status()
        if isinstance(answer, Misconfigured):
            answer = ConnectionChanged(connected=False, detail=f"Revisa {answer.key}: {answer.detail}")
        events.dispatch(answer)
        word = "conectado" if answer.connected else "desconectado"
        level = messages.SUCCESS if answer.connected else messages.ERROR
        self.message_user(request, f"WhatsApp está {word}: {answer.detail}", level)

    @admin.action(description="Comprobar ahora", permissions=["view"])
    def check_now(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        for row in queryset:
            self.press(request, row)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        connection.current()  # a desk that has sent nothing yet has no row to look at
        return super().changelist_view(request, extra_context)


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
    actions = ["reprocess"]
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

    def retry(self, request: HttpRequest, pks: list[int]) -> None:
        """Handle the events again, oldest first, and say what became of each (of many: how many)."""
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
