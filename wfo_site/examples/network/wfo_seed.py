"""What the example network needs in the database on first start: its customers. The inventory is filled by a task."""

from __future__ import annotations

from wfo_site.examples.network.models import Customer

CUSTOMERS = (
    ("7c237817-2678-4716-bd4d-8f8439140f4f", "SURF", "surf"),
    ("9865c1cb-0911-e511-80d0-005056956c1a", "ESnet", "esnet"),
    ("c37bbc49-d7e2-e611-80e3-005056956c1a", "GÉANT", "geant"),
)


def seed() -> None:
    """Create the customers that are missing; those that people renamed stay as they are."""
    for customer_id, fullname, shortcode in CUSTOMERS:
        Customer.objects.get_or_create(customer_id=customer_id, defaults={"fullname": fullname, "shortcode": shortcode})
