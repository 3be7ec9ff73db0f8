"""Who wrote: the contact behind the addresses that a gateway tells."""

from __future__ import annotations

from collections.abc import Iterable

from tickets.identity import Identity, identify
from tickets.models import Contact


def find_contact(identity: Identity, aliases: Iterable[str], push_name: str) -> Contact:
    """The contact of `identity`, or of another address the payload told beside it, or a new one.

    What it was seen as last is what it is sent to; a pair of identities is learned, unless another contact has it.
    """
    others = [one for alias in aliases if (one := identify(alias))]
    fields: dict[str, str] = {one.kind: one.key for one in (*others, identity)}
    found = next((c for kind in fields if (c := Contact.objects.filter(**{kind: fields[kind]}).first())), None)
    if found is None:
        first: dict[str, str] = {identity.kind: identity.key}
        more = {kind: key for kind, key in fields.items() if kind != identity.kind}
        defaults = {"address": identity.address, "push_name": push_name[:120], **more}
        return Contact.objects.get_or_create(**first, defaults=defaults)[0]
    news = {"address": identity.address, **({"push_name": push_name[:120]} if push_name else {})}
    for kind, key in fields.items():
        if not getattr(found, kind) and not Contact.objects.filter(**{kind: key}).exists():
            news[kind] = key
    if changed := {name: value for name, value in news.items() if getattr(found, name) != value}:
        for name, value in changed.items():
            setattr(found, name, value)
        found.save(update_fields=list(changed))
    return found
