"""Who is asking, and under which id we log it."""

import ipaddress
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.logs import request_id

Handler = Callable[[HttpRequest], HttpResponse]
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST")


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
        if trusted(request.META.get("REMOTE_ADDR", "")):
            hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
            for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
                if not is_address(hop):
                    break
                request.META["REMOTE_ADDR"] = hop
                if not trusted(hop):
                    break
        else:
            for header in FORWARDED:
                request.META.pop(header, None)
        return self.get_response(request)


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def trusted(peer: str) -> bool:
    """Whether `peer` (an IP address as text) is in one of the TRUSTED_PROXIES networks."""
    return is_address(peer) and any(ipaddress.ip_address(peer) in network for network in settings.TRUSTED_PROXIES)
