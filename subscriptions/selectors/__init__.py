"""Reads of subscriptions, for pages and APIs."""

from subscriptions.selectors.domain_model import customer_descriptions, domain_model_payload, product_block_paths
from subscriptions.selectors.history import changes_between, revisions_of, subscription_at
from subscriptions.selectors.rows import (
    depends_on_subscriptions,
    get_subscription,
    in_use_by_subscriptions,
    plain_subscription,
    subscription_list,
)
from subscriptions.selectors.tree import BlockNode, BlockUser, BlockValue, subscription_tree, title_of
from subscriptions.selectors.values import instances_with, subscription_by_instance_value

__all__ = [
    "BlockNode",
    "BlockUser",
    "BlockValue",
    "changes_between",
    "customer_descriptions",
    "depends_on_subscriptions",
    "domain_model_payload",
    "get_subscription",
    "in_use_by_subscriptions",
    "instances_with",
    "plain_subscription",
    "product_block_paths",
    "revisions_of",
    "subscription_at",
    "subscription_by_instance_value",
    "subscription_list",
    "subscription_tree",
    "title_of",
]
