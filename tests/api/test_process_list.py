"""GET /api/processes/: parts, order, filters, ETag."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.api.rows import START, make_process, make_product, make_subscription, make_workflow
from workflows.api import listing
from workflows.api.schemas import ProcessSchema
from workflows.engine import claims
from workflows.enums import ProcessKind
from workflows.models import Process

pytestmark = pytest.mark.django_db
URL = "/api/processes/"


def ids(response) -> list[str]:
    assert response.status_code == 200, response.json()
    return [row["process_id"] for row in response.json()]


def test_a_row_has_the_recorded_shape_with_epoch_floats(api: APIClient) -> None:
    """Conformance 23."""
    product = make_product()
    subscription = make_subscription(product, start_date=START)
    process = make_process(subscription, started_at=START, note="a note", traceback="at line 1")
    (row,) = api.get(URL).json()
    only_in_detail = {
        "parent_process_id",
        "children",
        "why",
        "deadline",
        "next_retry_at",
        "estimated_end",
        "is_late",
        "undo_of",
        "undone_by",
    }
    assert row.keys() == ProcessSchema.model_fields.keys() - only_in_detail
    assert row["started_at"] == START.timestamp() == 1767268800.25
    assert row["process_id"] == str(process.pk)
    assert (row["workflow_name"], row["workflow_target"]) == ("modify_note", "MODIFY")
    assert (row["product_id"], row["customer_id"]) == (str(product.pk), "customer-1")
    assert (row["steps"], row["form"], row["current_state"]) == (None, None, None)
    assert row["traceback"] == "at line 1"
    (shown,) = row["subscriptions"]
    assert shown["start_date"] == START.timestamp()
    assert shown["product"]["name"] == "Port"
    assert shown["product"]["tag"] == "PORT"
    ProcessSchema.model_validate(row)


def test_branches_are_not_listed(api: APIClient) -> None:
    process = make_process()
    make_process(kind=ProcessKind.BRANCH, parent=process)
    assert ids(api.get(URL)) == [str(process.pk)]


def test_the_number_of_statements_does_not_grow_with_the_rows(api: APIClient) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(URL, {"range": "0,100"}).status_code == 200
        return len(captured)

    for _ in range(3):
        make_process(make_subscription(), make_subscription())
    before = statements()
    for _ in range(6):
        make_process(make_subscription(make_product("Other")), make_subscription())
    assert statements() == before
    # Session and user, count, processes, subscriptions.
    assert before == 5


def test_a_range_gives_a_part_and_says_of_how_many(api: APIClient) -> None:
    processes = [make_process() for _ in range(5)]
    response = api.get(URL, {"range": "1,3", "sort": "startedAt,asc"})
    assert response["Content-Range"] == "processes 1-3/5"
    assert ids(response) == [str(process.pk) for process in processes[1:3]]
    assert "Content-Range" not in api.get(URL)


@pytest.mark.parametrize("part", ["5", "a,b", "3,3", "4,2", "-1,3", "0,1,2", "0,99999999999", "\u0663,\u0665", "0,²"])
def test_a_wrong_range_is_refused_with_the_reason(api: APIClient, part: str) -> None:
    response = api.get(URL, {"range": part})
    assert response.status_code == 400
    assert response.json()["field"] == "range"
    assert response.json()["detail"].startswith("Invalid range")


def test_more_rows_than_an_answer_should_hold_must_be_asked_for_in_parts(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_ROWS", 2)
    for _ in range(3):
        make_process()
    assert api.get(URL).status_code == 400
    assert api.get(URL, {"range": "0,3"}).status_code == 400
    assert len(ids(api.get(URL, {"range": "0,2"}))) == 2


class TestFilter:
    def test_status_and_its_alternatives(self, api: APIClient) -> None:
        """Conformance 22."""
        for status in ("completed", "completed", "failed", "awaiting_callback"):
            make_process(last_status=status)
        assert len(ids(api.get(URL, {"filter": "lastStatus,completed"}))) == 2
        assert len(ids(api.get(URL, {"filter": "last_status,COMPLETED"}))) == 2
        assert len(ids(api.get(URL, {"filter": "lastStatus,completed-failed"}))) == 3
        assert len(ids(api.get(URL, {"filter": "lastStatus,awaiting_callback|failed"}))) == 2
        assert len(ids(api.get(URL, {"filter": "lastStatus,!completed"}))) == 2
        assert len(ids(api.get(URL, {"filter": "lastStatus,!!completed"}))) == 2
        assert len(ids(api.get(URL, {"filter": "lastStatus,%await%"}))) == 1
        assert ids(api.get(URL, {"filter": "lastStatus,nonsense"})) == []

    def test_several_fields_must_all_match(self, api: APIClient) -> None:
        wanted = make_process(last_status="failed", is_task=True)
        make_process(last_status="failed")
        make_process(is_task=True)
        assert ids(api.get(URL, {"filter": "lastStatus,failed,isTask,true"})) == [str(wanted.pk)]

    def test_text_of_a_note_with_wildcards_and_without_a_note(self, api: APIClient) -> None:
        noted, bare = make_process(note="Check the Fibre"), make_process()
        assert ids(api.get(URL, {"filter": "note,check the fibre"})) == [str(noted.pk)]
        assert ids(api.get(URL, {"filter": "note,check"})) == []
        assert ids(api.get(URL, {"filter": "note,check%"})) == [str(noted.pk)]
        assert ids(api.get(URL, {"filter": "note,!check%"})) == [str(bare.pk)]

    def test_a_backslash_escapes_a_wildcard_and_stands_for_itself_at_the_end(self, api: APIClient) -> None:
        percent, path = make_process(note="100%"), make_process(note="C:\\")
        make_process(note="100 times")
        assert ids(api.get(URL, {"filter": "note,100\\%"})) == [str(percent.pk)]
        assert ids(api.get(URL, {"filter": "note,C:\\"})) == [str(path.pk)]
        assert ids(api.get(URL, {"filter": "note,C:\\\\"})) == [str(path.pk)]

    def test_booleans(self, api: APIClient) -> None:
        task, process = make_process(is_task=True), make_process()
        assert ids(api.get(URL, {"filter": "isTask,True"})) == [str(task.pk)]
        assert ids(api.get(URL, {"filter": "isTask,!true"})) == [str(process.pk)]
        assert ids(api.get(URL, {"filter": "isTask,maybe"})) == []
        assert len(ids(api.get(URL, {"filter": "isTask,true-false"}))) == 2

    def test_product_tag_and_customer_of_any_subscription(self, api: APIClient) -> None:
        port, node = make_product(), make_product("Node", tag="NODE")
        both = make_process(make_subscription(port), make_subscription(node, customer_id="customer-2"))
        none = make_process()
        assert ids(api.get(URL, {"filter": "product,node"})) == [str(both.pk)]
        assert ids(api.get(URL, {"filter": "tag,PORT"})) == [str(both.pk)]
        assert ids(api.get(URL, {"filter": "customer,customer-2"})) == [str(both.pk)]
        assert ids(api.get(URL, {"filter": "product,!node"})) == [str(none.pk)]

    def test_identifiers_whole_and_in_part(self, api: APIClient) -> None:
        subscription = make_subscription()
        process = make_process(subscription)
        make_process()
        whole = str(process.pk)
        assert ids(api.get(URL, {"filter": f"processId,{whole}"})) == [whole]
        assert whole in ids(api.get(URL, {"filter": f"processId,{whole[:10]}%"}))
        assert ids(api.get(URL, {"filter": f"processId,%{whole[-14:]}"})) == [whole]
        assert ids(api.get(URL, {"filter": f"subscriptionId,{subscription.pk}"})) == [whole]
        assert ids(api.get(URL, {"filter": f"subscriptionId,{str(subscription.pk)[:8]}%"})) == []

    def test_moments_in_ranges_and_as_text(self, api: APIClient) -> None:
        old = make_process(started_at=START - timedelta(days=400))
        new = make_process(started_at=START)
        assert ids(api.get(URL, {"filter": "startedAt,<2025-06-01"})) == [str(old.pk)]
        assert ids(api.get(URL, {"filter": "startedAt,>=2025-06-01,startedAt,<=2026-06-01T00:00:00Z"})) == [str(new.pk)]
        assert ids(api.get(URL, {"filter": "startedAt,2026-01-01%"})) == [str(new.pk)]
        response = api.get(URL, {"filter": "startedAt,>yesterday"})
        assert response.status_code == 400
        assert response.json()["detail"] == "yesterday is not a valid date"

    def test_workflows_by_name_and_target_unless_removed(self, api: APIClient) -> None:
        kept = make_process(workflow=make_workflow("lay_cable", target="CREATE"))
        make_process(workflow=make_workflow("lay_pipe", target="CREATE", deleted_at=START))
        assert ids(api.get(URL, {"filter": "workflowName,lay%"})) == [str(kept.pk)]
        assert ids(api.get(URL, {"filter": "target,create"})) == [str(kept.pk)]

    def test_an_odd_number_of_items_is_refused_and_none_are_ignored(self, api: APIClient) -> None:
        """Conformance 39."""
        make_process()
        response = api.get(URL, {"filter": "lastStatus"})
        assert (response.status_code, response.json()["detail"]) == (400, "Invalid number of filter arguments")
        assert len(ids(api.get(f"{URL}?filter="))) == 1

    @pytest.mark.parametrize(
        "moment", [">0001-01-01T00:00:00+14:00", "<9999-12-31T23:59:59-14:00", ">2026-02-30", ">=", "<\u0661"]
    )
    def test_a_moment_that_there_is_not_is_named(self, api: APIClient, moment: str) -> None:
        response = api.get(URL, {"filter": f"startedAt,{moment}"})
        assert response.status_code == 400
        assert response.json()["detail"] == f"{moment.lstrip('<>=')} is not a valid date"

    @pytest.mark.parametrize("field", ["note", "processId", "lastStatus", "startedAt", "isTask", "customer", "product"])
    def test_as_many_values_as_anybody_needs_and_no_more(self, api: APIClient, field: str) -> None:
        make_process(note="x")
        assert api.get(URL, {"filter": f"{field},{'|'.join(['x'] * 200)}"}).status_code == 200
        many = f"{field},x," * 100 + f"{field},{'|'.join(['x'] * 101)}"
        for value in (f"{field},{'|'.join(['x'] * 201)}", many):
            response = api.get(URL, {"filter": value})
            assert (response.status_code, response.json()["field"]) == (400, "filter")
            assert "more than 200 values" in response.json()["detail"]

    @pytest.mark.parametrize(
        "query",
        ["filter=colour,red", "filter=lastStatus,!", "sort=colour", "sort=startedAt,up", "sort=" + "note,asc," * 50],
    )
    def test_what_is_not_understood_is_refused_and_named(self, api: APIClient, query: str) -> None:
        response = api.get(f"{URL}?{query}")
        assert response.status_code == 400
        assert response.json()["field"] == query.split("=", maxsplit=1)[0]


class TestSort:
    def test_by_assignee_and_by_a_sort_without_order(self, api: APIClient) -> None:
        """Conformance 22."""
        make_process(assignee="SYSTEM")
        noc = make_process(assignee="NOC")
        assert ids(api.get(URL, {"sort": "assignee,asc"}))[0] == str(noc.pk)
        task = make_process(is_task=True)
        assert ids(api.get(URL, {"sort": "startedAt", "filter": "isTask,true"})) == [str(task.pk)]

    def test_newest_first_when_nothing_is_said(self, api: APIClient) -> None:
        processes = [make_process() for _ in range(3)]
        assert ids(api.get(URL)) == [str(process.pk) for process in reversed(processes)]

    def test_missing_values_come_last_ascending_and_first_descending(self, api: APIClient) -> None:
        with_note, without = make_process(note="x"), make_process()
        assert ids(api.get(URL, {"sort": "note,asc"})) == [str(with_note.pk), str(without.pk)]
        assert ids(api.get(URL, {"sort": "note,desc"})) == [str(without.pk), str(with_note.pk)]

    def test_by_product_lists_only_processes_that_have_one(self, api: APIClient) -> None:
        port = make_process(make_subscription(make_product("port")))
        node = make_process(make_subscription(make_product("Node", tag="NODE")), make_subscription())
        make_process()
        assert ids(api.get(URL, {"sort": "productName,asc"})) == [str(node.pk), str(port.pk)]
        assert ids(api.get(URL, {"sort": "productTag,desc,startedAt,asc"})) == [str(port.pk), str(node.pk)]


class TestETag:
    @pytest.mark.parametrize("form", ["{}", '"{}"', 'W/"{}"', '"other", W/"{}"', "*"])
    def test_unchanged_in_whatever_form_it_is_sent(self, api: APIClient, form: str) -> None:
        """Conformance 37."""
        make_process()
        etag = api.get(URL)["ETag"]
        assert etag.startswith('W/"0x')
        response = api.get(URL, headers={"If-None-Match": form.format(etag.removeprefix('W/"').rstrip('"'))})
        assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)

    def test_a_change_gives_the_list_again(self, api: APIClient) -> None:
        process = make_process()
        etag = api.get(URL)["ETag"]
        Process.objects.filter(pk=process.pk).update(last_modified_at=START + timedelta(days=1))
        response = api.get(URL, headers={"If-None-Match": etag})
        assert response.status_code == 200
        assert response["ETag"] != etag

    @pytest.mark.parametrize("is_fast", [True, False])
    def test_one_that_a_runner_takes_up_is_given_again(self, api: APIClient, settings: Any, is_fast: bool) -> None:
        settings.ENGINE_FAST_PATH = is_fast
        process = make_process(last_status="resumed")
        etag = api.get(URL)["ETag"]
        assert claims.claim(process.pk, "runner") is not None
        (row,) = api.get(URL, headers={"If-None-Match": etag}).json()
        assert row["last_status"] == "running"

    def test_of_nothing_it_is_always_the_same_and_else_it_depends_on_ids_and_times(self) -> None:
        """Conformance 38."""
        one, other = make_process(), make_process()
        assert listing.fingerprint([]) == listing.fingerprint([]) == 0
        rows = [(one.pk, START), (other.pk, START)]
        assert listing.fingerprint(rows) == listing.fingerprint(list(rows))
        different = [rows[::-1], rows[:1], [(one.pk, START), (other.pk, START + timedelta(microseconds=1))]]
        assert len({listing.fingerprint(rows), *map(listing.fingerprint, different)}) == 4


def test_status_counts(api: APIClient) -> None:
    """Conformance 36."""
    assert api.get("/api/processes/status-counts").json() == {"process_counts": {}, "task_counts": {}}
    for status, is_task in (("failed", False), ("failed", False), ("completed", False), ("failed", True)):
        make_process(last_status=status, is_task=is_task)
    make_process(kind=ProcessKind.BRANCH, last_status="failed")
    assert api.get("/api/processes/status-counts").json() == {
        "process_counts": {"failed": 2, "completed": 1},
        "task_counts": {"failed": 1},
    }
