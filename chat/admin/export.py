"""Tickets as CSV for spreadsheets, in which no cell can become a formula."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from import_export import fields, resources

from tickets.models import Ticket
from tickets.templatetags.desk import full_name
from tickets.text import as_text


def local(moment: datetime | None) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def column(attribute: str, label: str) -> fields.Field:
    return fields.Field(attribute=attribute, column_name=label)


class TicketResource(resources.Resource):  # type: ignore[misc]
    """One row per ticket, with the labels of the desk."""

    id = column("pk", "Ticket")
    name = column("shown_name", "Nombre")
    phone = column("contact__number", "Teléfono")
    department = column("department", "Departamento")
    equipment = column("equipment", "Tipo de equipo")
    asset = column("asset", "Número de activo")
    fault = column("fault", "Falla")
    category = column("category", "Categoría")
    state = column("state", "Estado")
    priority = column("priority", "Prioridad")
    technician = column("technician", "Técnico")
    created = column("created", "Creado")
    first_response = column("first_response", "Primera respuesta")
    resolved = column("resolved", "Resuelto")
    last_activity = column("last_activity", "Última actividad")
    unread = column("unread", "Sin leer")

    def dehydrate_technician(self, ticket: Ticket) -> str:
        return full_name(ticket.technician) if ticket.technician else ""

    def export_field(self, field: Any, instance: Ticket, **kwargs: Any) -> str:
        """Every cell passes here, whatever its field."""
        if isinstance(value := getattr(instance, field.attribute, None), datetime):
            return local(value)
        return as_text(super().export_field(field, instance, **kwargs))
