from django.apps import AppConfig
from django.db.backends.signals import connection_created


class CommonConfig(AppConfig):
    name = "wfo_site.common"
    label = "wfo_common"

    def ready(self) -> None:
        from wfo_site.common.db.sessions import end_forgotten_transactions, limit_waits_for_locks

        connection_created.connect(end_forgotten_transactions)
        connection_created.connect(limit_waits_for_locks)
