from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "wfo_site"
    label = "wfo_site"
    verbose_name = "Site"

    def ready(self) -> None:
        # Tasks find the Celery application by its having been made, in web processes too.
        from wfo_site import celery  # noqa: F401
