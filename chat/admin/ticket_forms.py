"""What supervisors may change of a ticket, and whom they may give it to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminFileWidget
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from chat import decisions
from chat.compose import OtherTicketOpen
from chat.compose import reopen as check_reopen
from chat.models import Conversation
from tickets import pictures
from tickets.access import workers
from tickets.models import OPEN_STATES, Ticket
from tickets.templatetags.desk import full_name


def other_open(ticket: Ticket) -> str:
    """Why a closed ticket cannot be opened: `ticket` is the open one of the same contact."""
    return f"No se puede abrir: este contacto ya tiene abierto el ticket #{ticket.pk}. Cierra ese primero."


class TechnicianField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """The people of the desk, by name."""

    def label_from_instance(self, obj: User) -> str:
        return full_name(obj)


class AssignForm(forms.Form):
    technician = TechnicianField(queryset=User.objects.none(), label="Técnico", empty_label="Elige a quién…")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["technician"].queryset = workers()  # type: ignore[attr-defined]


class StoredPicture:
    """The stored picture as the file widget shows it: behind the desk's own view, which checks who asks."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __str__(self) -> str:
        return "ver la foto"


class PictureWidget(AdminFileWidget):
    def format_value(self, value: Any) -> Any:
        ticket = getattr(value, "instance", None)
        if value and ticket is not None:
            return StoredPicture(reverse("evidencia", args=[ticket.pk]))
        return None


class PictureField(forms.FileField):
    """An uploaded picture, encoded anew."""

    widget = PictureWidget

    def clean(self, data: Any, initial: Any = None) -> Any:
        file = super().clean(data, initial)
        if not isinstance(file, UploadedFile):
            return file
        try:
            return pictures.clean(file, file.size or 0)
        except pictures.BadPicture as error:
            raise forms.ValidationError(str(error)) from None


class TouchedForm(forms.ModelForm):  # type: ignore[type-arg]
    """Its `changed_data` is what this person changed, not what others did since the page was opened."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = not isinstance(field, forms.FileField)


class TicketForm(TouchedForm):
    technician = TechnicianField(queryset=User.objects.none(), label="Técnico", required=False, empty_label="Nadie")
    evidence = PictureField(
        label="Foto de evidencia",
        required=False,
        help_text=f"JPEG, PNG, WebP o GIF de hasta {pictures.MAX_BYTES // 2**20} MB. Se guarda sin sus metadatos.",
    )

    class Meta:
        model = Ticket
        fields = (
            "name",
            "department",
            "equipment",
            "asset",
            "fault",
            "category",
            "evidence",
            "state",
            "priority",
            "technician",
        )
        widgets = {"fault": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "technician" in self.fields:
            self.fields["technician"].queryset = self.candidates()  # type: ignore[attr-defined]

    def candidates(self) -> QuerySet[User]:
        """The people of the desk, and who has the ticket now, even if they left."""
        return workers() | User.objects.filter(pk=self.instance.technician_id).distinct()

    def clean_state(self) -> str:
        state: str = self.cleaned_data["state"]
        if state in OPEN_STATES and "state" in self.changed_data:
            try:
                check_reopen(Ticket.objects.select_related("contact").get(pk=self.instance.pk))
            except OtherTicketOpen as error:
                raise forms.ValidationError(other_open(error.ticket)) from None
        return state


def save_changes(ticket_id: int, form: TicketForm) -> None:
    """Write only what the supervisor changed, over the row as it is now: a message may have arrived meanwhile.

    Raises OtherTicketOpen. The conversation's version moves, so that every open page sees it.
    """
    changed = {name: form.cleaned_data[name] for name in form.changed_data if name != "evidence"}
    with transaction.atomic():
        conversation = Conversation.locked_for(form.instance.contact)
        ticket = Ticket.objects.select_related("contact").get(pk=ticket_id)
        state = changed.pop("state", None)
        # To take a ticket away from somebody is a plain change; to give it moves its state as well.
        technician = changed.pop("technician") if changed.get("technician") else None
        for name, value in changed.items():
            Ticket._meta.get_field(name).save_form_data(ticket, value)  # type: ignore[union-attr]
        if changed:
            ticket.save(update_fields=list(changed))
            conversation.bump(ticket.pk, row=True)
        if state or technician:
            decisions.change(ticket, state=state, technician=technician)


def keep_picture(ticket_id: int, picture: ContentFile[bytes] | None) -> None:
    """Store a ticket's evidence, or none; raises OSError. Not in a transaction: the storage may be another machine."""
    ticket = Ticket.objects.select_related("contact").get(pk=ticket_id)
    storage, field, old = ticket.evidence.storage, ticket.evidence.field, ticket.evidence.name
    name = storage.save(field.generate_filename(ticket, str(picture.name)), picture) if picture else ""
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        Ticket.objects.filter(pk=ticket_id).update(evidence=name)
        conversation.bump(ticket_id, row=True)
    if old:
        storage.delete(old)
