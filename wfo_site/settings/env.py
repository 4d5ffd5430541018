"""The only place that reads the environment: every variable typed, with its default and its meaning.

Names that orchestrator-core users know keep their names and values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import environ

BASE_DIR = Path(__file__).resolve().parent.parent.parent

Executor = Literal["threadpool", "celery", "inline"]
LifecycleValidationMode = Literal["strict", "loose", "ignored"]


class SettingsError(Exception):
    """An environment variable has a value that cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Env:
    """What the environment says. One attribute per variable; the comment is its documentation."""

    # Where state lives that is not in the database: SQLite file, generated secret key, collected static files.
    data_dir: Path
    # DATABASE_URL or DATABASE_URI: sqlite:////file, postgresql://user:password@host/name.
    database_url: str
    # CACHE_URI: redis://host/0; empty means in memory of one process.
    cache_uri: str
    # WEBSOCKET_BROADCASTER_URL: memory:// or redis://host/1.
    websocket_broadcaster_url: str
    # ENABLE_WEBSOCKETS: when false, no WebSocket is accepted and nothing sent; pages ask every few seconds.
    enable_websockets: bool
    # SECRET_KEY: signs sessions and callback tokens; SECRET_KEY_FALLBACKS allows rotation.
    secret_key: str
    secret_key_fallbacks: list[str]
    # ALLOWED_HOSTS and CSRF_TRUSTED_ORIGINS of the public address.
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    # CORS_ORIGINS: browsers of which origins may call the API; none by default.
    cors_origins: list[str]
    # ENVIRONMENT: shown in the header of every page, e.g. local, staging, Production.
    environment: str
    # BASE_URL: how others reach this installation; steps put the path of a callback behind it.
    base_url: str
    # EXECUTOR: threadpool (in the web process), celery (workers) or inline (tests).
    executor: Executor
    # MAX_WORKERS: processes that run at the same time in the thread pool.
    max_workers: int
    # CELERY_BROKER_URL: redis:// or amqp://.
    celery_broker_url: str
    # CELERY_TARGET_QUEUES: JSON map of workflow target to queue name.
    celery_target_queues: dict[str, str]
    # PROCESS_LEASE_SECONDS: after this time without a heartbeat another runner takes a process over.
    process_lease_seconds: float
    # STEP_TIMEOUT_SECONDS: so long may a step take that says nothing itself; 0 for as long as it likes.
    step_timeout_seconds: float
    # SHUTDOWN_GRACE_SECONDS: so long may a step that runs go on after SIGTERM.
    shutdown_grace_seconds: float
    # WORKER_STATUS_INTERVAL: so old, in seconds, may be what is shown of Celery workers.
    worker_status_interval: float
    # FLOWER_URL: address of Flower, which is asked which Celery workers are online; they are, if it fails to answer.
    flower_url: str
    # ENGINE_FAST_PATH: write a plain step as one statement on PostgreSQL.
    engine_fast_path: bool
    # WFO_EXTENSIONS: product packages (Django apps), comma separated.
    extensions: list[str]
    # LIFECYCLE_VALIDATION_MODE: strict, loose or ignored.
    lifecycle_validation_mode: LifecycleValidationMode
    # DEFAULT_PRODUCT_WORKFLOWS: linked to every product.
    default_product_workflows: list[str]
    # OAUTH2_ACTIVE: when false, no login is asked for (development of API clients only).
    oauth2_active: bool
    # CALLBACKS_NEED_LOGIN: when false, the token in its address is all that an external system needs to call back.
    callbacks_need_login: bool
    # DEFAULT_CUSTOMER_*: the customer shown when no product package brings customers of its own.
    default_customer_identifier: str
    default_customer_fullname: str
    default_customer_shortcode: str
    # TRANSLATIONS_DIR: extra <language>.json files that win over those of the apps.
    translations_dir: Path | None
    # SECURE_PROXY: true behind a proxy that sets and strips X-Forwarded-Proto.
    secure_proxy: bool
    # LOG_LEVEL: DEBUG, INFO, WARNING, ERROR.
    log_level: str


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise SettingsError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")
    return value


