"""Make the processes that a step runs side by side: branches of its own workflow, or processes of others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from wfo_site.common.clock import now
from wfo_site.common.uuid7 import uuid7
from workflows.engine.bells import ring
from workflows.engine.claims import Claim
from workflows.engine.forks import Child, Fork
from workflows.engine.tallies import Kid
from workflows.engine.tree import Part, path_below, path_of
from workflows.enums import ProcessKind, ProcessStatus
from workflows.forms import FormNotCompleteError
from workflows.models import Process


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a child that is a process of its own is told of its parent."""

    process_id: UUID
    parent_id: UUID
    parent_seq: int | None
    root_id: UUID
    branch_key: str
    branch_name: str
    held_because: str | None


class ChildMaker:
    """Makes the rows of the children of one step."""

    def __init__(self, claim: Claim, *, key: str, fork: Fork, seq: int | None, user: str) -> None:
        self.claim, self.key, self.fork, self.seq, self.user = claim, key, fork, seq, user

    def make(self, wanted: Sequence[tuple[int, Child]], *, free: int, held_because: str | None) -> list[Kid]:
        """Make one process for each of `wanted`; only the first `free` of them may be run yet."""
        ids = sorted(uuid7() for _ in wanted)
        links = [
            self._link(process_id, index, child.name, held_because if number >= free else None)
            for number, (process_id, (index, child)) in enumerate(zip(ids, wanted, strict=True))
        ]
        if self.fork.is_workflow:
            self._start(links, [child for _, child in wanted])
        else:
            self._insert(links)
        ring([link.process_id for link in links if link.held_because is None])
        return [
            Kid(link.process_id, index, child.name, ProcessStatus.CREATED)
            for link, (index, child) in zip(links, wanted, strict=True)
        ]

    def _link(self, process_id: UUID, index: int, name: str, held_because: str | None) -> Link:
        part = Part(self.key, index, self.fork.is_workflow)
        return Link(
            process_id=process_id,
            parent_id=self.claim.process_id,
            parent_seq=self.seq,
            root_id=self.claim.root_id,
            branch_key=path_below(self.claim.branch_key, part),
            branch_name=name[:255],
            held_because=held_because,
        )

    def _insert(self, links: Iterable[Link]) -> None:
        moment = now()
        Process.every.bulk_create(
            [
                Process(
                    **vars(link),
                    kind=ProcessKind.BRANCH,
                    workflow_id=self.claim.workflow_id,
                    is_task=self.claim.is_task,
                    last_status=ProcessStatus.CREATED,
                    started_at=moment,
                    last_modified_at=moment,
                    created_by=self.user,
                    priority=self.claim.priority,
                    queue=self._first_queue(link),
                )
                for link in links
            ],
            batch_size=500,
        )

    def _first_queue(self, link: Link) -> str | None:
        """Return the queue that a branch begins on; where its first step may be skipped, whoever takes it finds out."""
        first = self.fork.steps_of(path_of(link.branch_key)[-1].index)[0]
        return None if first.conditions else first.options.queue

    def _start(self, links: Sequence[Link], children: Sequence[Child]) -> None:
        from workflows.services.start import Order, start_processes

        orders = [Order(child.workflow, child.pages, vars(link)) for link, child in zip(links, children, strict=True)]
        try:
            start_processes(orders, user=self.user, priority=self.claim.priority)
        except FormNotCompleteError as error:
            # Its text is the whole next page.
            fields = ", ".join(error.form.get("properties", {})) or "nothing"
            raise ValueError(
                f"The form of a workflow that this step starts has one more page, which asks for {fields}. Let the "
                f"inputs of the step have a dict for that page too. {' '.join(error.__notes__)}"
            ) from error
