"""All settings. The only module that reads the environment; every key is described in `.env.example`."""

import ipaddress
import secrets
import sqlite3
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from phonenumbers import SUPPORTED_REGIONS

BASE_DIR = Path(__file__).resolve().parent.parent


class Environment(environ.Env):  # type: ignore[misc]
    def secret(self, key: str) -> str:
        """A value as it is written: `str` takes one that begins with "$" for the name of another."""
        return str(self.ENVIRON.get(key, "")).strip()


env = Environment()
environ.Env.read_env(env.str("ENV_FILE", str(BASE_DIR / ".env")))


def number(key: str, default: float, *, at_least: float = 0, above: float | None = None) -> float:
    """A number of the environment; ImproperlyConfigured in Spanish when it is none or out of range."""
    try:
        value = float(env.str(key, str(default)))
    except ValueError:
        raise ImproperlyConfigured(f"{key} debe ser un número.") from None
    if not at_least <= value < float("inf") or (above is not None and value <= above):
        raise ImproperlyConfigured(
            f"{key} debe ser un número mayor {f'que {above}' if above is not None else f'o igual a {at_least}'}."
        )
    return value


def port(key: str, default: int) -> int:
    value = number(key, default, at_least=1)
    if value != int(value) or value > 65535:
        raise ImproperlyConfigured(f"{key} debe ser un puerto entre 1 y 65535.")
    return int(value)


def choice(key: str, default: str, options: tuple[str, ...]) -> str:
    value = str(env.str(key, default)).strip().lower() or default
    if value not in options:
        raise ImproperlyConfigured(f"{key} debe ser uno de: {', '.join(options)}.")
    return value


def kept_secret(name: str, make: Any) -> str:
    """A random secret that a development machine makes once and keeps under DATA_DIR."""
    path = DATA_DIR / name
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(make())
    except FileExistsError:
        pass
    return path.read_text().strip()


YES, NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
DEBUG = choice("DEBUG", "false", YES + NO) in YES
PORT = port("PORT", 8000)
SIMULATOR_PORT = port("SIMULATOR_PORT", 8001)
LIVE_PORT = port("LIVE_PORT", 8002)
try:
    BIND = ipaddress.ip_address(env.str("BIND", "127.0.0.1"))
except ValueError:
    raise ImproperlyConfigured("BIND debe ser una dirección IP: 127.0.0.1, o 0.0.0.0 para todas.") from None
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "data"))).resolve()
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"DATA_DIR debe ser una carpeta que se pueda crear: {error.strerror}.") from None

SAMPLE_SECRETS = {"", "cambia-esta-clave"}
SECRET_KEY = env.secret("SECRET_KEY")
if SECRET_KEY in SAMPLE_SECRETS:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY está vacía o es la del ejemplo. Pon una propia en .env, por ejemplo la que escribe: "
            'python -c "import secrets; print(secrets.token_urlsafe(50))"'
        )
    SECRET_KEY = kept_secret("secret_key", get_random_secret_key)

ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host != "*" and not host.startswith(".")]
try:
    TRUSTED_PROXIES = [ipaddress.ip_network(peer.strip()) for peer in env.list("TRUSTED_PROXIES", default=[])]
except ValueError:
    raise ImproperlyConfigured("TRUSTED_PROXIES debe ser direcciones IP o redes separadas por comas.") from None

INSTALLED_APPS = [
    "config.apps.DeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "import_export",
    "axes",
    "csp",
    "whatsapp",
    "tickets",
    "chat",
]

