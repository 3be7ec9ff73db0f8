"""What the simulator can be started with, and how long its people take to do things."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Options:
    """Everything one simulator needs; times are seconds, so that tests can shrink them."""

    port: int
    data_dir: Path
    webhook_url: str = ""
    api_key: str = ""
    hmac_key: str = ""
    session: str = "default"
    # The real WAHA polls its session for 5 s before it refuses. The demo does not make a newcomer wait that long;
    # a rehearsal of the time limits starts it with 5.
    refusal_delay: float = 0.5
    delivered_after: float = 0.4
    read_after: float = 1.0
    slow_answer: float = 3.0
    # WAHA's own defaults: constant, 15 attempts, 2 s apart.
    retry_delay: float = 2.0
    retry_attempts: int = 15
    # How many events are told at once; one keeps them in order.
    tellers: int = 1
    # The body of a POST /simulador/estado, so that faults survive a kill -9 of the simulator.
    first_state: str = ""
    # Write every send, status call and reading back, and its fault, to llamadas.jsonl.
    keep_calls: bool = False

    @property
    def folder(self) -> Path:
        """Where the simulator keeps its files."""
        return Path(self.data_dir) / "simulador"

    @property
    def desk_url(self) -> str:
        """The desk's own address, taken from its webhook's; empty when there is no webhook."""
        parts = urlsplit(self.webhook_url)
        return f"{parts.scheme}://{parts.netloc}/" if parts.scheme in ("http", "https") and parts.netloc else ""
