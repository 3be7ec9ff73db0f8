"""A pretended WhatsApp for trying the desk without one.

It speaks WAHA's HTTP protocol on a real socket, so that the desk's own WAHA adapter is what runs, and shows a row of
phones to write from. It imports nothing of Django: it stands for a machine that is somebody else's.
"""

from .options import Options
from .run import run
from .server import Server

__all__ = ["Options", "Server", "run"]
