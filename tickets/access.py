"""Who may work at the desk. Every view that shows or changes a ticket asks here."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.http import Http404

from tickets.models import Ticket

GROUP_TECHNICIANS = "Técnicos"
GROUP_SUPERVISORS = "Supervisores"
WORKERS = (GROUP_TECHNICIANS, GROUP_SUPERVISORS)

NOT_FOUND = "Ticket no encontrado."


def can_work(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether `user` sees and answers tickets: superusers, Técnicos and Supervisores do. At most one query."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or user.groups.filter(name__in=WORKERS).exists()


def get_ticket(user: AbstractBaseUser | AnonymousUser, ticket_id: int) -> Ticket:
    """The ticket with its contact and technician; Http404 when it does not exist or is not for `user` to see."""
    if not can_work(user):
        raise Http404(NOT_FOUND)
    ticket = Ticket.objects.select_related("contact", "technician").filter(pk=ticket_id).first()
    if ticket is None:
        raise Http404(NOT_FOUND)
    return ticket
