"""The supervisors' admin of what only this app sees whole: tickets with their conversation, messages, people."""

from chat.admin import audit, calendar, contacts, merges, messages, notices, tickets, users
from whatsapp import template_admin

__all__ = ["audit", "calendar", "contacts", "merges", "messages", "notices", "template_admin", "tickets", "users"]