MIDDLEWARE = [
    "config.middleware.DatabaseMiddleware",
    "config.middleware.RequestIdMiddleware",
    "config.middleware.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.ContentPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.PrivateCacheMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.sessions.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_URL = env.str("DATABASE_URL", f"sqlite:///{DATA_DIR / 'chat.sqlite3'}")
try:
    DATABASE: dict[str, Any] = env.db_url_config(DATABASE_URL)
    DATABASE_ENGINE = DATABASE["ENGINE"].rpartition(".")[2]
except (KeyError, ValueError):  # whose texts may hold the password
    raise ImproperlyConfigured(
        "DATABASE_URL debe empezar con sqlite:/// o postgres:// y tener un puerto válido."
    ) from None
if DATABASE_ENGINE == "sqlite3":
    # Older SQLite can corrupt a WAL database that several processes write: https://sqlite.org/wal.html#walresetbug
    version = sqlite3.sqlite_version_info
    wal_is_safe = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    DATABASE["ENGINE"] = "config.sqlite"  # Django's, with its writers in a queue
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL, because a rolled-back `enviado` would be sent a second time; and 4 MB of pages for each connection, for
        # SQLite's own 2 are less than the table reads among 100,000 tickets.
        "init_command": f"PRAGMA journal_mode={'WAL' if wal_is_safe else 'DELETE'}; PRAGMA synchronous=FULL; "
        "PRAGMA cache_size=-4000;",
    }
    # Opening it takes longer than most queries; the threads that serve and send are kept.
    DATABASE["CONN_MAX_AGE"] = None
    # A file, because threads of an in-memory database do not wait for one another.
    DATABASE["TEST"] = {"NAME": DATA_DIR / "pruebas.sqlite3"}
elif DATABASE_ENGINE == "postgresql":
    # Few, and open before they are needed: a process computes for one request at a time, and opening one takes longer
    # than most requests. A server that was away is found again within `reconnect_timeout`: the pool's own doubling
    # pauses reach minutes.
    pool = {"min_size": 4, "max_size": 8, "timeout": 5, "reconnect_timeout": 3}
    DATABASE["ENGINE"] = "config.postgres"  # Django's, with fewer round trips
    # A prepared query that comes for the sixth time on a connection is kept there by the server.
    DATABASE["OPTIONS"] = {**DATABASE.get("OPTIONS", {}), "pool": pool, "prepare_threshold": 5}
    DATABASE["CONN_HEALTH_CHECKS"] = True  # or each connection that died with the server fails one more request
else:
    raise ImproperlyConfigured("DATABASE_URL debe empezar con sqlite:/// o postgres://")
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", "")
if REDIS_URL and not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL debe empezar con redis:// o rediss://")
# What is asked of the cache is worth no more waiting than this.
CACHE_TIMEOUTS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # Some for each open chat; above it a third of all is forgotten at once.
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": CACHE_TIMEOUTS,
    }

CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# The same table is run by beat, or without Redis by the web process's own timer (chat/runtime.py).
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "purgar-eventos": {"task": "chat.purge_events", "schedule": 3600.0},
    "purgar-auditoria": {"task": "chat.purge_audit", "schedule": 86400.0},
    "purgar-sesiones": {"task": "chat.purge_sessions", "schedule": 86400.0},
    "purgar-archivos": {"task": "chat.purge_files", "schedule": 86400.0},
    "purgar-dispositivos": {"task": "chat.purge_devices", "schedule": 86400.0},
    "leer-plantillas": {"task": "chat.refresh_templates", "schedule": 86400.0},
    "calcular-tiempos": {"task": "chat.refresh_times", "schedule": 3600.0},
}

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_ENGINE = "config.sessions"
LOGIN_URL = "entrar"
LOGIN_REDIRECT_URL = "tickets"
LOGOUT_REDIRECT_URL = "entrar"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 6
AXES_COOLOFF_TIME = 0.25
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # 15 minutes from the sixth, however often one tries
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "config.auth.locked_out"
AXES_CLIENT_IP_CALLABLE = "config.auth.client_address"
AXES_HTTP_RESPONSE_CODE = 429
AXES_VERBOSE = False
AXES_HANDLER = "config.auth.LockHandler"
AXES_USERNAME_CALLABLE = "config.auth.client_username"
AXES_DISABLE_ACCESS_LOG = True  # a row for each login for ever, and a session for each token

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.auth.SignedTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "config.errors.answer_error",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS would show our docstrings
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Chat en Vivo",
    "DESCRIPTION": "Lo que un programa le puede pedir a la mesa. A cualquier respuesta se le pueden agregar claves.",
    "OAS_VERSION": "3.1.1",
    "PREPROCESSING_HOOKS": ["config.openapi.document.only_described"],
    "POSTPROCESSING_HOOKS": [],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "DISABLE_ERRORS_AND_WARNINGS": False,
}
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True

