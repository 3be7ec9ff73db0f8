"""A contact's addresses on their page. WhatsApp showed them: a phone may be added, a wrong one deleted, none edited."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest

from tickets import identity
from tickets.models import SENDABLE, Alias, Contact
from whatsapp.readonly import short_time


def supervises(request: HttpRequest) -> bool:
    """Whether this person may say who somebody is."""
    return request.user.has_perm("tickets.change_contact")


class AliasForm(forms.ModelForm):  # type: ignore[type-arg]
    """A phone that the supervisor knows, in any way of writing it."""

    key = forms.CharField(label="dirección", widget=forms.TextInput(attrs={"placeholder": "+52 477 275 8198"}))

    class Meta:
        model = Alias
        fields = ("key",)

    def clean_key(self) -> str:
        phone = identity.typed(self.cleaned_data["key"], settings.TELEFONO_REGION)
        if phone is None or phone.kind != "phone":
            raise forms.ValidationError("No es un teléfono válido: escríbelo con lada, como +52 477 275 8198.")
        if owner := Contact.objects.known_by(phone).first():
            raise forms.ValidationError(f"Ese teléfono ya es de {owner}. Si son la misma persona, combínalos.")
        self.instance.kind, self.instance.address = Alias.Kind.PHONE, phone.key[1:]
        return phone.key


class AliasFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:  # Django's table has no label for it
            form.fields["DELETE"].widget.attrs["aria-label"] = f"Eliminar {form.instance}"

    def clean(self) -> None:
        """Never the last address that one can write to."""
        super().clean()
        gone = [form.instance.pk for form in self.initial_forms if self._should_delete_form(form)]  # type: ignore[attr-defined]
        left = self.instance.aliases.filter(kind__in=SENDABLE).exclude(pk__in=gone)
        added = [form for form in self.extra_forms if form.has_changed() and form.is_valid()]
        if gone and not added and not left.exists():
            raise forms.ValidationError("Es la única dirección a la que se le puede escribir: no se puede borrar.")


class AliasInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Alias
    template = "admin/tickets/tabular.html"
    form = AliasForm
    formset = AliasFormSet
    extra = 0
    fields = ("key", "kind", "seen_as", "known_since", "seen")
    readonly_fields = ("kind", "seen_as", "known_since", "seen")
    ordering = ("kind", "pk")
    verbose_name = "teléfono"
    verbose_name_plural = "direcciones de WhatsApp"

    @admin.display(description="como se vio")
    def seen_as(self, alias: Alias) -> str:
        return alias.address if alias.pk and alias.address != alias.key else "-"

    @admin.display(description="conocida desde")
    def known_since(self, alias: Alias) -> str:
        return short_time(alias.first_seen) if alias.pk else "-"

    @admin.display(description="vista por última vez")
    def seen(self, alias: Alias) -> str:
        if not alias.pk:
            return "-"
        return short_time(alias.last_seen) if alias.last_seen else "Todavía no: se agregó a mano"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("tickets.view_contact")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return supervises(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return supervises(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alias]:
        return super().get_queryset(request).select_related("contact")
