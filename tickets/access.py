"""Who may work at the desk. Every view that shows or changes a ticket asks here."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Q, QuerySet
from django.http import Http404

from tickets.models import Ticket
from tickets.prepared import Prepared

GROUP_TECHNICIANS = "Técnicos"
GROUP_SUPERVISORS = "Supervisores"

NOT_FOUND = "Ticket no encontrado."
find_ticket = Prepared(lambda ticket: Ticket.objects.select_related("contact", "technician").filter(pk=ticket))


def workers() -> QuerySet[User]:
    """Everybody who sees and answers tickets, by name: active superusers, Técnicos and Supervisores."""
    allowed = Q(is_superuser=True) | Q(groups__name__in=(GROUP_TECHNICIANS, GROUP_SUPERVISORS))
    return User.objects.filter(allowed, is_active=True).distinct().order_by("first_name", "last_name", "username")


all_workers = Prepared(workers)


def can_work(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether `user` is one of the `workers`. One query; none for who was asked about lately (config/sessions.py)."""
    known: dict[str, bool] = getattr(user, "remembered", {})
    if "works" not in known:
        known["works"] = user.is_authenticated and workers().filter(pk=user.pk).exists()
    return known["works"]


def can_supervise(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether `user` supervises the desk: an active superuser, or one of Supervisores. One query."""
    allowed = Q(is_superuser=True) | Q(groups__name=GROUP_SUPERVISORS)
    return user.is_authenticated and User.objects.filter(allowed, pk=user.pk, is_active=True).exists()


def get_ticket(user: AbstractBaseUser | AnonymousUser, ticket_id: int) -> Ticket:
    """The ticket with its contact and technician; Http404 when it does not exist or is not for `user` to see."""
    if not can_work(user):
        raise Http404(NOT_FOUND)
    for ticket in find_ticket(ticket_id):
        return ticket
    raise Http404(NOT_FOUND)