LANGUAGE_CODE = "es-mx"
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", "America/Mexico_City")
try:
    ZoneInfo(TIME_ZONE)
except (OSError, ValueError, KeyError):
    raise ImproperlyConfigured("TIME_ZONE debe ser una zona horaria como America/Mexico_City.") from None

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_DIR", "") or DATA_DIR / "static").resolve()
STATIC_ROOT.mkdir(exist_ok=True)
# Files are looked for when they are asked for, and not all of them at each start (of each test client, too).
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = DATA_DIR / "media"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.storage.ModuleManifestStorage"
    },
}
# A bucket instead of MEDIA_ROOT; without key and secret the machine's own credentials are used.
MEDIA_S3_BUCKET = env.str("MEDIA_S3_BUCKET", "")
MEDIA_S3_ENDPOINT = env.str("MEDIA_S3_ENDPOINT", "")
MEDIA_S3_REGION = env.str("MEDIA_S3_REGION", "")
MEDIA_S3_KEY = env.secret("MEDIA_S3_KEY")
MEDIA_S3_SECRET = env.secret("MEDIA_S3_SECRET")
if MEDIA_S3_BUCKET:
    STORAGES["default"] = {
        "BACKEND": "chat.media_s3.S3Media",
        "OPTIONS": {
            "bucket_name": MEDIA_S3_BUCKET,
            "endpoint_url": MEDIA_S3_ENDPOINT or None,
            "region_name": MEDIA_S3_REGION or None,
            "access_key": MEDIA_S3_KEY or None,
            "secret_key": MEDIA_S3_SECRET or None,
        },
    }
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = not DEBUG
# Gateways and health probes on the private network speak plain HTTP to the process itself.
SECURE_REDIRECT_EXEMPT = [r"^salud$", r"^webhook$", r"^webhooks/"]
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

WHATSAPP_GATEWAYS = ("waha", "evolution", "cloud_api", "puente")  # those of the registry, whatsapp/gateways/__init__.py
WHATSAPP_GATEWAY = choice("WHATSAPP_GATEWAY", "waha", WHATSAPP_GATEWAYS)
WHATSAPP_HANDLER = "chat.inbound.handle"
WHATSAPP_TIMEOUT_S = number("WHATSAPP_TIMEOUT_S", 15, above=0)
WAHA_URL = env.str("WAHA_URL", f"http://127.0.0.1:{SIMULATOR_PORT}" if DEBUG else "")
WAHA_API_KEY = env.secret("WAHA_API_KEY")
WAHA_SESSION = env.str("WAHA_SESSION", "default")
WAHA_HMAC_KEY = env.secret("WAHA_HMAC_KEY")
if DEBUG and not WAHA_HMAC_KEY:
    WAHA_HMAC_KEY = kept_secret("waha_hmac_key", lambda: secrets.token_hex(32))
EVOLUTION_URL = env.str("EVOLUTION_URL", "")
EVOLUTION_API_KEY = env.secret("EVOLUTION_API_KEY")
EVOLUTION_INSTANCE = env.str("EVOLUTION_INSTANCE", "")
EVOLUTION_WEBHOOK_SECRET = env.secret("EVOLUTION_WEBHOOK_SECRET")
CLOUD_API_URL = env.str("CLOUD_API_URL", "https://graph.facebook.com")
CLOUD_API_VERSION = env.str("CLOUD_API_VERSION", "v25.0")
CLOUD_API_TOKEN = env.secret("CLOUD_API_TOKEN")
CLOUD_API_PHONE_ID = env.str("CLOUD_API_PHONE_ID", "")
CLOUD_API_WABA_ID = env.str("CLOUD_API_WABA_ID", "")
CLOUD_API_APP_SECRET = env.secret("CLOUD_API_APP_SECRET")
CLOUD_API_VERIFY_TOKEN = env.secret("CLOUD_API_VERIFY_TOKEN")
PUENTE_URL = env.str("PUENTE_URL", "")
PUENTE_TOKEN = env.secret("PUENTE_TOKEN")

