"""Times, people and icons as the desk writes them."""

from __future__ import annotations

import re
from datetime import datetime

from django import template
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tickets.access import can_supervise

register = template.Library()

ROLES = {"user": ("👤", "Usuario"), "assistant": ("🤖", "Asistente"), "tecnico": ("👨‍💻", "Técnico")}


@register.simple_tag
def moment(value: datetime) -> SafeString:
    """A past time as people say it: 10:31, ayer, lun, 5 feb, 5 feb 2025."""
    local = timezone.localtime(value)
    return _time(local, _said(local, timezone.localtime()))


@register.simple_tag
def waiting(since: datetime) -> SafeString:
    """How long somebody has been waiting. The page's script keeps it true."""
    return _time(timezone.localtime(since), waited(since), "data-espera")


def waited(since: datetime) -> str:
    """The time since then in words: 4 min, 2 h, 3 d."""
    minutes = max(0, int((timezone.now() - since).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min" if minutes else "<1 min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


@register.simple_tag
def role_icon(role: str) -> SafeString | str:
    """Whose words they are, as an icon to look at and a word to hear."""
    if role not in ROLES:
        return ""
    icon, word = ROLES[role]
    return format_html('<span aria-hidden="true">{}</span><span class="sr-only">{}:</span> ', icon, word)


@register.filter
def supervises(user: User) -> bool:
    """Whether they are offered what only supervisors see. Technicians cost no query, nor who was asked about lately."""
    if not (user.is_staff or user.is_superuser):
        return False  # all supervisors are of the staff (chat/admin/users.py)
    known: dict[str, bool] = getattr(user, "remembered", {})
    if "supervises" not in known:
        known["supervises"] = can_supervise(user)
    return known["supervises"]


@register.filter
def full_name(user: User) -> str:
    """A colleague's name, or the username of who has none."""
    return user.get_full_name() or user.get_username()


def _time(local: datetime, words: str, mark: str = "") -> SafeString:
    title = date_format(local, r"l j \d\e F \d\e Y, H:i")
    return format_html(
        '<time datetime="{}" title="{}" {}>{}</time>', local.isoformat("T", "seconds"), title, mark, words
    )


def _said(local: datetime, now: datetime) -> str:
    days = (now.date() - local.date()).days
    if days <= 0:
        return date_format(local, "H:i")
    if days == 1:
        return "ayer"
    if days < 7:
        return date_format(local, "D").lower()
    return date_format(local, "j M" if local.year == now.year else "j M Y").lower()


@register.filter
def wordless_headers_as_cells(html: str) -> str:
    """Django's inline tables with no header that heads nothing: a screen reader would announce an empty one."""
    return re.sub(r"<th( class=\"original\")?>\s*</th>", r"<td\1></td>", html)
