"""A browser's end of web push: its keys, its push service on a real socket, and the decryption of RFC 8291."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


class Browser:
    """A push subscription as a browser makes one, with the private half that only it has."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint, self.secret = endpoint, os.urandom(16)
        self.key = generate_private_key(SECP256R1())
        self.public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self) -> dict[str, Any]:
        """What `PushSubscription.toJSON()` says."""
        keys = {"p256dh": encoded(self.public), "auth": encoded(self.secret)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def decrypt(self, body: bytes) -> dict[str, Any]:
        """What the service worker is given of `body`: https://www.rfc-editor.org/rfc/rfc8291#section-3.4"""
        salt, length = body[:16], body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self.key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender))
        info = b"WebPush: info\0" + self.public + sender
        start = mac(salt, mac(mac(self.secret, shared), info + b"\x01"))
        key = mac(start, b"Content-Encoding: aes128gcm\0\x01")[:16]
        nonce = mac(start, b"Content-Encoding: nonce\0\x01")[:12]
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert plain[-1:] == b"\x02", "not the last record"
        said: dict[str, Any] = json.loads(plain[:-1])
        return said


def claims(authorization: str, public: str) -> dict[str, Any]:
    """What the desk signed with the private half of `public`: https://www.rfc-editor.org/rfc/rfc8292"""
    scheme, _, rest = authorization.partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert (scheme, parts["k"]) == ("vapid", public)
    head, body, signature = parts["t"].split(".")
    assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "ES256"}
    r, s = (int.from_bytes(decoded(signature)[at : at + 32], "big") for at in (0, 32))
    key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), decoded(public))
    key.verify(encode_dss_signature(r, s), f"{head}.{body}".encode(), ECDSA(SHA256()))
    said: dict[str, Any] = json.loads(decoded(body))
    return said


@dataclass
class PushService:
    """What came to each address, and with which status each is answered (201 where nothing else is said)."""

    url: str = ""
    received: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    status: int = 201

    def browser(self, path: str = "/enviar/abc") -> Browser:
        return Browser(f"{self.url}{path}")

    def told(self, browser: Browser) -> list[dict[str, Any]]:
        """What `browser` was told so far."""
        return [browser.decrypt(body) for path, _, body in self.received if browser.endpoint.endswith(path)]


@contextmanager
def push_service() -> Iterator[PushService]:
    """A push service on a free port of this machine."""
    service = PushService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.received.append((self.path, self.headers, body))  # type: ignore[arg-type]
            self.send_response(service.status)
            self.send_header("Location", f"{service.url}/otra")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
