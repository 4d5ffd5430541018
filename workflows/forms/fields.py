"""Field types that know our catalogue and our subscriptions. Importing them touches no model; validating does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, EmailStr, Field
from pydantic.config import JsonDict

from workflows.forms.protocol import ContactPersonName, remove_empty_items
from workflows.forms.selections import Selection


def _picker_schema(format_name: str, extra: JsonDict) -> Any:
    schema: JsonDict = {"format": format_name, "type": "string"}
    if extra:
        # Older clients read `uniforms`, newer ones `extraProperties`.
        schema |= {"uniforms": extra, "extraProperties": extra}
    return Field(json_schema_extra=schema)


CustomerId: TypeAlias = Annotated[str, Field(json_schema_extra={"format": "customerId"})]
"""The id of a customer, as whoever keeps the customers writes it."""


class CustomerContact(BaseModel):
    # No docstring: it would be shown to people as the help text of the field.

    name: Annotated[ContactPersonName, Field(min_length=1)]
    email: EmailStr
    phone: str = ""


def customer_contact_list(
    customer_id: str | None = None,
    customer_key: str | None = "customer_id",
    min_items: int | None = None,
    max_items: int | None = None,
) -> Any:
    """Return a list type of contacts. Rows that are empty altogether are dropped before anything is checked.

    `customer_id` names the customer whose contacts are suggested, `customer_key` the field of the page that holds it.
    """
    about: JsonDict = {"customerId": customer_id, "customerKey": customer_key}
    known: JsonDict = {key: value for key, value in about.items() if value}
    return Annotated[
        list[CustomerContact],
        BeforeValidator(remove_empty_items),
        Field(
            min_length=min_items,
            max_length=max_items,
            json_schema_extra={**known, "uniforms": known, "extraProperties": known},
        ),
    ]


def product_id(product_ids: Iterable[UUID | str] | None = None) -> Any:
    """Return a UUID type of an existing product, with `product_ids` one of these."""
    allowed = None if product_ids is None else [str(item) for item in product_ids]

    def check(value: UUID) -> UUID:
        from products.models import Product

        if allowed is not None and str(value) not in allowed:
            permitted = ", ".join(f"'{item}'" for item in allowed)
            raise ValueError(f"value is not a valid enumeration member; permitted: {permitted}")
        if not Product.objects.filter(product_id=value).exists():
            raise ValueError("Product not found")
        return value

    extra: JsonDict = {} if allowed is None else {"productIds": list(allowed)}
    return Annotated[UUID, AfterValidator(check), _picker_schema("productId", extra)]


ProductId: TypeAlias = product_id()  # type: ignore[valid-type]
"""The id of any product that exists."""


def subscription_id(
    *,
    product_types: Iterable[str] = (),
    statuses: Iterable[object] = (),
    tags: Iterable[str] = (),
    product_ids: Iterable[UUID | str] = (),
    excluded: Iterable[UUID | str] = (),
    customer_id: object = "",
) -> Any:
    """Return a UUID type of a subscription within the selection; a part that is left out does not narrow.

    People pick from a search, programs post the id; the server checks both against the same selection.
    """
    selection = Selection.of(
        product_types=product_types,
        statuses=statuses,
        tags=tags,
        product_ids=product_ids,
        excluded=excluded,
        customer_id=customer_id,
    )

    def check(value: UUID) -> UUID:
        if not selection.subscriptions().filter(subscription_id=value).exists():
            raise ValueError(_why_not(value))
        return value

    return Annotated[UUID, AfterValidator(check), _picker_schema("subscriptionId", selection.to_extra())]


SubscriptionId: TypeAlias = subscription_id()  # type: ignore[valid-type]
"""The id of any subscription that exists."""


def _why_not(value: UUID) -> str:
    from subscriptions.models import Subscription

    if not Subscription.objects.filter(subscription_id=value).exists():
        return "Subscription not found"
    return "This subscription cannot be chosen here; pick one that the field offers"
