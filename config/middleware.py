"""Who is asking, and under which id we log it."""

import ipaddress
import uuid
from collections.abc import Callable
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from chat import origin, runtime
from config.logs import request_id

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Handler = Callable[[HttpRequest], HttpResponse]
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST")


class DatabaseMiddleware:
    """Gives the database's connection back before a file is sent: how long that takes is up to who receives it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.streaming:
            runtime.let_go_of_database()
        return response


class RequestIdMiddleware:
    """Gives every request a short id, logged on its lines and answered as `X-Request-Id`."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(uuid.uuid4().hex[:8])
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id.get()
            return response
        finally:
            request_id.reset(token)


class ContentPolicyMiddleware(CSPMiddleware):
    """django-csp's, which writes the policy anew for every answer: ours is the same for all but who asks for more."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.policy = build_policy()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        wants_more = hasattr(request, "_csp_nonce") or any(name.startswith("_csp") for name in vars(response))
        if wants_more or response.status_code in (404, 500):  # those may be Django's own pages for programmers
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self.policy)
        return response


class PrivateCacheMiddleware:
    """Nothing we answer is for shared caches, and a browser asks again, unless a view says otherwise."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class TrustedProxyMiddleware:
    """Believes X-Forwarded-* only from a peer in TRUSTED_PROXIES; else removes them.

    REMOTE_ADDR becomes the rightmost forwarded address that is not itself a trusted proxy, because
    everything to the left of it may have been written by the client.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer = parse_address(request.META.get("REMOTE_ADDR", ""))
        if trusted(peer):
            hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
            for text in reversed([hop.strip() for hop in hops if hop.strip()]):
                hop = parse_address(text)
                if hop is None:
                    break
                peer = hop
                if not trusted(hop):
                    break
        else:
            for header in FORWARDED:
                request.META.pop(header, None)
        if peer is not None:
            request.META["REMOTE_ADDR"] = str(peer)
        token = origin.address.set(request.META.get("REMOTE_ADDR", ""))
        try:
            return self.get_response(request)
        finally:
            origin.address.reset(token)


def parse_address(text: str) -> Address | None:
    """The address in `text`, spelled in one way only; None when it is none. "::ffff:10.0.0.1" is 10.0.0.1."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def trusted(peer: Address | None) -> bool:
    """Whether `peer` is in one of the TRUSTED_PROXIES networks."""
    return peer is not None and any(peer in network for network in settings.TRUSTED_PROXIES)
