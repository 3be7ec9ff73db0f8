"""The texts of Notificar, which supervisors write."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey, Q, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from chat import notices, window
from chat.models import PredefinedMessage
from chat.reply_forms import ANA, KNOWN, ReplyForm, imagined, known_variables, preview_of, saved
from whatsapp import templates
from whatsapp.models import Template


def template_preview_of(notice: PredefinedMessage) -> str:
    """The notice's template in the same way, or why it cannot be sent; "" without one."""
    if notice.template is None:
        return ""
    words = notices.wording(notice, imagined(), ANA, window.Window(None))
    return words.problem or words.text


class NoticeForm(ReplyForm):
    class Meta(ReplyForm.Meta):
        fields = (
            *("title", "shortcut", "text", "upload", "remove", "notify"),
            *("template", "template_values", "position", "active"),
        )
        widgets = {**ReplyForm.Meta.widgets, "template_values": forms.Textarea(attrs={"rows": 4, "cols": 60})}
        help_texts = {
            **ReplyForm.Meta.help_texts,
            "notify": "Se ofrece también en Notificar, que lo envía tal cual.",
            "template": "Sale en lugar del texto cuando pasaron 24 horas sin que la persona escriba. Sin ella, el "
            "aviso no se puede enviar entonces.",
            "template_values": "Un valor por renglón y por variable de la plantilla, primero los de su encabezado; por "
            f"ejemplo {{nombre}} o Ticket {{numero}}. Se llenan: {KNOWN}.",
            "position": "Los de número menor salen primero.",
            "active": "Los que no están activos no se ofrecen a los técnicos.",
        }

    def clean_template_values(self) -> str:
        lines = known_variables(self.cleaned_data["template_values"]).splitlines()
        return "\n".join(line.strip() for line in lines if line.strip())

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        template: Template | None = data.get("template")
        if "template_values" in data and "template" in data:
            given = len(data["template_values"].splitlines())
            wanted = templates.count(template.header) + templates.count(template.body) if template else 0
            if given != wanted:
                whose = f"«{template}» lleva {wanted}" if template else "sin plantilla no lleva ninguno"
                self.add_error("template_values", f"Hay {given} valores: {whose}.")
            elif template and not self.errors:
                self.check_filled(template, data["template_values"])
        return data

    def check_filled(self, template: Template, lines: str) -> None:
        """The template as an imagined person would receive it must be one that Meta takes."""
        values = notices.template_values(PredefinedMessage(template_values=lines), imagined(), ANA)
        size = templates.count(template.header)
        try:
            templates.render(template, values[:size], values[size:])
        except templates.Unfillable as error:
            self.add_error("template_values", str(error))


@admin.register(PredefinedMessage)
class PredefinedMessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = NoticeForm
    list_display = ("title", "shortcut", "position", "active", "notify", "template", "excerpt")
    list_select_related = ("template",)
    list_editable = ("position", "active", "notify")
    list_filter = ("active", "notify")
    search_fields = ("title", "shortcut", "text")
    fields = (
        *("title", "shortcut", "text", "preview", "current_file", "upload", "remove", "notify"),
        *("template", "template_values", "template_preview", "position", "active"),
    )
    readonly_fields = ("preview", "current_file", "template_preview")

    class Media:
        css = {"all": ["chat/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[PredefinedMessage]:
        """The shared ones: a technician's own are theirs, on /respuestas."""
        found: QuerySet[PredefinedMessage] = super().get_queryset(request)
        return found.filter(owner=None)

    def save_model(self, request: HttpRequest, obj: PredefinedMessage, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        saved(obj)

    def get_fields(self, request: HttpRequest, obj: PredefinedMessage | None = None) -> Any:
        return self.fields if window.exists() else [name for name in self.fields if "template" not in name]

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.list_display if window.exists() else [name for name in self.list_display if name != "template"]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "template":
            chosen = PredefinedMessage.objects.exclude(template=None).values("template")
            can_go = templates.sendable().values("pk")
            kwargs["queryset"] = Template.objects.filter(Q(pk__in=can_go) | Q(pk__in=chosen))
            kwargs["empty_label"] = "Ninguna"
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="vista previa")
    def excerpt(self, notice: PredefinedMessage) -> str:
        return Truncator(preview_of(notice.text)).chars(120)

    @admin.display(description="vista previa")
    def preview(self, notice: PredefinedMessage) -> SafeString | str:
        if not notice.pk:
            return "Se ve al guardar."
        return format_html('<div class="burbuja">{}</div>', preview_of(notice.text))

    @admin.display(description="archivo actual")
    def current_file(self, notice: PredefinedMessage) -> SafeString | str:
        if not notice.file:
            return "Ninguno"
        return format_html('<a href="{}">{}</a>', reverse("respuesta-archivo", args=[notice.pk]), notice.file_name)

    @admin.display(description="fuera de las 24 horas")
    def template_preview(self, notice: PredefinedMessage) -> SafeString | str:
        shown = template_preview_of(notice) if notice.pk else ""
        return format_html('<div class="burbuja">{}</div>', shown) if shown else "Se ve al guardar, con una plantilla."
