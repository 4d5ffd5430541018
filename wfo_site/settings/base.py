"""Settings that hold everywhere. What differs by installation comes from `env`."""

from __future__ import annotations

from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF

from wfo_site.settings.env import BASE_DIR, read

ENV = read()

SECRET_KEY = ENV.secret_key
SECRET_KEY_FALLBACKS = ENV.secret_key_fallbacks
DEBUG = False
ALLOWED_HOSTS = ENV.allowed_hosts
CSRF_TRUSTED_ORIGINS = ENV.csrf_trusted_origins

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "channels",
    "corsheaders",
    "csp",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "graphene_django",
    "rest_framework",
    "template_partials",
    "wfo_site",
    "wfo_site.common",
    "wfo_site.accounts",
    "wfo_site.observability",
    "products",
    "subscriptions",
    "workflows",
    "scheduling",
    *ENV.extensions,
]
WFO_EXTENSIONS = ENV.extensions

MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "wfo_site.common.nul.VisibleNulMiddleware",
    "wfo_site.common.private.PrivateMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "wfo_site.accounts.middleware.PageLoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "wfo_site.common.context.ContextMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "wfo_site.urls"
ASGI_APPLICATION = "wfo_site.asgi.application"
# REST paths exist with and without the trailing slash; a redirect would lose the body.
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "wfo_site.common.htmx.page_context",
            ],
        },
    },
]


def database(url: str) -> dict[str, Any]:
    """Return Django's description of the database at `url`, with the backend and options that the engine relies on."""
    config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    config["ATOMIC_REQUESTS"] = False
    if "sqlite" in config["ENGINE"]:
        config["ENGINE"] = "wfo_site.common.db.sqlite3"
        config["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    else:
        config["CONN_HEALTH_CHECKS"] = True
        config["CONN_MAX_AGE"] = 0
        config.setdefault("OPTIONS", {}).update(
            {
                "connect_timeout": 10,
                # The engine's own statements are planned by the server once per connection, after this many uses.
                "prepare_threshold": 3,
                # A server that vanished without a word is noticed within a lease, not after a quarter of an hour.
                "keepalives_idle": 5,
                "keepalives_interval": 3,
                "keepalives_count": 3,
                "tcp_user_timeout": 15_000,
            }
        )
    return config


def broker_transport_options(url: str) -> dict[str, Any]:
    """Return what the client of the broker at `url` is told: levels of priority, and not to wait long for an answer."""
    if url.startswith(("amqp", "pyamqp")):
        return {"read_timeout": 3, "write_timeout": 3}
    return {"priority_steps": [0, 3, 6, 9], "socket_connect_timeout": 2, "socket_timeout": 3}


DATABASES = {"default": database(ENV.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": ENV.cache_uri}
    if ENV.cache_uri
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # For what each process may find out by itself once a minute: no server that a page would wait for.
    "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "local"},
}

ENABLE_WEBSOCKETS = ENV.enable_websockets
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    if ENV.websocket_broadcaster_url.startswith("memory")
    else {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [ENV.websocket_broadcaster_url]},
    }
}

# Logins
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
# Both together: one guessing address cannot lock the real person out from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "wfo_site.accounts.views.locked_out"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        # Tabler's stylesheet carries its small pictures as data.
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

CORS_URLS_REGEX = r"^/api/"
CORS_ALLOWED_ORIGINS = ENV.cors_origins
CORS_ALLOW_HEADERS = ["if-none-match", "authorization", "if-match", "content-type", "idempotency-key"]
CORS_EXPOSE_HEADERS = ["etag", "content-range"]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = ENV.data_dir / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_USE_FINDERS = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Workflow Orchestrator",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["wfo_site.common.rest.paths.without_twins"],
    # Not the default hook: enums come named from pydantic, and it would only guess and warn.
    "POSTPROCESSING_HOOKS": ["wfo_site.api.with_health"],
    "PATH_CONVERTER_OVERRIDES": {"loose_uuid": {"type": "string", "format": "uuid"}},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

EXECUTOR = ENV.executor
MAX_WORKERS = ENV.max_workers
PROCESS_LEASE_SECONDS = ENV.process_lease_seconds
ENGINE_FAST_PATH = ENV.engine_fast_path
STEP_TIMEOUT_SECONDS = ENV.step_timeout_seconds
SHUTDOWN_GRACE_SECONDS = ENV.shutdown_grace_seconds
WORKER_STATUS_INTERVAL = ENV.worker_status_interval
FLOWER_URL = ENV.flower_url
CELERY_BROKER_URL = ENV.celery_broker_url
CELERY_TARGET_QUEUES = ENV.celery_target_queues
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Redis only; for RabbitMQ see `workflows.tasks`.
CELERY_WORKER_DISABLE_PREFETCH = not ENV.celery_broker_url.startswith(("amqp", "pyamqp"))
# Ten levels, see `workflows.executors.queues`. RabbitMQ is told with the queue, Redis keeps a list for each step.
CELERY_TASK_QUEUE_MAX_PRIORITY = 9
CELERY_TASK_DEFAULT_PRIORITY = 5
# Tasks that are no bells, such as those of beat, go where any worker hears them.
CELERY_TASK_DEFAULT_QUEUE = "new_tasks"
# A bell that is lost costs nothing (the sweeper rings again), so no request waits long for a broker that is away, or
# that takes the connection and then says nothing.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = broker_transport_options(ENV.celery_broker_url)

ENVIRONMENT = ENV.environment
BASE_URL = ENV.base_url
LIFECYCLE_VALIDATION_MODE = ENV.lifecycle_validation_mode
DEFAULT_PRODUCT_WORKFLOWS = ENV.default_product_workflows
DEFAULT_CUSTOMER_IDENTIFIER = ENV.default_customer_identifier
DEFAULT_CUSTOMER_FULLNAME = ENV.default_customer_fullname
DEFAULT_CUSTOMER_SHORTCODE = ENV.default_customer_shortcode
TRANSLATIONS_DIR = ENV.translations_dir
OAUTH2_ACTIVE = ENV.oauth2_active
CALLBACKS_NEED_LOGIN = ENV.callbacks_need_login
# Resource types whose value is the id of another subscription, which then counts as a relation.
RELATION_RESOURCE_TYPES: list[str] = []
LOG_LEVEL = ENV.log_level
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "console": {"()": "wfo_site.observability.logs.console_formatter"},
        "json": {"()": "wfo_site.observability.logs.json_formatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "console"}},
    "root": {"handlers": ["console"], "level": ENV.log_level},
    "loggers": {"axes": {"level": "WARNING"}},
}
