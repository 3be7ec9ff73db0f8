"""`python -m whatsapp.simulator`, for scripts that have no Django at hand."""

import argparse
import sys

from .run import run


def main() -> int:
    """Out: the exit code."""
    parser = argparse.ArgumentParser(prog="python -m whatsapp.simulator", description="Simulador de WhatsApp")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--data-dir", default="data")
    parser.add_argument("--webhook-url", default="")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--hmac-key", default="")
    parser.add_argument("--session", default="default")
    parser.add_argument("--refusal-delay", type=float, default=0.5, help="segundos hasta negarse; el WAHA real tarda 5")
    arguments = parser.parse_args()
    try:
        run(**vars(arguments))
    except OSError as error:
        print(f"No se pudo abrir el puerto {arguments.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
