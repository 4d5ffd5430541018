"""Starts everything on one machine: tables, catalogue, first account, executor and web server in one process."""

from __future__ import annotations

import ipaddress
import secrets
import signal
import socket
from importlib import import_module
from importlib.util import find_spec
from types import FrameType
from typing import Any

import uvicorn
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections, connections

from wfo_site.settings.env import read
from workflows.executors import get_executor

# Long enough for a page to be sent, short enough for whoever pressed Ctrl-C.
GRACE_SECONDS = 5
_FIRST_USER = "admin"


class AnnouncingServer(uvicorn.Server):
    """A server that says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, announcement: str, command: BaseCommand) -> None:
        super().__init__(config)
        self._announcement = announcement
        self._command = command

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._command.stdout.write(self._announcement)
        self._command.stdout.flush()


class Command(BaseCommand):
    help = "Starts the orchestrator: prepares the database, makes the first account and serves on loopback."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8080, help="port to listen on; 0 takes a free one")
        parser.add_argument("--public", action="store_true", help="allow an address that other machines can reach")
        parser.add_argument("--no-seed", action="store_true", help="leave a new database without example data")

    def handle(self, *_args: Any, host: str, port: int, public: bool, no_seed: bool, **_options: Any) -> None:
        if not public and not _is_loopback(host):
            raise CommandError(
                f"{host} can be reached from other machines, and this server speaks no TLS. Put a proxy in front of "
                "127.0.0.1, or add --public if you mean it."
            )
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        with _listener(host, port) as listener:
            self._prepare()
            executor = get_executor()
            executor.start()
            try:
                if not User.objects.exists():
                    if not no_seed:
                        self._seed()
                    self._create_first_user()
                connections.close_all()
                self._serve(listener, host)
            finally:
                executor.stop(settings.SHUTDOWN_GRACE_SECONDS)

    def _prepare(self) -> None:
        read().data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.stdout.write("Preparing the database …")
        # The catalogue follows the product packages at the end of it.
        call_command("migrate", interactive=False, verbosity=0)

    def _seed(self) -> None:
        """Let each product package that brings `wfo_seed` fill the new database.

        There is no account yet, so a first start that was cut short seeds again: seeds repeat themselves without harm.
        """
        for config in apps.get_app_configs():
            if config.name not in settings.WFO_EXTENSIONS or find_spec(f"{config.name}.wfo_seed") is None:
                continue
            self.stdout.write(f"Filling the new database with data of {config.verbose_name} …")
            import_module(f"{config.name}.wfo_seed").seed()

    def _create_first_user(self) -> None:
        password = secrets.token_urlsafe(15)
        User.objects.create_superuser(_FIRST_USER, password=password)
        self.stdout.write(f"\nLog in as {_FIRST_USER} with the password {password}")
        self.stdout.write("It is shown only this once; change it after logging in.\n")

    def _serve(self, listener: socket.socket, host: str) -> None:
        close_old_connections()
        port = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        config = uvicorn.Config(
            "wfo_site.asgi:application",
            lifespan="off",
            # Django has configured logging, and pages are not worth a line each.
            log_config=None,
            access_log=False,
            server_header=False,
            log_level="warning",
            timeout_graceful_shutdown=GRACE_SECONDS,
            ws="websockets-sansio",
        )
        AnnouncingServer(config, f"Serving at http://{shown}:{port}/ (Ctrl-C stops it)", self).run([listener])


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """End in good order: uvicorn raises the signal again when it has shut down, and then this is the way out."""
    raise SystemExit(0)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listener(host: str, port: int) -> socket.socket:
    """Take the port before anything is written, so that a second start fails early and says why."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, OverflowError) as error:
        raise CommandError(f"{host}:{port} is no address to listen on: {error}") from error
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        # A port may be bound twice while nobody listens; listening makes it ours.
        listener.listen()
    except OSError as error:
        listener.close()
        raise CommandError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. Stop the program that uses the port, or "
            "choose another with --port."
        ) from error
    return listener
