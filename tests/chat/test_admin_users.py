"""Accounts in the admin: supervisors keep the desk's people, and nobody gets more rights than the desk's."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from tests.factory import make_user
from tests.supervision import browser_of, posted, text_of
from tickets.access import GROUP_SUPERVISORS, GROUP_TECHNICIANS

USERS = "/admin/auth/user/"


@pytest.fixture
def admin(supervisora: User) -> Client:
    return browser_of(supervisora)


def page(user: User) -> str:
    return f"{USERS}{user.pk}/change/"


def group(name: str) -> int:
    return Group.objects.get(name=name).pk


def names(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def added(client: Client, **fields: object) -> User | None:
    data = {"username": "nueva", "usable_password": "true", "password1": "uNa-Larga-77", "password2": "uNa-Larga-77"}
    client.post(f"{USERS}add/", {**data, **fields})
    return User.objects.filter(username="nueva").first()


def test_a_supervisor_adds_a_technician_who_can_log_in(admin: Client) -> None:
    user = added(admin, first_name="Luz", groups=[group(GROUP_TECHNICIANS)])
    assert user
    assert names(user) == {GROUP_TECHNICIANS}
    assert user.check_password("uNa-Larga-77")
    assert not user.is_staff


def test_who_is_put_into_supervisores_enters_the_admin_and_who_leaves_no_longer(admin: Client, tecnica: User) -> None:
    admin.post(page(tecnica), posted(admin, page(tecnica), groups=[group(GROUP_SUPERVISORS)]))
    tecnica.refresh_from_db()
    assert tecnica.is_staff
    admin.post(page(tecnica), posted(admin, page(tecnica), groups=[group(GROUP_TECHNICIANS)]))
    tecnica.refresh_from_db()
    assert not tecnica.is_staff


def test_a_new_supervisor_is_staff(admin: Client) -> None:
    user = added(admin, groups=[group(GROUP_SUPERVISORS)])
    assert user
    assert user.is_staff


def test_a_supervisor_sees_no_field_that_gives_rights(admin: Client, tecnica: User) -> None:
    for url in (page(tecnica), f"{USERS}add/", USERS):
        shown = text_of(admin.get(url))
        for name in ("is_superuser", "user_permissions", "is_staff"):
            assert name not in shown


def test_posted_rights_are_ignored(admin: Client, tecnica: User) -> None:
    rights = {"is_superuser": "on", "is_staff": "on", "user_permissions": [Permission.objects.first().pk]}  # type: ignore[union-attr]
    admin.post(page(tecnica), posted(admin, page(tecnica), **rights))
    user = added(admin, **rights)
    tecnica.refresh_from_db()
    assert user
    for person in (tecnica, user):
        assert not person.is_superuser
        assert not person.is_staff
        assert not person.user_permissions.exists()


def test_only_the_two_groups_can_be_given(admin: Client, tecnica: User) -> None:
    powerful = Group.objects.create(name="Administradores")
    assert "Administradores" not in text_of(admin.get(page(tecnica)))
    assert admin.post(page(tecnica), posted(admin, page(tecnica), groups=[powerful.pk])).status_code == 200
    assert names(tecnica) == {GROUP_TECHNICIANS}


def test_a_superuser_is_neither_seen_nor_edited_nor_given_a_password(admin: Client, admin_user: User) -> None:
    assert ">admin<" not in text_of(admin.get(USERS))
    for url in (page(admin_user), f"{USERS}{admin_user.pk}/password/"):
        response = admin.post(url, {"username": "mia", "password1": "uNa-Larga-77", "password2": "uNa-Larga-77"})
        assert response.status_code in (302, 403, 404)
    admin_user.refresh_from_db()
    assert admin_user.username == "admin"
    assert admin_user.check_password("password")


@pytest.mark.parametrize("by", ["group", "permission"])
def test_who_has_more_rights_than_the_desk_is_only_looked_at(admin: Client, tecnica: User, by: str) -> None:
    if by == "group":
        tecnica.groups.add(Group.objects.create(name="Administradores"))
    else:
        tecnica.user_permissions.add(Permission.objects.get(codename="delete_user"))
    assert admin.get(page(tecnica)).status_code == 200
    assert admin.post(page(tecnica), {"username": "mia"}).status_code == 403
    assert admin.get(f"{USERS}{tecnica.pk}/password/").status_code == 403


def test_nobody_changes_their_own_groups_nor_switches_themselves_off(admin: Client, supervisora: User) -> None:
    data = posted(admin, page(supervisora), first_name="Sofi", groups=[group(GROUP_TECHNICIANS)])
    data.pop("is_active", None)
    admin.post(page(supervisora), data)
    supervisora.refresh_from_db()
    assert (supervisora.first_name, supervisora.is_active, supervisora.is_staff) == ("Sofi", True, True)
    assert names(supervisora) == {GROUP_SUPERVISORS}


def test_a_supervisor_sets_a_technicians_password(admin: Client, tecnica: User) -> None:
    data = {"password1": "oTra-Larga-88", "password2": "oTra-Larga-88", "usable_password": "true"}
    assert admin.post(f"{USERS}{tecnica.pk}/password/", data).status_code == 302
    tecnica.refresh_from_db()
    assert tecnica.check_password("oTra-Larga-88")


def test_users_are_not_deleted_by_supervisors(admin: Client, tecnica: User) -> None:
    assert admin.post(f"{USERS}{tecnica.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_superuser_keeps_djangos_whole_form(admin_client: Client, tecnica: User) -> None:
    shown = text_of(admin_client.get(page(tecnica)))
    assert "is_superuser" in shown
    assert "user_permissions" in shown


def test_groups_are_only_looked_at_and_show_their_people(admin: Client, tecnica: User) -> None:
    url = f"/admin/auth/group/{group(GROUP_TECHNICIANS)}/change/"
    assert "Ana Ruiz" in text_of(admin.get(url))
    assert admin.post(url, {"name": "Otro"}).status_code == 403
    assert admin.get("/admin/auth/group/add/").status_code == 403


def test_the_index_is_in_spanish_and_without_the_machinery(admin: Client) -> None:
    shown = text_of(admin.get("/admin/"))
    assert "Chat en Vivo · Administración" in shown
    for words in ("Tickets", "Contactos", "Mensajes", "Mensajes predefinidos", "Conexiones", "Eventos recibidos"):
        assert words in shown
    assert "axes" not in shown.lower()


def test_a_superuser_sees_who_tried_to_log_in(admin_client: Client) -> None:
    assert admin_client.get("/admin/axes/accessattempt/").status_code == 200


@pytest.mark.django_db
def test_a_user_without_a_group_sees_nothing_of_the_admin() -> None:
    client = browser_of(make_user("eva", is_staff=True))
    for url in (USERS, "/admin/tickets/ticket/", "/admin/whatsapp/webhookevent/"):
        assert client.get(url).status_code == 403
