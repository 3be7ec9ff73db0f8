"""Addresses of files that people open from a page and programs ask for with a token."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.decorators import api_view, content_negotiation_class
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer


class AnyType(BaseContentNegotiation):
    """A picture is asked for as a picture, and its errors are JSON all the same."""

    def select_parser(self, request, parsers):  # type: ignore[no-untyped-def]
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):  # type: ignore[no-untyped-def]
        renderer: BaseRenderer = renderers[0]
        return renderer, renderer.media_type


def download(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A GET for a session or a token. Who asks for a page is led to the login, or told as a page; a program by JSON."""
    asked = api_view(["GET", "HEAD"])(content_negotiation_class(AnyType)(view))

    @login_not_required
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = asked(request, *args, **kwargs)
        if "text/html" in request.headers.get("Accept", ""):
            if response.status_code == 401:
                return redirect_to_login(request.get_full_path())
            if response.status_code == 404:
                raise Http404
        return response

    # By these it is found to be of the API.
    answered.cls, answered.initkwargs = asked.cls, asked.initkwargs  # type: ignore[attr-defined]
    return answered
