"""Answers that are asked for all day long, without what they do not need."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.decorators import api_view

from chat.errors import explained

View = Callable[..., HttpResponseBase]


def quick(view: View) -> View:
    """A GET of somebody with a session goes straight to `view`: DRF's way to it cost more than most answers.

    Everything else is DRF's as ever: tokens, other methods, who is not logged in. So is whatever goes wrong on the
    short way, which is done again, because a GET changes nothing: DRF says it as it says everything.
    """
    whole = api_view(["GET"])(explained(view))  # type: ignore[arg-type]

    @wraps(whole)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if plain(request) and request.user.is_authenticated:
            try:
                return view(request, *args, **kwargs)
            except Exception:
                return whole(request, *args, **kwargs)
        return whole(request, *args, **kwargs)

    return answered


def plain(request: HttpRequest) -> bool:
    """Whether nothing is asked that DRF decides: a token, another method, another type than JSON."""
    accept = request.META.get("HTTP_ACCEPT", "*/*")
    return (
        request.method == "GET"
        and "HTTP_AUTHORIZATION" not in request.META
        and ("*/*" in accept or "application/json" in accept)
    )


def as_json(body: Any, headers: dict[str, str]) -> HttpResponse:
    """`body` as DRF's renderer writes it: UTF-8, and no spaces."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text.encode(), content_type="application/json", headers=headers)
