"""What must be stored, and must have been called, when everything went right."""

from __future__ import annotations

from typing import Any

from tests.faults.harness.ledger import Ledger

TEN = [
    "Start",
    "Open tally",
    "Create Process Subscription relation",
    *(f"Step {number}" for number in range(1, 11)),
    "Done",
]
THREE = ["Start", "Step 1", "Step 2", "Step 3", "Done"]


def assert_right(facts: dict[str, Any], ledger: Ledger, names: list[str]) -> None:
    """Each process completed, each step took effect once in here, and had one key of its own outside."""
    wrong = {pk: one["status"] for pk, one in facts.items() if one["status"] != "completed"}
    assert not wrong, f"not completed: {wrong}"
    for process_id, one in facts.items():
        expected = [[name, "complete" if name == "Done" else "success"] for name in names]
        assert [[row["name"], row["status"]] for row in one["rows"]] == expected, process_id
        assert [row["seq"] for row in one["rows"]] == list(range(1, len(names) + 1)), process_id
        called = sorted((name for name in names if name.startswith("Step ")), key=_number)
        assert one["tallies"] == ([[1, 3, 5, 7, 9]] if names is TEN else []), process_id
        assert one["trail"] == ([2, 4, 6, 8, 10] if names is TEN else [1, 2, 3]), process_id
        keys = ledger.keys_of(process_id)
        assert sorted(keys, key=_number) == called, process_id
        assert all(len(used) == 1 for used in keys.values()), f"{process_id}: two keys for one step: {keys}"
    assert all(len(places) == 1 for places in ledger.places.values()), "one key for two steps"


def _number(name: str) -> int:
    return int(name.rpartition(" ")[2])
