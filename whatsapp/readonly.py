"""Admin pages of rows that only the machinery writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format

from whatsapp import gateways


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
