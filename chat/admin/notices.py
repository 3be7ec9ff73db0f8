"""The texts of Notificar, which supervisors write."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from chat import compose, notices
from chat.models import PredefinedMessage
from tickets.models import State, Ticket

KNOWN = ", ".join(f"{{{name}}}" for name in notices.VARIABLES)


def preview_of(text: str) -> str:
    """`text` as somebody would receive it, with the values of an imagined ticket."""
    ticket = Ticket(pk=123, name="Juan Pérez", state=State.IN_PROGRESS)
    return notices.render(text, ticket, User(first_name="Ana", last_name="Ruiz"))


class NoticeForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = PredefinedMessage
        fields = ("title", "text", "position", "active")
        widgets = {"text": forms.Textarea(attrs={"rows": 6, "cols": 60, "maxlength": compose.MAX_TEXT})}
        help_texts = {
            "text": f"Se llenan al enviar: {KNOWN}. Hasta {compose.MAX_TEXT} caracteres.",
            "position": "Los de número menor salen primero.",
            "active": "Los que no están activos no se ofrecen a los técnicos.",
        }

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if unknown := notices.unknown_variables(text):
            names = ", ".join(f"{{{name}}}" for name in unknown)
            raise forms.ValidationError(f"No se conoce {names}. Las variables son: {KNOWN}.")
        try:
            return compose.check_text(text)
        except compose.InvalidText as error:
            raise forms.ValidationError(str(error)) from None


@admin.register(PredefinedMessage)
class PredefinedMessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = NoticeForm
    list_display = ("title", "position", "active", "excerpt")
    list_editable = ("position", "active")
    list_filter = ("active",)
    search_fields = ("title", "text")
    fields = ("title", "text", "preview", "position", "active")
    readonly_fields = ("preview",)

    class Media:
        css = {"all": ["chat/admin.css"]}

    @admin.display(description="vista previa")
    def excerpt(self, notice: PredefinedMessage) -> str:
        return Truncator(preview_of(notice.text)).chars(120)

    @admin.display(description="vista previa")
    def preview(self, notice: PredefinedMessage) -> SafeString | str:
        if not notice.pk:
            return "Se ve al guardar."
        return format_html('<div class="burbuja">{}</div>', preview_of(notice.text))
