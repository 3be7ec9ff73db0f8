"""Health checks of containers: `http PORT` asks for /salud, `file NAME SECONDS` looks how old a file of DATA_DIR is.

Exit status 0 when all is well, else 1. The standard library only, because it is started all the time.
"""

import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def answers(port: str) -> bool:
    """Whether the process on `port` answers that it reads and writes its database."""
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
    request = urllib.request.Request(f"http://127.0.0.1:{int(port)}/salud", headers={"Host": host})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError as error:
        print(error)
        return False


def fresh(name: str, seconds: str) -> bool:
    """Whether a file whose name begins so was written lately: by the sweep of a worker, by beat."""
    files = Path(os.environ["DATA_DIR"]).glob(f"{name}*")
    return any(time.time() - path.stat().st_mtime < float(seconds) for path in files)


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    sys.exit(not (answers(*rest) if kind == "http" else fresh(*rest)))
