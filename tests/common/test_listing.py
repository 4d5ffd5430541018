"""Pages of lists: which rows, which links, and a count that stays cheap."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict

from wfo_site.common import listing
from wfo_site.common.listing import ListPage, paginate

pytestmark = pytest.mark.django_db


def names(page: ListPage[User]) -> list[str]:
    return [user.username for user in page.rows]


def pages(query: str = "") -> ListPage[User]:
    return paginate(User.objects.all(), QueryDict(query), sorts={"name": "username", "mail": "email"}, default="name")


@pytest.fixture
def users() -> None:
    User.objects.bulk_create(User(username=f"user{number:02}", email="same") for number in range(23))


@pytest.mark.usefixtures("users")
def test_second_page_follows_the_first_without_overlap() -> None:
    first, second = pages("per=10&sort=mail"), pages("per=10&sort=mail&page=2")
    assert len({*names(first), *names(second)}) == 20
    assert (second.first_row, second.last_row, second.total) == (11, 20, 23)
    assert (second.has_previous, second.has_next) == (True, True)


@pytest.mark.usefixtures("users")
def test_page_past_the_end_is_the_last_one() -> None:
    last = pages("per=10&page=77")
    assert last.number == 3
    assert names(last) == ["user20", "user21", "user22"]
    assert not last.has_next


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize("query", ["page=0", "page=x", "page=-3", "per=13", "sort=password", "page=9999999999999"])
def test_nonsense_falls_back(query: str) -> None:
    page = pages(query)
    assert page.number == 1
    assert page.per_page == 25
    assert page.sort == "name"


@pytest.mark.usefixtures("users")
def test_counting_stops_at_the_cap_but_paging_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "COUNT_CAP", 10)
    page = pages("per=10&page=2")
    assert page.total_text == "10+"
    assert page.number == 2
    assert page.has_next


def test_empty_list_has_one_page() -> None:
    page = pages()
    assert (page.number, page.first_row, page.last_row, page.total_text, page.numbers) == (1, 0, 0, "0", [1])


@pytest.mark.parametrize(
    ("number", "shown"),
    [(1, [1, 2, None, 10]), (3, [1, 2, 3, 4, None, 10]), (5, [1, None, 4, 5, 6, None, 10]), (10, [1, None, 9, 10])],
)
def test_links_go_to_first_last_and_neighbours(number: int, shown: list[int | None]) -> None:
    page: ListPage[User] = ListPage(
        rows=[], number=number, per_page=10, total=100, capped=False, sort="name", has_next=False
    )
    assert page.numbers == shown


@pytest.mark.usefixtures("users")
def test_page_takes_two_statements(django_assert_num_queries: pytest.FixtureRequest) -> None:
    with django_assert_num_queries(2):  # type: ignore[operator]
        pages("per=10&page=2")
