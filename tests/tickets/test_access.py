"""Who sees what, and the way in and out."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.http import Http404
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.factory import make_ticket, make_user
from tickets.access import GROUP_TECHNICIANS, can_work, get_ticket, workers


def test_technicians_supervisors_and_superusers_can_work(tecnica: User, supervisora: User) -> None:
    root = make_user("root", is_superuser=True)
    assert all(can_work(user) for user in (tecnica, supervisora, root))


def test_who_is_in_neither_group_cannot_work(extrana: User) -> None:
    assert not can_work(extrana)


def test_a_disabled_account_cannot_work(db: None) -> None:
    assert not can_work(make_user("ex", GROUP_TECHNICIANS, is_active=False))


def test_asking_who_can_work_costs_one_query(tecnica: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        can_work(tecnica)


def test_who_is_in_both_groups_is_listed_once(db: None) -> None:
    make_user("ambas", GROUP_TECHNICIANS, "Supervisores")
    assert [user.username for user in workers()] == ["ambas"]


def test_a_ticket_is_got_with_its_contact_and_technician(
    tecnica: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ticket = make_ticket(technician=tecnica)
    with django_assert_num_queries(2):
        found = get_ticket(tecnica, ticket.pk)
        assert (found.contact.name, found.technician) == ("Juan Pérez", tecnica)


@pytest.mark.parametrize("ticket_id", [999, 10**30])
def test_a_ticket_that_does_not_exist_is_not_found(tecnica: User, ticket_id: int) -> None:
    with pytest.raises(Http404, match=r"Ticket no encontrado\."):
        get_ticket(tecnica, ticket_id)


def test_a_ticket_does_not_exist_for_who_is_in_neither_group(extrana: User) -> None:
    with pytest.raises(Http404, match=r"Ticket no encontrado\."):
        get_ticket(extrana, make_ticket().pk)


def test_the_table_without_login_leads_to_entrar_and_back(client: Client, db: None) -> None:
    response = client.get("/?ver=mios")
    assert response.status_code == 302
    assert response["Location"] == "/entrar?next=/%3Fver%3Dmios"


def test_who_is_in_neither_group_is_told_whom_to_ask(client: Client, extrana: User) -> None:
    make_ticket(name="Secreto")
    client.force_login(extrana)
    response = client.get("/")
    page = response.content.decode()
    assert response.status_code == 404
    assert "Pide a un supervisor" in page
    assert "Secreto" not in page


def test_logging_in_with_the_right_password_leads_to_the_table(client: Client, db: None) -> None:
    make_user("beto", GROUP_TECHNICIANS, password="clave-1234")
    response = client.post("/entrar", {"username": "beto", "password": "clave-1234"})
    assert (response.status_code, response["Location"]) == (302, "/")


def test_a_wrong_password_says_so_in_spanish(client: Client, db: None) -> None:
    page = client.post("/entrar", {"username": "beto", "password": "no"}).content.decode()
    assert 'role="alert"' in page
    assert "contraseña" in page.lower()


def test_logging_in_never_leads_to_another_site(client: Client, db: None) -> None:
    make_user("beto", GROUP_TECHNICIANS, password="clave-1234")
    fields = {"username": "beto", "password": "clave-1234", "next": "https://mala.example/"}
    assert client.post("/entrar", fields)["Location"] == "/"


def test_logging_out_takes_a_post(desk: Client) -> None:
    assert desk.get("/salir").status_code == 405
    assert desk.post("/salir")["Location"] == "/entrar"
    assert desk.get("/").status_code == 302


def test_only_staff_is_shown_the_administration(desk: Client, client: Client, supervisora: User) -> None:
    client.force_login(supervisora)
    assert reverse("admin:index") not in desk.get("/").content.decode()
    assert reverse("admin:index") in client.get("/").content.decode()


def test_a_page_that_does_not_exist_says_so_in_spanish(desk: Client) -> None:
    response = desk.get("/nada")
    assert response.status_code == 404
    assert "No encontramos esta página" in response.content.decode()


@pytest.mark.parametrize("path", ["/", "/?q=nada", "/entrar", "/nada"])
def test_every_page_has_one_main_heading_and_nothing_inline(desk: Client, client: Client, path: str) -> None:
    browser = client if path == "/entrar" else desk
    page = browser.get(path).content.decode()
    assert page.count("<h1") == 1
    assert "<style" not in page and " style=" not in page and "<script>" not in page


def test_the_page_of_a_locked_account_says_for_how_long() -> None:
    assert "Espera 15 minutos" in render_to_string("bloqueado.html", {"mensaje": "Espera 15 minutos."})


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_every_error_page_can_be_shown_without_a_request(name: str) -> None:
    page = render_to_string(name)
    assert page.count("<h1") == 1
    assert "Ir a los tickets" in page