ENVIO_ESPERA_S = number("ENVIO_ESPERA_S", 8)
ENVIO_DUDA_S = number("ENVIO_DUDA_S", 30)
ENVIO_POR_SEGUNDO = number("ENVIO_POR_SEGUNDO", 5)
REABRIR_HORAS = number("REABRIR_HORAS", 48)
# What the person is shown besides messages: that a technician types, and that their messages were read.
ESCRIBIENDO_EN_WHATSAPP = choice("ESCRIBIENDO_EN_WHATSAPP", "true", YES + NO) in YES
LEIDO_EN_WHATSAPP = choice("LEIDO_EN_WHATSAPP", "false", YES + NO) in YES
# The technician's first name before what they write, for the person to see who it is.
NOMBRE_EN_MENSAJES = choice("NOMBRE_EN_MENSAJES", "false", YES + NO) in YES
# A model that helps the assistant: off without its first two (chat/llm/endpoint.py).
ASISTENTE_URL = env.str("ASISTENTE_URL", "").strip().rstrip("/")
ASISTENTE_MODELO = env.str("ASISTENTE_MODELO", "").strip()
ASISTENTE_API_KEY = env.secret("ASISTENTE_API_KEY")
ASISTENTE_ESPERA_S = number("ASISTENTE_ESPERA_S", 8, above=0)
ASISTENTE_PRESUPUESTO_DIA = int(number("ASISTENTE_PRESUPUESTO_DIA", 500_000))  # 0: no limit
# Web push, for technicians with the desk closed: off without keys (chat/push_keys.py).
PUSH_CLAVE_PUBLICA = env.str("PUSH_CLAVE_PUBLICA", "")
PUSH_CLAVE_PRIVADA = env.secret("PUSH_CLAVE_PRIVADA")
PUSH_CONTACTO = env.str("PUSH_CONTACTO", "")
PUSH_LOCAL = False  # only for our tests: a push service at http://127.0.0.1
EVENTOS_DIAS = number("EVENTOS_DIAS", 30, at_least=1)
AUDITORIA_DIAS = number("AUDITORIA_DIAS", 0)  # 0: for ever
# The largest file that is fetched from the gateway or taken from a technician, whatever the gateway allows.
ADJUNTO_MAX_MB = number("ADJUNTO_MAX_MB", 100, above=0)
WEB_THREADS = int(number("WEB_THREADS", 40, at_least=2))
# One for each request: who waits for another's would wait for the broker that it cannot reach, too.
CELERY_BROKER_POOL_LIMIT = WEB_THREADS
WEB_PROCESSES = int(number("WEB_PROCESSES", 2, at_least=1))
TELEFONO_REGION = env.str("TELEFONO_REGION", "MX").upper()
if TELEFONO_REGION not in SUPPORTED_REGIONS:
    raise ImproperlyConfigured("TELEFONO_REGION debe ser un país en dos letras, como MX.")
LOG_TELEFONOS = choice("LOG_TELEFONOS", "completo", ("completo", "parcial"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.logs.RequestIdFilter"}},
    "formatters": {"lines": {"format": "%(asctime)s [%(request_id)s] %(levelname)s - %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["request_id"], "formatter": "lines"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # A 503, 504 or 422 of a message has its own line in Spanish, and errors are logged where they are caught.
        "django": {"handlers": [], "level": "WARNING"},
        "django.request": {"level": "CRITICAL"},
        "axes": {"level": "ERROR"},  # LockHandler says it in Spanish
        **{app: {"level": "INFO"} for app in ("chat", "tickets", "whatsapp", "config")},
    },
}

# Part of every ETag: a new release may answer the same rows differently.
RELEASE = "0.1.0"
