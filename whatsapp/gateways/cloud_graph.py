"""Meta's Graph API as the Cloud API uses it: addresses, the token, files both ways. docs/gateways.md, section 5."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from whatsapp import wire
from whatsapp.gateways import cloud_errors as errors
from whatsapp.gateways import rules
from whatsapp.gateways.base import File, seconds_for
from whatsapp.gateways.results import Ambiguous, Failure, Misconfigured, Refused, Result, Unreachable
from whatsapp.gateways.shape import at, sane_id

Answer = wire.Response | Unreachable | Ambiguous | Misconfigured

_ID = re.compile(r"[0-9]{1,40}")
_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,3}")
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w.+-]+=[\w.+-]+)*", re.ASCII)
# Where Meta keeps media. Its documented examples are on lookaside.fbsbx.com, older ones on the others.
_MEDIA_HOSTS = (".facebook.com", ".fbsbx.com", ".fbcdn.net", ".whatsapp.net")
_MAX_REDIRECTS = 3
# A download holds no conversation's lease, so it may last so many times a send; but chat.media.LEASE is longer.
_DOWNLOADS, _LONGEST_DOWNLOAD_S = 4, 120.0


def is_id(value: str) -> bool:
    """Whether `value` can be the id of one of Meta's objects."""
    return _ID.fullmatch(value) is not None


class Graph:
    """Calls in the name of one phone number."""

    def __init__(self, url: str, version: str, token: str, phone_id: str, timeout_s: float) -> None:
        self.phone_id = phone_id
        self.timeout_s = timeout_s
        self._url = url.rstrip("/")
        self._version = version
        self._token = token

    def get(self, path: str, deadline_s: float, max_body: int = wire.MAX_BODY) -> Answer:
        return self._call("GET", path, deadline_s, max_body=max_body)

    def post(self, json: Any, deadline_s: float, before_first_byte: Callable[[], None] | None = None) -> Answer:
        """Ask the number to do something: a message, a reading mark."""
        path = f"{self.phone_id}/messages"
        return self._call("POST", path, deadline_s, json=json, before_first_byte=before_first_byte)

    def upload(self, file: File) -> str | Result:
        """The id that Meta gives to `file`. Whatever else happens, no message was sent: never Ambiguous."""
        mime = file.mime if _MIME.fullmatch(file.mime) else "application/octet-stream"
        fields: Mapping[str, Any] = {
            "messaging_product": "whatsapp",
            "type": mime,
            "file": (file.name or "archivo", file.read(), mime),
        }
        content, content_type = wire.multipart(fields)
        headers = {"Content-Type": content_type}
        deadline_s = self.timeout_s + seconds_for(file.size)
        answer = self._call("POST", f"{self.phone_id}/media", deadline_s, content=content, headers=headers)
        if isinstance(answer, Ambiguous):
            return Unreachable(f"El archivo no llegó a Meta: {answer.detail}")
        if not isinstance(answer, wire.Response):
            return answer
        if answer.ok:
            return sane_id(at(answer.json(), "id")) or Unreachable("Meta no dijo con qué id guardó el archivo")
        meaning = errors.meaning(answer, self.phone_id)
        if not isinstance(meaning, Ambiguous):
            return meaning
        if 400 <= answer.status < 500:  # the file itself, for a reason without a known code: no use trying again
            return Refused(errors.explain(at(answer.json(), "error")), str(answer.status))
        return Unreachable(meaning.detail)

    def download(self, url: str, max_bytes: int) -> wire.Response | Failure:
        """The file at `url`, which only Meta's own servers are asked for; they also want the token."""
        ends = time.monotonic() + min(_DOWNLOADS * self.timeout_s, _LONGEST_DOWNLOAD_S)
        for _ in range(_MAX_REDIRECTS + 1):
            if not self._is_metas(url):
                return Failure("Meta dio una dirección de descarga que no es suya", again=False)
            left = ends - time.monotonic()
            if left <= 0:
                return Failure("Meta no entregó el archivo a tiempo")
            answer = wire.call("GET", url, headers=self._headers(), deadline_s=left, max_body=max_bytes)
            if isinstance(answer, wire.TooLong):
                return Failure(f"El archivo pesa más de {max_bytes // 2**20} MB", again=False)
            if not isinstance(answer, wire.Response):
                return Failure(f"Meta no entregó el archivo: {answer.detail}")
            if answer.ok:
                return answer
            if answer.status not in (301, 302, 303, 307, 308):
                return Failure(f"Meta no entregó el archivo: HTTP {answer.status}")
            try:
                url = urljoin(url, answer.headers.get("Location", ""))
            except ValueError:
                break
        return Failure("Meta no entregó el archivo: demasiadas redirecciones")

    def _is_metas(self, url: str) -> bool:
        """Whether `url` is on one of Meta's media servers, or on the configured one."""
        try:
            parts, ours = urlsplit(url), urlsplit(self._url)
            port = parts.port
        except ValueError:
            return False
        if (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc):
            return True
        host = parts.hostname or ""
        return (
            parts.scheme == "https" and port in (None, 443) and parts.username is None and host.endswith(_MEDIA_HOSTS)
        )

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def problems(self) -> list[Misconfigured]:
        """The settings with which no call can be made."""
        version = phone = None
        if not _VERSION.fullmatch(self._version):
            version = Misconfigured("CLOUD_API_VERSION", "debe ser como v25.0", "Corrige CLOUD_API_VERSION en .env")
        if not is_id(self.phone_id):
            todo = f"Pon {errors.PHONE_ID} en .env: el identificador del número en Meta, que no es el número"
            phone = Misconfigured(errors.PHONE_ID, "debe ser el identificador del número en Meta: solo cifras", todo)
        return rules.broken(
            rules.address("CLOUD_API_URL", self._url, "https://graph.facebook.com"),
            version,
            rules.header(errors.TOKEN, self._token, f"Pon {errors.TOKEN} en .env: el de un usuario del sistema"),
            phone,
        )

    def _call(self, method: str, path: str, deadline_s: float, **more: Any) -> Answer:
        if found := self.problems():
            return found[0]
        headers = {**self._headers(), **more.pop("headers", {})}
        return wire.call(method, f"{self._url}/{self._version}/{path}", headers=headers, deadline_s=deadline_s, **more)
