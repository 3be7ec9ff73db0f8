"""GET /api/esquema for programs and GET /api/docs for people, both for who works at the desk.

What writes the document is loaded when it is asked for: it takes a tenth of the desk's start, and its memory.
"""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from rest_framework.decorators import api_view, content_negotiation_class
from rest_framework.request import Request

from config.openapi.page import sections
from tickets.access import NOT_FOUND, can_work
from tickets.downloads import AnyType, download


@api_view(["GET", "HEAD"])
@content_negotiation_class(AnyType)
def schema(request: Request) -> HttpResponse:
    """The OpenAPI document: YAML, or JSON where that is asked for (`Accept`, `?formato=json`)."""
    if not can_work(request.user):
        raise Http404(NOT_FOUND)
    from config.openapi.document import written

    asked = request.query_params.get("formato") or request.headers.get("Accept", "")
    form = "json" if "json" in asked else "yaml"
    return HttpResponse(written(form), content_type=f"application/{form}; charset=utf-8")


@download
def docs(request: Request) -> HttpResponse:
    """The page."""
    if not can_work(request.user):
        raise Http404(NOT_FOUND)
    from config.openapi.document import document

    return render(request._request, "api/docs.html", {"secciones": sections(document()), "info": document()["info"]})
