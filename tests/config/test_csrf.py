"""Nothing is changed by a browser's session without its CSRF token, at any address of the URLconf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLResolver, get_resolver
from rest_framework.authentication import SessionAuthentication

from tests.config.test_urls import API, TABLE, address

# What needs a signature or a password in its body, and no session; or takes no POST from anybody.
WITHOUT = {
    "webhooks/<slug:gateway>": 401,
    "webhooks/evolution/<slug:topic>": 404,
    "webhook": 404,
    "api/token": 400,
    "salud": 405,
}
# What looks at the token itself, once it knows where the body may go (tests/chat/test_replies.py).
LATE = {"respuestas/nueva": 403, "respuestas/<int:reply_id>": 404}  # the second is somebody else's


@pytest.mark.parametrize("pattern", TABLE)
def test_a_post_without_the_token_is_refused_everywhere_but_at_signed_webhooks(pattern: str, supervisora: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(supervisora)
    response = client.post(address(pattern), {}, content_type="application/json")
    if pattern in {**WITHOUT, **LATE}:
        assert response.status_code == {**WITHOUT, **LATE}[pattern]
    elif pattern in API and TABLE[pattern].method == "GET":  # whose method is judged first
        assert response.status_code in (403, 405)
    else:
        assert response.status_code == 403


def views(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, Any]]:
    for found in resolver.url_patterns:
        if isinstance(found, URLResolver):
            yield from views(found, before + str(found.pattern))
        else:
            yield before + str(found.pattern), found.callback


def test_only_what_uses_no_session_checks_no_token() -> None:
    """DRF exempts its views and checks sessions itself, so there its ways to log in are what counts."""
    exempt = set()
    for pattern, view in views(get_resolver()):
        ways = view.cls.authentication_classes if hasattr(view, "cls") else []
        if getattr(view, "csrf_exempt", False) and not any(issubclass(way, SessionAuthentication) for way in ways):
            exempt.add(pattern)
    assert exempt == {*WITHOUT, *LATE}
