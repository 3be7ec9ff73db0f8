"""The supervisors' admin: Django's own, with our name, Spanish labels, and an audit of what is done in it."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from chat import audit
from chat.audit_models import Act
from chat.audited import Audited


class DeskAdminSite(admin.AdminSite):
    site_title = "Chat en Vivo"
    site_header = "Chat en Vivo · Administración"
    index_title = "Supervisión de la mesa de ayuda"
    site_url = "/"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Every page is audited, also those of other packages: nobody has to remember it."""
        page = admin_class or admin.ModelAdmin
        for model in model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]:
            super().register(model, type(page.__name__, (Audited, page), {"__module__": page.__module__}), **options)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            audit.record(Act.PASSWORD, request.user)
        return response
