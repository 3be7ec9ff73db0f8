"""Call every adapter against a mock of its gateway's OpenAPI file and report each request."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.conformity import prism
from tests.conformity.calls import FORBIDDEN, GATEWAYS, calls
from tests.conformity.known import KNOWN, Known, reason_for
from whatsapp import wire

PROBLEM = "https://stoplight.io/prism/errors#"


@dataclass
class Request:
    """One request that an adapter made, and what the mock had against it ("" when nothing)."""

    gateway: str
    call: str
    method: str
    path: str
    complaint: str

    @property
    def known(self) -> Known | None:
        return reason_for(self.gateway, self.method, self.path, self.complaint) if self.complaint else None


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("Di dónde están los archivos OpenAPI: make conformidad OPENAPI_DIR=<carpeta>", file=sys.stderr)
        return 2
    files = {name: openapi_of(Path(arguments[0]), part) for name, (part, _) in GATEWAYS.items()}
    prism.install()
    requests: list[Request] = []
    for name, file in files.items():
        print(f"\n{name}: {file.name}", flush=True)
        for request in checked(name, file):
            print(line(request), flush=True)
            requests.append(request)
    return summary(requests)


def openapi_of(folder: Path, part: str) -> Path:
    """The gateway's file in `folder`: the one with `part` in its name."""
    found = [path for path in sorted(folder.glob(f"*{part}*")) if path.suffix in (".json", ".yaml", ".yml")]
    if len(found) != 1:
        sys.exit(f"En {folder} debe haber un archivo OpenAPI con «{part}» en su nombre; hay {len(found)}.")
    return found[0]


def checked(name: str, file: Path) -> list[Request]:
    """Every request that the adapter makes, in order."""
    made: list[Request] = []
    call, now = wire.call, ""

    def recorded(method: str, url: str, **options: Any) -> Any:
        answer = call(method, url, **options)
        parts = urlsplit(url)
        made.append(Request(name, now, method, parts.path + (f"?{parts.query}" if parts.query else ""), judged(answer)))
        return answer

    with tempfile.TemporaryDirectory() as folder, prism.mock(file, Path(folder) / "prism.log") as url:
        path, body = FORBIDDEN[name]
        headers = {"apikey": "llave", "X-Api-Key": "llave", "Authorization": "Bearer token"}
        if not judged(call("POST", url + path, json=body, headers=headers, deadline_s=30)):
            sys.exit(f"Prism aceptó lo que {file.name} prohíbe (POST {path} {body}): así no juzga nada.")
        wire.call = recorded  # type: ignore[assignment]
        try:
            for label, asked in calls(GATEWAYS[name][1](url)):
                now = label
                asked()
        finally:
            wire.call = call
    return made


def judged(answer: Any) -> str:
    """What Prism has against a request, in one line, or ""."""
    if not isinstance(answer, wire.Response):
        return f"sin respuesta: {answer}"
    problem = answer.json()
    if not isinstance(problem, dict) or not str(problem.get("type", "")).startswith(PROBLEM):
        return ""
    kind, wrong = problem["type"].removeprefix(PROBLEM), problem.get("validation", [])
    if kind == "VIOLATIONS":  # of the request and of the mock's own example of an answer, which is not ours
        wrong = [one for one in wrong if one["location"][0] == "request"]
    if kind in ("NO_RESPONSE_DEFINED", "NOT_ACCEPTABLE") or (kind == "VIOLATIONS" and not wrong):
        return ""
    told = [f"{'.'.join(map(str, one['location']))}: {one['message']}" for one in wrong]
    return f"{kind} {'; '.join(told) or problem.get('detail', '')}"


def line(request: Request) -> str:
    mark = "bien  " if not request.complaint else "desvío" if request.known else "MAL   "
    text = f"  {mark} {request.call:20} {request.method:6} {request.path[:110]}"
    if request.complaint:
        text += f"\n         dice: {request.complaint[:500]}"
    if request.known:
        text += f"\n         porqué: {request.known.reason}"
    return text


def summary(requests: list[Request]) -> int:
    bad = [request for request in requests if request.complaint and not request.known]
    used = {request.known for request in requests if request.known}
    unused = [known for known in KNOWN if known not in used]
    deviations = len([request for request in requests if request.known])
    good = len(requests) - len(bad) - deviations
    print(f"\n{len(requests)} peticiones: {good} bien, {deviations} desvíos conocidos, {len(bad)} mal.")
    for known in unused:
        print(f"Desvío que ya no se ve: {known.gateway} {known.method} {known.path}")
    return 1 if bad or unused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
