"""The fields by which processes can be filtered and sorted, in REST now and by the same names elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, Subquery

from products.enums import Target
from wfo_site.common.rest import filtering
from wfo_site.common.rest.filtering import FilterField
from workflows.enums import Assignee, ProcessStatus
from workflows.models import ProcessQuerySet, ProcessSubscription


def _of_a_subscription(field: FilterField) -> FilterField:
    """Lift a condition on the link to a subscription to "the process has such a link"; negated, "it has none"."""

    def condition(values: Sequence[str]) -> Q:
        links = ProcessSubscription.objects.filter(process=OuterRef("pk"))
        return Q(Exists(links.filter(field.condition(values))))

    return FilterField(condition=condition, hyphen_splits=field.hyphen_splits)


def _of_the_workflow(field: FilterField) -> FilterField:
    """Removed workflows are not found by what they were."""
    return FilterField(
        condition=lambda values: field.condition(values) & Q(workflow__deleted_at__isnull=True),
        hyphen_splits=field.hyphen_splits,
    )


FILTERS: Final[dict[str, FilterField]] = {
    "assignee": filtering.choice("assignee", Assignee.values),
    "created_by": filtering.text("created_by"),
    "customer": _of_a_subscription(filtering.equal("subscription__customer_id")),
    "failed_reason": filtering.text("failed_reason"),
    "is_task": filtering.boolean("is_task"),
    "last_modified_at": filtering.moment("last_modified_at"),
    "last_status": filtering.choice("last_status", ProcessStatus.values),
    "last_step": filtering.text("last_step"),
    "note": filtering.text("note"),
    "process_id": filtering.identifier("process_id"),
    "product": _of_a_subscription(filtering.text("subscription__product__name")),
    "product_description": _of_a_subscription(filtering.text("subscription__product__description")),
    "started_at": filtering.moment("started_at"),
    "subscription_id": _of_a_subscription(filtering.identifier("subscription_id", whole=True)),
    "tag": _of_a_subscription(filtering.text("subscription__product__tag")),
    "target": _of_the_workflow(filtering.choice("workflow__target", Target.values)),
    "traceback": filtering.text("traceback"),
    "workflow_id": filtering.identifier("workflow_id"),
    "workflow_name": _of_the_workflow(filtering.text("workflow__name")),
}

_COLUMNS: Final = (
    "assignee",
    "created_by",
    "failed_reason",
    "is_task",
    "last_modified_at",
    "last_status",
    "last_step",
    "note",
    "process_id",
    "started_at",
    "traceback",
    "workflow_id",
)
# Sort names that look at the first subscription; a process without one is then not listed, as clients know it.
_OF_SUBSCRIPTION: Final = {
    "subscriptions": "description",
    "productCreatedAt": "product__created_at",
    "productDescription": "product__description",
    "productEndDate": "product__end_date",
    "productId": "product__product_id",
    "productName": "product__name",
    "productStatus": "product__status",
    "productTag": "product__tag",
    "productType": "product__product_type",
}
SORTS: Final[dict[str, str]] = {
    **{name: name for name in _COLUMNS},
    **{filtering.camel(name): name for name in _COLUMNS},
    "workflowName": "workflow__name",
    "workflowTarget": "workflow__target",
    **{name: f"sort_{name}" for name in _OF_SUBSCRIPTION},
}
_LOWERED: Final = frozenset(
    {
        "assignee",
        "created_by",
        "failed_reason",
        "last_status",
        "last_step",
        "note",
        "traceback",
        "workflow__name",
        "workflow__target",
        *(
            f"sort_{name}"
            for name in _OF_SUBSCRIPTION
            if name not in {"productCreatedAt", "productEndDate", "productId"}
        ),
    }
)


def filtered(processes: ProcessQuerySet, parameter: str | None) -> ProcessQuerySet:
    """Return the processes that `filter=field,value[,…]` leaves. Raises InvalidFilter."""
    return processes.filter(filtering.condition_for(filtering.pairs_of(parameter), FILTERS))


def sorted_by(processes: ProcessQuerySet, parameter: str | None) -> ProcessQuerySet:
    """Return the processes as `sort=field,order[,…]` orders them, else the newest first. Raises InvalidFilter.

    The id comes last in any order, so that pages never overlap.
    """
    order = filtering.order_for(parameter, SORTS, lowered=_LOWERED)
    if not order:
        return processes.order_by("-started_at", "-process_id")
    names = set(parameter.split(",")[::2]) if parameter else set()
    looked_up: dict[str, Subquery[Any]] = {}
    for name in names & _OF_SUBSCRIPTION.keys():
        first = ProcessSubscription.objects.filter(process=OuterRef("pk")).order_by("created_at", "pk")
        looked_up[f"sort_{name}"] = Subquery(first.values(f"subscription__{_OF_SUBSCRIPTION[name]}")[:1])
    if looked_up:
        links = ProcessSubscription.objects.filter(process=OuterRef("pk"))
        processes = processes.filter(Exists(links)).annotate(**looked_up)
    return processes.order_by(*order, "process_id")
