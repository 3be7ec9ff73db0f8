"""The WhatsApp session in the admin: its state and history, and what a supervisor can do about it."""

from __future__ import annotations

import base64
import logging
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.timesince import timesince

from whatsapp import connection, events, gateways
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Failure, Misconfigured
from whatsapp.models import Connection, ConnectionChange
from whatsapp.readonly import ButtonAdmin, short_time

logger = logging.getLogger(__name__)
LAST_CHANGES = 50
# Our path: the gateway's method, and what the person is told when it took the order.
ORDERS = {
    "reiniciar": ("restart", "La sesión se reinicia; tarda unos segundos en volver."),
    "cerrar-sesion": ("log_out", "Sesión cerrada: escanea el código QR con el teléfono de la mesa."),
}

ASKED = {"reiniciar": "Pidió reiniciar la sesión.", "cerrar-sesion": "Pidió cerrar la sesión."}


@admin.register(Connection)
class ConnectionAdmin(ButtonAdmin):
    """The WhatsApp session as every process knows it."""

    list_display = (
        "gateway",
        "connected",
        "since",
        "detail",
        "paused",
        "paused_why",
        "not_sent",
        "doubtful",
        "next_probe",
    )
    fields = ("gateway", "paused", "paused_why", "not_sent", "doubtful", "next_probe")
    change_form_template = "admin/whatsapp/connection/change_form.html"
    actions = ["check_now", "pause_sending", "resume_sending"]
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

    # Care of the session

    def get_urls(self) -> list[URLPattern]:
        qr = path("<path:object_id>/qr/", self.admin_site.admin_view(self.qr_view), name="whatsapp_connection_qr")
        orders = [
            path(
                f"<path:object_id>/{order}/",
                self.admin_site.admin_view(partial(self.order_view, order=order)),
                name=f"whatsapp_connection_{order}",
            )
            for order in ORDERS
        ]
        return [qr, *orders, *super().get_urls()]

    def may_care(self, request: HttpRequest, obj: Connection) -> bool:
        """Whether this person may show the QR code, restart and log out, and the gateway can."""
        can = obj.gateway == settings.WHATSAPP_GATEWAY and "session" in gateways.active().can
        return can and self.has_pause_permission(request)

    def caring_for(self, request: HttpRequest, object_id: str) -> Connection:
        obj: Connection | None = self.get_object(request, object_id)
        if not self.has_pause_permission(request):
            raise PermissionDenied
        if obj is None or not self.may_care(request, obj):
            raise Http404
        return obj

    def qr_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """POST asks for the QR code to scan now, again and again; none once the session works.

        No GET, because a gateway may start its session to have one.
        """
        self.caring_for(request, object_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        now = connection.current()
        found = Failure("") if now.connected else gateways.active().qr()
        picture = None if isinstance(found, Failure) else base64.b64encode(found).decode()
        answer = {
            "conectado": now.connected,
            "detalle": found.detail if isinstance(found, Failure) and found.detail else now.detail,
            "imagen": picture and f"data:image/png;base64,{picture}",
        }
        return JsonResponse(answer, headers={"Cache-Control": "no-store"})

    def order_view(self, request: HttpRequest, object_id: str, order: str) -> HttpResponse:
        """POST gives the order; logging out is asked about first, because only the phone can undo it."""
        obj = self.caring_for(request, object_id)
        if request.method == "GET" and order == "cerrar-sesion":
            title = "Cerrar la sesión de WhatsApp"
            context = {**self.admin_site.each_context(request), "title": title, "original": obj}
            return TemplateResponse(request, "admin/whatsapp/connection/cerrar_sesion.html", context)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        method, done = ORDERS[order]
        logger.warning("Sesión de WhatsApp: %s pidió %s", request.user, order)
        self.log_change(request, obj, ASKED[order])
        failure = getattr(gateways.active(), method)()
        if failure:
            self.message_user(request, failure.detail, messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)
            self.press(request, obj)
        return HttpResponseRedirect(reverse("admin:whatsapp_connection_change", args=[obj.pk]))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        obj = context.get("original")
        if obj is not None:
            context["cuidar"] = self.may_care(request, obj)
            context["desde"] = short_time(obj.since)
            context["historia"] = [history_line(one) for one in changes_of(obj)]
        return super().render_change_form(request, context, *args, **kw)

    # Checking and pausing

    @admin.action(description="Comprobar ahora", permissions=["view"])
    def check_now(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        for row in queryset:
            self.press(request, row)

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("whatsapp.change_connection")

    @admin.action(description="Pausar el envío", permissions=["pause"])
    def pause_sending(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        connection.pause(f"Lo pidió {request.user}")
        self.log_change(request, connection.current(), "Envío en pausa.")
        self.message_user(request, "Envío en pausa: los mensajes se guardan y esperan.", messages.WARNING)

    @admin.action(description="Reanudar el envío", permissions=["pause"])
    def resume_sending(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        resumed = events.resume(f"Lo pidió {request.user}")
        if resumed:
            self.log_change(request, connection.current(), "Envío reanudado.")
        text = "Envío reanudado: sale lo que esperaba." if resumed else "El envío no estaba en pausa."
        self.message_user(request, text, messages.SUCCESS if resumed else messages.INFO)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        connection.current()  # a desk that has sent nothing yet has no row to look at
        return super().changelist_view(request, extra_context)


def changes_of(obj: Connection) -> QuerySet[ConnectionChange]:
    return ConnectionChange.objects.filter(gateway=obj.gateway)[:LAST_CHANGES]


def history_line(change: ConnectionChange) -> dict[str, Any]:
    """One line of the session's history, in words."""
    gap = ""
    if change.down_since:
        gap = ", ".join(timesince(change.down_since, change.at).split(","))
    filled = "" if not change.down_since else "pendiente" if change.filled is None else str(change.found or 0)
    return {
        "cuando": short_time(change.at),
        "conectado": change.connected,
        "detalle": change.detail,
        "corte": gap,
        "recuperados": filled,
    }
