"""Lifecycle of a subscription; the stored strings are part of the API."""

from enum import StrEnum


class SubscriptionLifecycle(StrEnum):
    INITIAL = "initial"
    ACTIVE = "active"
    MIGRATING = "migrating"
    DISABLED = "disabled"
    TERMINATED = "terminated"
    PROVISIONING = "provisioning"
