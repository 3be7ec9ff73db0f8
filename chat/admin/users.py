"""Accounts, as supervisors may keep them: people of the desk in its two groups, and nothing that gives more rights."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest

from tickets.access import GROUP_SUPERVISORS, GROUP_TECHNICIANS
from tickets.templatetags.desk import full_name

DESK_GROUPS = (GROUP_TECHNICIANS, GROUP_SUPERVISORS)

admin.site.unregister(User)
admin.site.unregister(Group)


def is_root(request: HttpRequest) -> bool:
    """Whether a superuser asks: Django's own forms are for them alone."""
    return bool(request.user.is_superuser)


def is_plain(user: User) -> bool:
    """Whether `user` has no rights but the desk's; whoever sets a password can use all that its owner may do."""
    others = user.groups.exclude(name__in=DESK_GROUPS)
    return not (user.is_superuser or user.user_permissions.exists() or others.exists())


@admin.register(User)
class DeskUserAdmin(UserAdmin):  # type: ignore[type-arg]
    """A superuser has Django's whole form; a supervisor sees no superuser and nothing that could make one."""

    list_display = ("username", "full_name", "group_names", "is_active", "last_login")
    search_fields = ("username", "first_name", "last_name", "email")
    desk_fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Persona", {"fields": ("first_name", "last_name", "email")}),
        ("En la mesa de ayuda", {"fields": ("is_active", "groups")}),
        ("Fechas", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "password1", "password2")}),
        ("Persona", {"classes": ("wide",), "fields": ("first_name", "last_name", "email", "groups")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users = super().get_queryset(request).prefetch_related("groups")
        return users if is_root(request) else users.filter(is_superuser=False)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (is_root(request) or obj is None or is_plain(obj))

    def get_list_filter(self, request: HttpRequest) -> Any:
        return super().get_list_filter(request) if is_root(request) else ("is_active", "groups")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None or is_root(request):
            return super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return self.desk_fieldsets
        return ((None, {"fields": ("username",)}), *self.desk_fieldsets[1:])

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        if is_root(request):
            return super().get_readonly_fields(request, obj)
        # Nobody locks themselves out, nor leaves the group that lets them undo it.
        own = ("is_active", "groups") if obj is not None and obj.pk == request.user.pk else ()
        return ("last_login", "date_joined", *own)

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kw: Any) -> Any:
        if db_field.name == "groups" and not is_root(request):
            kw.update(
                queryset=Group.objects.filter(name__in=DESK_GROUPS),
                widget=forms.CheckboxSelectMultiple,
                help_text="Sin grupo no ve ningún ticket. Supervisores entra además a esta administración.",
            )
        return super().formfield_for_manytomany(db_field, request, **kw)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Supervisors enter the admin, and who leaves them no longer does (a superuser may let in others too)."""
        super().save_related(request, form, formsets, change)
        user: User = form.instance
        supervises = user.groups.filter(name=GROUP_SUPERVISORS).exists()
        if supervises or (not is_root(request) and "groups" in form.changed_data):
            user.is_staff = supervises
            user.save(update_fields=["is_staff"])

    @admin.display(description="nombre", ordering="first_name")
    def full_name(self, user: User) -> str:
        return full_name(user)

    @admin.display(description="grupos")
    def group_names(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())


@admin.register(Group)
class DeskGroupAdmin(GroupAdmin):
    """Only superusers change what a group may do; supervisors see who is in it."""

    readonly_fields = ("members",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_root(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_root(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_root(request)

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        return ("name", "permissions", "members") if is_root(request) else ("name", "members")

    @admin.display(description="personas")
    def members(self, group: Group) -> str:
        if not group.pk:
            return "-"
        people = User.objects.filter(groups=group, is_active=True).order_by("first_name", "username")
        return ", ".join(map(full_name, people)) or "Nadie todavía."
