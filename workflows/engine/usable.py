"""When a workflow may start on a subscription, where a product package wants it otherwise than its target has it.

Packages change these when they are imported, by the names of workflows. Nothing here touches the database or the
settings: product packages import it before Django is set up.
"""

from __future__ import annotations

# The statuses in which it may start; by default those of its target.
WF_USABLE_MAP: dict[str, list[str]] = {}
# Whether subscriptions that use this one, and are not terminated, stand in its way; by default those of a termination.
WF_BLOCKED_BY_IN_USE_BY_SUBSCRIPTIONS: dict[str, bool] = {}
# The same under its older name; the newer one wins.
WF_BLOCKED_BY_PARENTS: dict[str, bool] = {}
# What may start although the subscription, or one that it is related to, is out of sync.
WF_USABLE_WHILE_OUT_OF_SYNC: list[str] = ["modify_note"]
