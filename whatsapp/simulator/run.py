"""Run a simulator until somebody stops it."""

import signal
import threading
from pathlib import Path
from typing import Any

from . import control
from .options import Options
from .server import Server
from .wire import parse_body


def run(
    port: int,
    data_dir: str | Path,
    webhook_url: str,
    api_key: str = "",
    hmac_key: str = "",
    session: str = "default",
    **more: Any,
) -> None:
    """In: where to listen, keep files and tell the desk; `more` are the times of `Options`.

    Returns on Ctrl-C or SIGTERM. Raises OSError when the port is taken.
    """
    options = Options(port, Path(data_dir), webhook_url, api_key, hmac_key, session, **more)
    server = Server(options)
    if options.first_state:
        control.apply(server.simulator, parse_body(options.first_state.encode()))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    server.start()
    try:
        print(f"Simulador de WhatsApp en {server.url}/  (avisa a {webhook_url or 'nadie'})", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop()
