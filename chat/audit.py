"""Writing the audit: one insert for a person's act, in the transaction of that act where it has one (docs/audit.md)."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import Model
from django.http import HttpRequest

from chat import origin
from chat.audit_models import Act, AuditEntry

Person = AbstractBaseUser | AnonymousUser | None
LONGEST_VALUE = 300


def record(act: Act, person: Person, obj: Model | None = None, detail: str = "", *, name: str = "") -> None:
    """Note that `person` did `act` to `obj`. Who has no account is only a `name` ("consola", for a command)."""
    account = person if isinstance(person, AbstractBaseUser) else None
    AuditEntry.objects.create(
        act=act,
        person_id=account.pk if account else None,
        name=(account.get_username() if account else name)[:150],
        kind=obj._meta.label_lower if obj else "",
        object_id=str(obj.pk)[:40] if obj else "",
        object=str(obj)[:200] if obj else "",
        detail=detail,
        address=origin.address.get()[:45],
    )


def connect() -> None:
    """Record logging in and out, by whichever door."""
    user_logged_in.connect(note_login, dispatch_uid="audit")
    user_logged_out.connect(note_logout, dispatch_uid="audit")


def note_login(request: HttpRequest | None, user: AbstractBaseUser, **_: Any) -> None:
    record(Act.LOGIN, user, detail=f"Por {request.path}" if request and request.path else "")


def note_logout(user: AbstractBaseUser | None, **_: Any) -> None:
    if user is not None:  # the session may have ended before
        record(Act.LOGOUT, user)


# What Django's administration says of a change, with the values before and after.


def values_of(form: Any) -> dict[str, list[str]]:
    """The fields that `form` changed, by label: the value before and the one after. Passwords have none."""
    found = {}
    for name in form.changed_data:
        field = form.fields.get(name)
        if field is None or "password" in name:
            continue
        before = getattr(field, "queryset", None)
        old = form.initial.get(name)
        if before is not None and isinstance(old, int | str) and old != "":
            old = before.model._default_manager.filter(pk=old).first() or old
        found[str(field.label or name)] = [shown(old), shown(form.cleaned_data.get(name))]
    return found


def shown(value: Any) -> str:
    """A value as people read it, cut where it is long."""
    if value is None or value == "" or value is False:
        return "—"
    if value is True:
        return "sí"
    if not isinstance(value, str | Model) and hasattr(value, "__iter__") and not hasattr(value, "read"):
        return ", ".join(sorted(map(str, value)))[:LONGEST_VALUE] or "—"
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def told(message: Any) -> str:
    """What an entry of Django's own log says, in words: "Departamento: Ventas → Compras."."""
    if isinstance(message, str):
        return message
    parts = [f"{label}: {old} → {new}" for one in message for label, (old, new) in one.get("values", {}).items()]
    named = {label for one in message for label in one.get("values", {})}
    rest = [one for one in message if "values" not in one and one != {"added": {}} and not (named and plain(one))]
    if rest:
        parts.append(LogEntry(change_message=json.dumps(rest)).get_change_message())
    return "\n".join(parts)


def plain(part: dict[str, Any]) -> bool:
    """Whether `part` only names fields of the object itself, whose values are told besides."""
    return "changed" in part and "name" not in part["changed"]
