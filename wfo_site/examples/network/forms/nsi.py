"""Types and rules for what the Network Service Interface (NSI) names."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from subscriptions.domain import SubscriptionLifecycle
from subscriptions.selectors import instances_with

_URN = re.compile(
    r"urn:ogf:network:"
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?:"
    r"(?P<date>\d{4}|\d{6}|\d{8}):"
    r"[-a-z0-9+,.:;=_!$()*@~&]+",
    re.IGNORECASE,
)
_DATES = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d"}


def _is_network_urn(urn: str) -> str:
    match = _URN.fullmatch(urn)
    if match is None:
        raise ValueError("Write it as urn:ogf:network:<domain name>:<year, month and day>:<name>")
    date = match["date"]
    try:
        datetime.strptime(date, _DATES[len(date)])  # noqa: DTZ007 - a date without a time
    except ValueError:
        raise ValueError(f"{date} is no date; write a year, a year and month, or a day such as 20260131") from None
    return urn


Topology: TypeAlias = Annotated[str, Field(pattern=r"^[-a-zA-Z0-9+,.;=_]+$")]
StpId: TypeAlias = Annotated[str, Field(pattern=r"^[-a-zA-Z0-9+,.;=_:]+$")]
StpDescription: TypeAlias = Annotated[str, Field(pattern=r"^[^<>&]*$")]
IsAlias: TypeAlias = Annotated[str, AfterValidator(_is_network_urn)]
Bandwidth: TypeAlias = Annotated[int, Field(ge=1, le=400_000)]


def validate_stp_id_is_new(stp_id: str, topology: str) -> str:
    """Raise ValueError if a termination point of this name is in the topology, but for terminated ones."""
    taken = (
        instances_with("stp_id", stp_id)
        .filter(product_block__name="Nsistp")
        .exclude(subscription__status=SubscriptionLifecycle.TERMINATED)
    )
    if any(values.get("topology") == topology for values in taken.values_list("values", flat=True)):
        raise ValueError(f"STP {stp_id!r} exists in topology {topology!r} already; choose another name")
    return stp_id


def validate_both_aliases(is_alias_in: str | None, is_alias_out: str | None) -> None:
    """Raise ValueError if only one of the two is given."""
    if bool(is_alias_in) != bool(is_alias_out):
        raise ValueError("NSI inbound and outbound isAlias should either both have a value or be empty")
