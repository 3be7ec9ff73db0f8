"""What a predefined message must be, whether a supervisor writes it in the administration or a technician their own."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.auth.models import User

from chat import compose, media_uploads, notices, tasks
from chat.models import PredefinedMessage
from chat.wake import wake_on_commit
from tickets.models import State, Ticket
from tickets.text import fold

KNOWN = ", ".join(f"{{{name}}}" for name in notices.VARIABLES)
# Who answers where nobody does.
ANA = User(first_name="Ana", last_name="Ruiz")
SHORTCUT = re.compile(r"[a-z0-9][a-z0-9_-]*")


def imagined() -> Ticket:
    """Somebody's ticket, to show a text with."""
    return Ticket(pk=123, name="Juan Pérez", state=State.IN_PROGRESS)


def preview_of(text: str, technician: User = ANA) -> str:
    """`text` as somebody would receive it of `technician` (an imagined one by default)."""
    return notices.render(text, imagined(), technician)


def known_variables(text: str) -> str:
    """`text`, unless it names a variable that no message can fill."""
    if unknown := notices.unknown_variables(text):
        names = ", ".join(f"{{{name}}}" for name in unknown)
        raise forms.ValidationError(f"No se conoce {names}. Las variables son: {KNOWN}.")
    return text


class ReplyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Of an instance whose `owner` is set. Whoever saves it calls `saved` afterwards."""

    upload = forms.FileField(
        label="Archivo", required=False, widget=forms.FileInput, help_text="Va con el texto, como si lo adjuntaras."
    )
    remove = forms.BooleanField(label="Quitar el archivo", required=False)

    class Meta:
        model = PredefinedMessage
        fields: tuple[str, ...] = ("title", "shortcut", "text")
        widgets = {"text": forms.Textarea(attrs={"rows": 6, "cols": 60, "maxlength": compose.MAX_TEXT})}
        help_texts = {
            "shortcut": "Para encontrarlo al escribir /: una palabra corta, por ejemplo listo.",
            "text": f"Se llenan al usarlo: {KNOWN}. Hasta {compose.MAX_TEXT} caracteres; "
            f"{media_uploads.MAX_CAPTION} si lleva un archivo.",
        }

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"owner"}  # what has to be unique is so among its owner's

    def clean_shortcut(self) -> str:
        word = fold(self.cleaned_data["shortcut"]).removeprefix("/")
        if word and not SHORTCUT.fullmatch(word):
            raise forms.ValidationError("Una sola palabra, de letras, números, - y _.")
        return word

    def clean_text(self) -> str:
        text = known_variables(self.cleaned_data["text"])
        try:
            return compose.check_text(text)
        except compose.InvalidText as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        upload, text = data.get("upload"), data.get("text", "")
        if upload:
            try:
                media_uploads.judge(upload, text)
            except media_uploads.RefusedFile as error:
                self.add_error("upload", str(error))
        most = media_uploads.MAX_CAPTION
        if (upload or (self.instance.file and not data.get("remove"))) and len(text) > most:
            self.add_error(
                "text", f"Con un archivo el texto puede tener hasta {most} caracteres; este tiene {len(text)}."
            )
        return data

    def save(self, commit: bool = True) -> PredefinedMessage:
        row: PredefinedMessage = self.instance
        if upload := self.cleaned_data.get("upload"):
            taken = media_uploads.take(upload, self.cleaned_data["text"])
            row.file, row.name, row.mime, row.size = taken.path, taken.name, taken.mime, taken.size
            row.thumbnail = ""
        elif self.cleaned_data.get("remove"):
            row.file = row.thumbnail = row.name = row.mime = ""
            row.size = None
        # What no row names any more is deleted by the daily look (media_store.drop_orphans).
        saved: PredefinedMessage = super().save(commit)
        return saved


def saved(reply: PredefinedMessage) -> None:
    """After a form was saved: have its picture's thumbnail made."""
    if reply.file and not reply.thumbnail:
        wake_on_commit(tasks.add_reply_thumbnail, reply.pk)
