"""The supervisors' admin of what only this app sees whole: tickets with their conversation, messages, people."""

from chat.admin import audit, contacts, merges, messages, notices, tickets, users
from whatsapp import template_admin

__all__ = ["audit", "contacts", "merges", "messages", "notices", "template_admin", "tickets", "users"]
