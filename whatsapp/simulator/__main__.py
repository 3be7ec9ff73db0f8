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
    parser.add_argument("--delivered-after", type=float, default=0.4, help="segundos hasta llegar al teléfono")
    parser.add_argument("--read-after", type=float, default=1.0, help="segundos hasta leerse")
    parser.add_argument("--slow-answer", type=float, default=3.0, help="segundos que tarda la falla «lento»")
    parser.add_argument("--retry-delay", type=float, default=2.0, help="segundos entre intentos de un aviso")
    parser.add_argument("--retry-attempts", type=int, default=15, help="intentos de un aviso")
    parser.add_argument("--tellers", type=int, default=1, help="avisos a la vez; con más de uno no guardan su orden")
    parser.add_argument("--estado", dest="first_state", default="", help="JSON, como POST /simulador/estado")
    parser.add_argument("--bitacora", dest="keep_calls", action="store_true", help="anota cada llamada")
    arguments = parser.parse_args()
    try:
        run(**vars(arguments))
    except OSError as error:
        print(f"No se pudo abrir el puerto {arguments.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
