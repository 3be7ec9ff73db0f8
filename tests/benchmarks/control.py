"""The control of every benchmark of reading: bare Django, and nothing that this desk adds to it.

`gunicorn tests.benchmarks.control:application` with the same database, sessions and conversations as the desk: a
session from the database, its user, and a ticket's messages by `.values_list` as JSON. No permission, no groups, no
ETag, no policy or other header, no middleware but those two, and connections that stay open.
"""

from __future__ import annotations

import os
from typing import Any

import django
import environ
from django.conf import settings

DATABASE: dict[str, Any] = environ.Env.db_url_config(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {**DATABASE, "CONN_MAX_AGE": None}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    ROOT_URLCONF=__name__,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.db import models  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402


class Message(models.Model):
    """The desk's table, as far as the control reads it."""

    ticket_id = models.BigIntegerField()
    seq = models.BigIntegerField()
    role = models.CharField(max_length=10)
    text = models.TextField()
    created = models.DateTimeField()

    class Meta:
        app_label = "control"
        managed = False
        db_table = "chat_message"

    def __str__(self) -> str:
        return self.text


def conversation(request: HttpRequest, ticket_id: int) -> JsonResponse:
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    rows = Message.objects.filter(ticket_id=ticket_id).order_by("seq").values_list("role", "text", "created")
    entries = [{"role": role, "content": text, "timestamp": created} for role, text, created in rows]
    response = JsonResponse({"historial": entries})
    response["Content-Length"] = str(len(response.content))
    return response


urlpatterns = [path("ticket/<int:ticket_id>/conversacion", conversation)]
application = WSGIHandler()
