"""REST of subscriptions, as far as it needs no processes; the rest is in `workflows.api`."""
