"""The trigger that raises `version` on every UPDATE of a row, whoever makes it.

Django rebuilds a table of SQLite to alter it, which drops its triggers: they are put back after each migrate.
"""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

# Table and primary key of the rows that have a version.
VERSIONED = (
    ("subscriptions_subscription", "subscription_id"),
    ("subscriptions_subscriptioncustomerdescription", "id"),
)

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION wfo_increment_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$
"""
_POSTGRESQL_TRIGGER = """
CREATE OR REPLACE TRIGGER {table}_version BEFORE UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION wfo_increment_version()
"""
# The condition is already false for the trigger's own UPDATE, so it ends also where triggers may call themselves.
_SQLITE_TRIGGER = """
CREATE TRIGGER IF NOT EXISTS {table}_version AFTER UPDATE ON {table}
FOR EACH ROW WHEN NEW.version IS NOT OLD.version + 1
BEGIN
    UPDATE {table} SET version = OLD.version + 1 WHERE {key} = NEW.{key};
END
"""


def install(using: str = "default") -> None:
    """Create the triggers that are missing; running it again changes nothing."""
    connection = connections[using]
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL_FUNCTION)
        for table, key in VERSIONED:
            if table in present:
                cursor.execute(_trigger(connection).format(table=table, key=key))


def _trigger(connection: BaseDatabaseWrapper) -> str:
    return _POSTGRESQL_TRIGGER if connection.vendor == "postgresql" else _SQLITE_TRIGGER


def install_after_migrate(*, using: str, **_: object) -> None:
    """Receiver of `post_migrate`."""
    install(using)
