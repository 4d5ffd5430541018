"""Who may start, resume and retry: the callbacks of workflows and steps, and which of them is in force where.

Pure: it knows users only by protocol and reads no table. Services ask before they write, pages ask to grey out buttons.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from asgiref.sync import async_to_sync

from workflows.engine.registry import Workflow
from workflows.engine.steps import AuthCallback, Step

if TYPE_CHECKING:
    from workflows.engine.tree import Program

RESUME_REFUSED: Final = "User is not authorized to resume step"
RETRY_REFUSED: Final = "User is not authorized to retry step"


class AuthUser(Protocol):
    """What a callback may rely on of the person who asks; Django's user is one."""

    @property
    def is_authenticated(self) -> bool: ...

    def get_username(self) -> str: ...

    def has_perm(self, perm: str, /) -> bool: ...


class TheSystem(Enum):
    """The type of `THE_SYSTEM`."""

    THE_SYSTEM = "the system"


# Acts for nobody, and no callback is asked: schedules, and whatever else no person or program set off just now.
THE_SYSTEM: Final = TheSystem.THE_SYSTEM
# None: a program without login, which there is only while OAUTH2_ACTIVE is off. Callbacks are asked, about nobody.
Asker: TypeAlias = "AuthUser | Literal[TheSystem.THE_SYSTEM] | None"


class AuthAction(StrEnum):
    """What somebody wants to do."""

    START = "start_workflow"
    RESUME = "resume_workflow"
    RETRY = "retry_workflow"


@dataclass(frozen=True)
class AuthContext:
    """What a callback is asked about. `step` is the one that the process stands at; None for a start."""

    user: AuthUser | None
    action: AuthAction
    workflow: Workflow
    step: Step | None = None


@dataclass(frozen=True)
class Policy:
    """The callbacks in force at a step; None allows everybody."""

    resume: AuthCallback | None
    retry: AuthCallback | None

    def after(self, step: Step) -> Policy:
        """Return the policy once `step` is reached: its resume callback also rules retries, unless it has one of its
        own for those."""
        resume = step.resume_auth_callback or self.resume
        retry = step.retry_auth_callback or step.resume_auth_callback or self.retry
        return Policy(resume, retry)


def policy_at(program: Program, index: int, sub_step: str | None = None) -> Policy:
    """Return the policy of a process that stands at step `index` of its program, in a group at `sub_step`.

    Callbacks stay in force until a later step brings its own: the last one on the way counts. A group's own retry
    callback rules the retry of the whole group, whatever its steps say.
    """
    workflow = program.workflow
    policy = Policy(workflow.authorize_callback, workflow.retry_auth_callback or workflow.authorize_callback)
    for step in program.before:
        policy = policy.after(step)
    reached = program.steps[: index + 1]
    for number, step in enumerate(reached):
        policy = policy.after(step)
        for inner in _inner_steps(step, sub_step if number == index else None, is_done=number < index):
            policy = policy.after(inner)
        if step.retry_auth_callback is not None:
            policy = Policy(policy.resume, step.retry_auth_callback)
    return policy


def _inner_steps(group: Step, sub_step: str | None, *, is_done: bool) -> Iterable[Step]:
    """Return the steps of a group that the process has come to; none where the group begins anew."""
    if is_done:
        return group.steps
    keys = group.steps.keys()
    return group.steps[: keys.index(sub_step) + 1] if sub_step in keys else []


def asks_nobody(workflow: Workflow) -> bool:
    """Say whether no callback is anywhere in a workflow, so that where a process stands makes no difference."""
    steps = workflow.steps.everything()
    callbacks = [callback for step in steps for callback in (step.resume_auth_callback, step.retry_auth_callback)]
    return not any((workflow.authorize_callback, workflow.retry_auth_callback, *callbacks))


def allows(
    callback: AuthCallback | None, asker: Asker, action: AuthAction, workflow: Workflow, step: Step | None = None
) -> bool:
    """Ask a callback, plain or async. Whatever it raises is raised here: an error is no permission."""
    if callback is None or asker is THE_SYSTEM:
        return True
    answer = callback(AuthContext(asker, action, workflow, step))
    if inspect.isawaitable(answer):
        answer = async_to_sync(_wait_for)(answer)
    return bool(answer)


async def _wait_for(answer: Awaitable[bool]) -> bool:
    return await answer
