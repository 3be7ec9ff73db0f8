"""The supervisors' admin of what only this app sees whole: tickets with their conversation, messages, people."""

from chat.admin import audit, calendar, contacts, merges, messages, notices, spending, tickets, users
from whatsapp import template_admin

__all__ = [
    "audit",
    "calendar",
    "contacts",
    "merges",
    "messages",
    "notices",
    "spending",
    "template_admin",
    "tickets",
    "users",
]
