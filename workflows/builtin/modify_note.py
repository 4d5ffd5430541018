"""Change the note of a subscription; allowed while it is out of sync, because a note locks nothing."""

from __future__ import annotations

from uuid import UUID

from products.enums import Target
from subscriptions.domain import SubscriptionModel
from workflows.builtin.authorization import internal_authorize, internal_retry_auth
from workflows.engine.core_steps import OLD_SUBSCRIPTIONS_KEY, backup, store_process_subscription
from workflows.engine.decorators import workflow
from workflows.engine.step_decorators import step
from workflows.engine.steps import State, StepList, done, init
from workflows.forms import FormGenerator, FormPage, LongText


def note_form(subscription_id: UUID) -> FormGenerator:
    """Ask for the note, with the present one filled in."""
    subscription = SubscriptionModel.from_subscription(subscription_id)

    class ModifyNote(FormPage):
        note: LongText | None = subscription.note

    page = yield ModifyNote
    given: State = page.model_dump()
    return given


def restore(subscription_id: UUID, __old_subscriptions__: State | None = None) -> State:
    """Set the note that there was before; without a copy of that, the step had not come to change it."""
    if __old_subscriptions__ is None:
        return {}
    subscription = SubscriptionModel.from_subscription(subscription_id)
    subscription.note = __old_subscriptions__[str(subscription_id)]["note"]
    return {"subscription": subscription}


@step("Modify note", undo=restore)
def modify(subscription_id: UUID, note: str | None) -> State:
    """Set the note; blank text is no note."""
    subscription = SubscriptionModel.from_subscription(subscription_id)
    backups = backup(subscription_id, None)
    subscription.note = (note or "").strip() or None
    return {"subscription": subscription, OLD_SUBSCRIPTIONS_KEY: backups}


@workflow(
    "Modify note",
    target=Target.MODIFY,
    initial_input_form=note_form,
    authorize_callback=internal_authorize,
    retry_auth_callback=internal_retry_auth,
)
def modify_note() -> StepList:
    return init >> store_process_subscription() >> modify >> done
