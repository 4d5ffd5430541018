# The orchestrator for deployments: web server, Celery worker and beat come from this one image, see compose.yaml.
FROM python:3.13-slim AS build
COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
WORKDIR /app
# Dependencies first: they change less often than the code.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev
COPY manage.py ./
COPY wfo_site wfo_site
COPY products products
COPY subscriptions subscriptions
COPY workflows workflows
COPY scheduling scheduling
COPY templates templates
COPY static static
# The key signs nothing: collecting static files only needs the settings to load.
RUN SECRET_KEY=only-for-collecting-static-files-while-the-image-is-built DJANGO_SETTINGS_MODULE=wfo_site.settings.prod \
    .venv/bin/python manage.py collectstatic --no-input

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /app orchestrator
WORKDIR /app
COPY --from=build --chown=orchestrator:orchestrator /app /app
USER orchestrator
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 DJANGO_SETTINGS_MODULE=wfo_site.settings.prod
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8080/api/health', timeout=2)"]
# TLS ends at a proxy in front; only addresses that are trusted may say so (FORWARDED_ALLOW_IPS).
CMD ["uvicorn", "wfo_site.asgi:application", "--host", "0.0.0.0", "--port", "8080", "--lifespan", "off", \
     "--ws", "websockets-sansio", "--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "10"]
