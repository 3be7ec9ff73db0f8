"""Every page of the URLconf's table, for each person who may see it: one main heading, nothing inline, our headers."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.config.test_headers import Page
from tests.config.test_urls import TABLE, address, browser
from tickets.models import Ticket

PAGES = [pattern for pattern, row in TABLE.items() if row.method == "GET"]


@pytest.mark.parametrize("pattern", PAGES)
def test_every_page_of_everybody_has_one_main_heading_and_nothing_inline(
    pattern: str, tecnica: User, supervisora: User, extrana: User
) -> None:
    path = address(pattern)
    for user in (None, tecnica, supervisora, extrana):
        response = browser(user).get(path, follow=True)
        if not response["Content-Type"].startswith("text/html"):
            continue
        page = Page(response.content.decode())
        assert (page.headings, page.inline) == (1, []), f"{response.request['PATH_INFO']} de {user}"
        assert "'unsafe" not in response["Content-Security-Policy"]


def test_a_superuser_s_pages_are_no_exception(db: None, admin_user: User) -> None:
    client = browser(admin_user)
    assert not Ticket.objects.exists()
    for path in ("/admin/", "/admin/axes/accessattempt/", "/admin/axes/accesslog/", "/admin/auth/user/", "/"):
        page = Page(client.get(path).content.decode())
        assert (page.headings, page.inline) == (1, []), path


@pytest.mark.parametrize("wanted", ["/entrar", "/entrar?next=/entrar", "http://testserver/entrar"])
def test_who_is_in_and_wants_to_log_in_again_gets_the_table(desk: Client, wanted: str) -> None:
    response = desk.get("/entrar", {"next": wanted})
    assert (response.status_code, response["Location"]) == (302, "/")
