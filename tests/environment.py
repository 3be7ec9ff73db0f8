"""Loaded by pytest before Django's settings: tests never read the developer's .env nor write into ./data."""

import os
import tempfile

from tests.prepared import shared

DATA_DIR = tempfile.mkdtemp(dir=shared())
os.environ.update(
    ENV_FILE=os.devnull,
    DATA_DIR=DATA_DIR,
    DEBUG="true",
    SECRET_KEY="solo-para-las-pruebas",
    ALLOWED_HOSTS="testserver,127.0.0.1,localhost",
    WAHA_URL="http://127.0.0.1:9",
    WAHA_API_KEY="clave",
    WAHA_HMAC_KEY="secreto",
    ENVIO_ESPERA_S="5",
    WHATSAPP_TIMEOUT_S="3",
)
for key in ("REDIS_URL", "DATABASE_URL", "TRUSTED_PROXIES"):
    os.environ.pop(key, None)
if url := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = url
