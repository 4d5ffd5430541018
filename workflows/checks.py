"""System checks of how processes are run, and of the steps that blocks bring to workflows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from products import registry as catalogue
from products.enums import Target
from products.registry import WorkflowSpec
from workflows.engine.block_steps import CannotCompose, held_by, names_of
from workflows.engine.registry import Workflow

TAG = "executor"
BLOCKS_TAG = "blocks"


@register(TAG)
def check_target_queues(**_kwargs: Any) -> list[CheckMessage]:
    """Check that CELERY_TARGET_QUEUES maps known targets to names: with another one, processes would wait for ever."""
    queues: Any = settings.CELERY_TARGET_QUEUES
    if not isinstance(queues, dict):
        sentence = f"CELERY_TARGET_QUEUES is {queues!r}; it must map targets to names of queues."
        return [Error(sentence, hint='{"VALIDATE": "validations"}', id="workflows.E001")]
    known = f"Targets are {', '.join(Target.values)}."
    messages: list[CheckMessage] = [
        Error(f"CELERY_TARGET_QUEUES names the target {target!r}, which there is not.", hint=known, id="workflows.E002")
        for target in queues
        if target not in Target.values
    ]
    messages += [
        Error(f"CELERY_TARGET_QUEUES gives the target {target!r} a queue without a name.", id="workflows.E003")
        for target, queue in queues.items()
        if not isinstance(queue, str) or not queue.strip()
    ]
    return messages


@register(TAG)
def check_channel_layer(**_kwargs: Any) -> list[CheckMessage]:
    """Check that live updates can leave a worker."""
    layer = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    if settings.EXECUTOR != "celery" or layer != "channels.layers.InMemoryChannelLayer":
        return []
    sentence = "Celery workers cannot tell browsers what changed: live updates stay in the memory of one process."
    return [Warning(sentence, hint="Set WEBSOCKET_BROADCASTER_URL to a Redis.", id="workflows.W001")]


@register(BLOCKS_TAG)
def check_steps_of_blocks(**_kwargs: Any) -> list[CheckMessage]:
    """Check that each block with steps belongs to a product: nothing would ever run them."""
    models = {spec.model for spec in catalogue.products().values()}
    known = {name for model in models for block in held_by(model) for name in names_of(block)}
    return [
        Error(f"{spec.source}: Product block {name!r} is given steps, but no product has it.", id="workflows.E004")
        for name, spec in catalogue.block_steps().items()
        if name not in known
    ]


@register(BLOCKS_TAG)
def check_workflows_with_blocks(**_kwargs: Any) -> list[CheckMessage]:
    """Check that workflows can have the steps of blocks that they ask for, and ask for those of their products."""
    messages: list[CheckMessage] = []
    for spec in catalogue.workflows().values():
        if not isinstance(spec.factory, Workflow):
            continue
        try:
            spec.factory.steps  # noqa: B018 - composes them
        except CannotCompose as problem:
            messages.append(Error(f"{problem} (workflow {spec.name!r}).", id="workflows.E005"))
        messages.extend(_strangers(spec, spec.factory))
    return messages


def _strangers(spec: WorkflowSpec, workflow: Workflow) -> Iterator[CheckMessage]:
    """Complain of products of a workflow whose blocks are not those that it asks for: their steps would be left out."""
    asked = [step.blocks for step in workflow.written.everything() if step.blocks is not None]
    for product in catalogue.products().values():
        if not spec.is_meant_for(product):
            continue
        for blocks in asked:
            if blocks.model.base_type() is not product.model.base_type():
                sentence = (
                    f"{blocks.source}: Workflow {spec.name!r} is for product {product.name!r}, a "
                    f"{product.model.__name__}, and asks for the blocks of {blocks.model.__name__}."
                )
                yield Error(sentence, id="workflows.E006")
