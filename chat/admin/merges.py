"""Every merge of two contacts: who did it, what moved, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat import merging, unmerging
from chat.admin.aliases import supervises
from tickets.models import Alias, Merge, Ticket
from tickets.templatetags.desk import full_name
from whatsapp.readonly import ButtonAdmin, short_time


@admin.register(Merge)
class MergeAdmin(ButtonAdmin):
    """What was merged, by whom, and the way back."""

    list_display = ("when", "absorbed", "kept", "who", "state")
    list_display_links = ("when", "absorbed")
    list_select_related = ("kept", "absorbed", "by", "undone_by")
    fields = ("state", "who", "when", "kept_link", "absorbed_shown", "numbers", "what", "afterwards")
    readonly_fields = ("state", "who", "when", "kept_link", "absorbed_shown", "numbers", "what", "afterwards")
    ordering = ("-pk",)
    button_path = "deshacer"
    button_label = "Deshacer la combinación"

    def has_view_permission(self, request: HttpRequest, obj: Merge | None = None) -> bool:
        return supervises(request)

    def may_press(self, request: HttpRequest) -> bool:
        return supervises(request)

    def press(self, request: HttpRequest, obj: Merge) -> None:
        try:
            merge = unmerging.undo(obj.pk, request.user)  # type: ignore[arg-type]
        except merging.MergeRefused as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.log_change(request, merge, "Deshecha.")
        for contact, other in ((merge.kept, merge.absorbed), (merge.absorbed, merge.kept)):
            self.log_change(request, contact, f"Se deshizo la combinación con {other}.")
        self.message_user(request, "Otra vez son dos contactos, cada uno con lo suyo.", messages.SUCCESS)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        response = super().render_change_form(request, context, *args, **kw)
        if context["original"].undone:
            response.context_data.pop("boton", None)  # type: ignore[attr-defined]
        return response

    @admin.display(description="estado")
    def state(self, merge: Merge) -> str:
        if merge.undone is None or merge.undone_by is None:
            return "Combinados"
        return f"Deshecha por {full_name(merge.undone_by)}, {short_time(merge.undone)}"

    @admin.display(description="quién", ordering="by")
    def who(self, merge: Merge) -> str:
        return full_name(merge.by)

    @admin.display(description="fecha", ordering="pk")
    def when(self, merge: Merge) -> str:
        return short_time(merge.created)

    @admin.display(description="se quedó")
    def kept_link(self, merge: Merge) -> SafeString:
        url = reverse("admin:tickets_contact_change", args=[merge.kept_id])
        return format_html('<a href="{}">{}</a> · {}', url, merge.kept, merge.kept.shown_phone)

    @admin.display(description="se integró")
    def absorbed_shown(self, merge: Merge) -> str:
        return f"{merge.absorbed} · {merge.absorbed.shown_phone}"

    @admin.display(description="direcciones que pasaron")
    def numbers(self, merge: Merge) -> str:
        return ", ".join(map(str, Alias.objects.filter(pk__in=merge.details["direcciones"]))) or "-"

    @admin.display(description="qué pasó")
    def what(self, merge: Merge) -> str:
        tickets = Ticket.objects.filter(pk__in=merge.details["tickets"]).order_by("pk").values_list("pk", flat=True)
        moved = f"Tickets: {', '.join(f'#{pk}' for pk in tickets) or 'ninguno'}. Mensajes: {merge.details['movidos']}."
        closed = merge.details["cerrado"]
        return f"{moved} El ticket #{closed['ticket']} se cerró (estaba {closed['estado']})." if closed else moved

    @admin.display(description="al deshacer")
    def afterwards(self, merge: Merge) -> str:
        return (
            "Vuelven direcciones, tickets, mensajes y nombres como estaban. Lo que se escribió después se queda con el "
            "contacto de la dirección de la que llegó (o a la que salió). Las direcciones nuevas se quedan con quien "
            "se quedó."
        )
