from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "wfo_site.examples.network"
    label = "network"
    verbose_name = "Example network"

    def ready(self) -> None:
        from subscriptions.customers import register_customers
        from wfo_site.examples.network.customers import NetworkCustomers
        from workflows.forms.pickers import register_picker

        register_customers(NetworkCustomers())
        register_picker("customerId", NetworkCustomers())