def _json_map(name: str, text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{name} is not JSON: {error}") from error
    if not isinstance(value, dict) or not all(isinstance(v, str) and v for v in value.values()):
        raise SettingsError(f"{name} must be a JSON object of target to queue name, no name empty")
    targets = {"CREATE", "MODIFY", "TERMINATE", "SYSTEM", "VALIDATE", "RECONCILE"}
    if unknown := sorted(set(value) - targets):
        raise SettingsError(f"{name} names unknown targets {unknown}; known are {sorted(targets)}")
    return value


@cache
def read() -> Env:
    """Read the environment and `.env` once. Raises SettingsError naming the variable that is wrong."""
    env = environ.Env()
    dotenv = BASE_DIR / ".env"
    if dotenv.is_file():
        environ.Env.read_env(dotenv)
    data_dir = Path(env.str("WFO_DATA_DIR", default=str(BASE_DIR / "var")))
    database_url = env.str("DATABASE_URL", default="") or env.str("DATABASE_URI", default="")
    cache_uri = env.str("CACHE_URI", default="")
    translations = env.str("TRANSLATIONS_DIR", default="")
    executor: Executor = _choice("EXECUTOR", env.str("EXECUTOR", default="threadpool"), get_args(Executor))  # type: ignore[assignment]
    mode: LifecycleValidationMode = _choice(  # type: ignore[assignment]
        "LIFECYCLE_VALIDATION_MODE",
        env.str("LIFECYCLE_VALIDATION_MODE", default="loose"),
        get_args(LifecycleValidationMode),
    )
    return Env(
        data_dir=data_dir,
        database_url=database_url.replace("postgresql+psycopg://", "postgresql://")
        or f"sqlite:///{data_dir / 'orchestrator.sqlite3'}",
        cache_uri=cache_uri,
        websocket_broadcaster_url=env.str("WEBSOCKET_BROADCASTER_URL", default="memory://"),
        enable_websockets=env.bool("ENABLE_WEBSOCKETS", default=True),
        secret_key=env.str("SECRET_KEY", default=""),
        secret_key_fallbacks=env.list("SECRET_KEY_FALLBACKS", default=[]),
        allowed_hosts=env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"]),
        csrf_trusted_origins=env.list("CSRF_TRUSTED_ORIGINS", default=[]),
        cors_origins=env.list("CORS_ORIGINS", default=[]),
        environment=env.str("ENVIRONMENT", default="local"),
        base_url=env.str("BASE_URL", default="http://localhost:8080").rstrip("/"),
        executor=executor,
        max_workers=env.int("MAX_WORKERS", default=5),
        celery_broker_url=env.str("CELERY_BROKER_URL", default=cache_uri or "redis://localhost:6379/0"),
        celery_target_queues=_json_map("CELERY_TARGET_QUEUES", env.str("CELERY_TARGET_QUEUES", default="")),
        process_lease_seconds=env.float("PROCESS_LEASE_SECONDS", default=20.0),
        step_timeout_seconds=env.float("STEP_TIMEOUT_SECONDS", default=3600.0),
        shutdown_grace_seconds=env.float("SHUTDOWN_GRACE_SECONDS", default=20.0),
        worker_status_interval=env.float("WORKER_STATUS_INTERVAL", default=5.0),
        flower_url=env.str("FLOWER_URL", default=""),
        engine_fast_path=env.bool("ENGINE_FAST_PATH", default=True),
        extensions=env.list("WFO_EXTENSIONS", default=["wfo_site.examples.network"]),
        lifecycle_validation_mode=mode,
        default_product_workflows=env.list("DEFAULT_PRODUCT_WORKFLOWS", default=["modify_note"]),
        oauth2_active=env.bool("OAUTH2_ACTIVE", default=True),
        callbacks_need_login=env.bool("CALLBACKS_NEED_LOGIN", default=True),
        default_customer_identifier=env.str(
            "DEFAULT_CUSTOMER_IDENTIFIER", default="59289a57-70fb-4ff5-9c93-10fe67b12434"
        ),
        default_customer_fullname=env.str("DEFAULT_CUSTOMER_FULLNAME", default="Default::Orchestrator-Core Customer"),
        default_customer_shortcode=env.str("DEFAULT_CUSTOMER_SHORTCODE", default="default-cust"),
        translations_dir=Path(translations) if translations else None,
        secure_proxy=env.bool("SECURE_PROXY", default=False),
        log_level=_choice(
            "LOG_LEVEL", env.str("LOG_LEVEL", default="INFO").upper(), ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        ),
    )
