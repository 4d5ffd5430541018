"""Where configuration of devices by playbooks (LSO) hooks in; off unless the setting LSO_ENABLED says otherwise."""

from __future__ import annotations

from django.conf import settings

from workflows import ProcessFailureError, State, StepList, conditional, step


def lso_enabled(_: State) -> bool:
    """Say whether this installation has an LSO to run playbooks on."""
    return bool(getattr(settings, "LSO_ENABLED", False))


def lso_interaction(name: str, playbook: str) -> StepList:
    """Return the step that has LSO run a playbook; where there is no LSO the step is recorded as skipped."""

    @step(name)
    def run_playbook() -> State:
        raise ProcessFailureError(
            "LSO is enabled, but this installation has no client for it. Set LSO_ENABLED to false and retry the step.",
            {"playbook": playbook},
        )

    return conditional(lso_enabled)(run_playbook)
