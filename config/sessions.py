"""Who is asking: read from the database once in KEEP_S for each session and token, and remembered by this process.

A page asks again every few seconds, and its session, its user and the user's groups cost more than the answer. What
changes nothing is believed from memory; everything else asks the database. Whatever ends or changes an account here
empties the memory at once; what another process did is seen within KEEP_S.
"""

from __future__ import annotations

import threading
import time
from copy import copy
from typing import Any

from django.contrib.auth import get_user, middleware
from django.contrib.auth.models import AnonymousUser, Group, User
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

KEEP_S = 30.0
MOST = 10_000  # people at once; beyond that it begins anew
SAFE = ("GET", "HEAD")


class Memory:
    """People by how they were let in: ("session", key) or ("token", token)."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.people: dict[tuple[str, str], tuple[User, float]] = {}
        self.changes = 0

    def recall(self, kind: str, key: str) -> User | None:
        """The person, for this request alone; None when they have to be read."""
        user, until = self.people.get((kind, key), (None, 0.0))
        # Further away than KEEP_S it only is when the clock was set back.
        return copy(user) if user and 0 < until - time.time() <= KEEP_S else None

    def keep(self, kind: str, key: str, user: User, changes: int, seconds: float = KEEP_S) -> None:
        """Remember `user`, unless something changed since `changes`, which was read before them."""
        user.remembered = {}  # type: ignore[attr-defined]
        with self.lock:
            if changes != self.changes:
                return
            if len(self.people) >= MOST:
                self.people.clear()
            self.people[kind, key] = copy(user), time.time() + min(seconds, KEEP_S)

    def forget(self) -> None:
        with self.lock:
            self.changes += 1
            self.people.clear()


memory = Memory()


def forget(**_: Any) -> None:
    """Now, and again when it is committed: whoever reads in between still reads what was before."""
    memory.forget()
    transaction.on_commit(memory.forget, robust=True)


for signal in (post_save, post_delete):
    for model in (User, Group):
        signal.connect(forget, sender=model)
m2m_changed.connect(forget, sender=User.groups.through)


class SessionStore(db.SessionStore):
    """Django's sessions in the database. A session that was changed or ended is forgotten."""

    ends_in = 0.0

    def _get_session_from_db(self) -> Session | None:
        row: Session | None = super()._get_session_from_db()  # type: ignore[misc]
        self.ends_in = row.expire_date.timestamp() - time.time() if row else 0.0
        return row

    def save(self, must_create: bool = False) -> None:
        super().save(must_create)
        forget()

    def delete(self, session_key: str | None = None) -> None:
        super().delete(session_key)
        forget()


class AuthenticationMiddleware(middleware.AuthenticationMiddleware):
    """Django's, with the memory in front of it for what changes nothing."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if request.method in SAFE:
            request.user = SimpleLazyObject(lambda: person(request))  # type: ignore[assignment]


def person(request: HttpRequest) -> User | AnonymousUser:
    """Who the session's cookie belongs to."""
    session: Any = request.session
    key = session.session_key
    if key and (user := memory.recall("session", key)):
        session.accessed = True  # as if it was read: the answer depends on the cookie
        return user
    changes = memory.changes
    user = get_user(request)  # type: ignore[assignment]
    if isinstance(user, User) and session.session_key == key:
        memory.keep("session", key, user, changes, session.ends_in)
    return user  # type: ignore[return-value]
