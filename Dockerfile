# The image of the desk: `docker compose build`. What goes in is said by .dockerignore.
ARG PYTHON=docker.io/library/python:3.11-slim-bookworm
ARG CADDY=docker.io/library/caddy:2.10-alpine

FROM ${PYTHON} AS packages
RUN python3 -m venv /opt/venv
COPY requirements*.txt ./
# What is optional: `docker compose build --build-arg EXTRAS="-r requirements-push.txt"`
ARG EXTRAS=""
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/venv/bin/pip install --disable-pip-version-check -r requirements.txt ${EXTRAS}

FROM ${PYTHON} AS desk
# pg_dump and pg_restore, of the same version as the server in compose.yaml
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 desk \
    && useradd --uid 10001 --gid desk --no-create-home --home-dir /data --shell /usr/sbin/nologin desk \
    && install --directory --owner desk --group desk --mode 750 /data /respaldos
COPY --from=packages /opt/venv /opt/venv
WORKDIR /desk
COPY . .
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ENV_FILE=/dev/null DATA_DIR=/data STATIC_DIR=/desk/static BIND=0.0.0.0
RUN python -m compileall -q . \
    && DATA_DIR=/tmp/build SECRET_KEY=solo-para-reunir-los-archivos python manage.py collectstatic --no-input \
    && rm -rf /tmp/build
USER desk
VOLUME /data
CMD ["python", "-m", "config.web"]

FROM ${CADDY} AS proxy
COPY Caddyfile /etc/caddy/Caddyfile
# Its certificates are in /data, which a new volume takes over with its owner.
RUN mkdir -p /data /config && chown -R 10001:10001 /data /config
USER 10001:10001
ENV HTTP_PORT=8080 HTTPS_PORT=8443 WEB=web:8000 LIVE=live:8002
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
