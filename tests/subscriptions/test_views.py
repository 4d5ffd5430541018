"""Pages of subscriptions: the list is its address, and one subscription tells all that is known of it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from subscriptions.customers import CustomerName, register_customers
from subscriptions.models import Subscription, SubscriptionCustomerDescription, SubscriptionMetadata
from tests.subscriptions.rows import a_block, a_product, a_revision, a_subscription

pytestmark = pytest.mark.django_db
LIST = "/subscriptions/"
HTMX = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def alice(client: Client) -> Client:
    client.force_login(User.objects.create_user("alice"))
    return client


def shown(alice: Client, query: str = "") -> list[str]:
    """Return the descriptions on the page, in order."""
    response = alice.get(f"{LIST}{query}")
    assert response.status_code == 200
    return [row.description for row in response.context["page"].rows]


def page_of(alice: Client, subscription: Subscription, tab: str = "") -> str:
    response = alice.get(f"{LIST}{subscription.pk}/{f'?tab={tab}' if tab else ''}")
    assert response.status_code == 200
    return response.content.decode()


def test_list_asks_strangers_to_log_in(client: Client) -> None:
    response = client.get(LIST)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("accounts:login"))


@pytest.mark.parametrize(
    ("tab", "statuses"),
    [
        ("active", {"active"}),
        ("transient", {"initial", "provisioning", "migrating"}),
        ("terminated", {"terminated"}),
        ("all", {"initial", "active", "migrating", "disabled", "terminated", "provisioning"}),
    ],
)
def test_tab_shows_subscriptions_of_its_statuses(alice: Client, tab: str, statuses: set[str]) -> None:
    for status in ("initial", "active", "migrating", "disabled", "terminated", "provisioning"):
        a_subscription(status, status=status)
    assert set(shown(alice, f"?tab={tab}")) == statuses


def test_search_finds_description_note_product_tag_customer_and_id(alice: Client) -> None:
    release = register_customers(_Customers())
    try:
        wanted = a_subscription(
            "Ring Amsterdam", note="spare fibre", customer_id="cust-42", product=a_product("Fibre Ring", tag="RING")
        )
        a_subscription("Something else")
        for words in ("amster", "spare", "fibre+ring", "RING", "cust-42", "acme", str(wanted.pk)[:18], "ring+spare"):
            assert shown(alice, f"?q={words}") == ["Ring Amsterdam"], words
        assert shown(alice, "?q=ring+missing") == []
    finally:
        release()


class _Customers:
    def named(self, _customer_ids: object) -> dict[str, CustomerName]:
        return {"cust-42": CustomerName("Acme Networks", "ACME")}

    def matching(self, text: str) -> list[str]:
        return ["cust-42"] if text.lower() in "acme networks" else []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tag:port", {"alpha one", "alpha two"}),
        ("tag:port+-two", {"alpha one"}),
        ('"pha+tw"', {"alpha two"}),
        ("insync:false", {"alpha two"}),
        ("status:act+description:one", {"alpha one"}),
        ("customer:c-9", set()),
        ("id:zzzz", set()),
        ('"unfinished', set()),
    ],
)
def test_search_language(alice: Client, query: str, found: set[str]) -> None:
    a_subscription("alpha one")
    a_subscription("alpha two", insync=False)
    a_subscription("beta", product=a_product("Node", tag="NODE"))
    assert set(shown(alice, f"?q={query}")) & {"alpha one", "alpha two"} == found


def test_filters_by_product_status_and_sync(alice: Client) -> None:
    node = a_product("Node", tag="NODE")
    a_subscription("node", product=node, insync=False, status="migrating")
    a_subscription("port")
    assert shown(alice, f"?tab=all&product={node.pk}") == ["node"]
    assert shown(alice, "?tab=all&status=migrating") == ["node"]
    assert shown(alice, "?tab=all&insync=no") == ["node"]
    assert shown(alice, "?tab=all&insync=yes") == ["port"]


def test_unknown_values_of_an_address_are_ignored(alice: Client) -> None:
    a_subscription("port")
    assert shown(alice, "?tab=nope&product=x&status=y&insync=z&sort=-w&page=-1&per=7&q=%00") == ["port"]


def test_sorting_and_pages_follow_the_address(alice: Client) -> None:
    for number in range(12):
        a_subscription(f"port {number:02}")
    assert shown(alice, "?sort=description&per=10") == [f"port {number:02}" for number in range(10)]
    assert shown(alice, "?sort=description&per=10&page=2") == ["port 10", "port 11"]
    assert shown(alice, "?sort=-description&per=10")[0] == "port 11"
    assert shown(alice, "?sort=description&per=10&page=99") == ["port 10", "port 11"]


def test_links_keep_the_rest_of_the_address(alice: Client) -> None:
    for number in range(11):
        a_subscription(f"port {number}")
    html = alice.get(f"{LIST}?q=port&sort=description&per=10").content.decode()
    assert "?q=port&amp;sort=description&amp;per=10&amp;page=2" in html
    assert "?q=port&amp;sort=-description&amp;per=10" in html


def test_htmx_gets_the_list_without_the_frame(alice: Client) -> None:
    a_subscription("port")
    html = alice.get(LIST, **HTMX).content.decode()
    assert 'id="list-frame"' in html
    assert "<html" not in html
    assert "1 subscription found" in html


def test_empty_list_says_what_to_do_first(alice: Client) -> None:
    assert "No subscriptions yet" in alice.get(LIST).content.decode()
    a_subscription("port", status="terminated")
    assert "None here" in alice.get(LIST).content.decode()
    assert "Nothing matches" in alice.get(f"{LIST}?q=nothing").content.decode()


def test_list_costs_the_same_for_twice_the_rows(alice: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            alice.get(f"{LIST}?tab=all")
        return len(captured)

    a_subscription("first", customer_id="a")
    a_subscription("second", customer_id="b", product=a_product("Node"))
    before = queries()
    for number in range(10):
        a_subscription(f"more {number}", customer_id=f"c{number}", product=a_product(f"Product {number}"))
    assert queries() == before


def test_configuration_shows_blocks_values_and_owners(alice: Client) -> None:
    node, service = a_subscription("node ams"), a_subscription("service one")
    held = a_block(node, "Node", node_name="ams-1")
    a_block(service, "Circuit", held, speed=1000, protected=True, vlans=[3, 4])
    html = page_of(alice, service)
    for text in ("Circuit", "1000", "yes", "Node", "ams-1", "node ams", "2 blocks"):
        assert text in html
    assert "service one" in page_of(alice, node)


def test_every_part_names_the_customer_and_so_do_related_ones(alice: Client) -> None:
    release = register_customers(_Customers())
    try:
        port = a_subscription("port ams-1", customer_id="cust-42")
        circuit = a_subscription("circuit")
        a_block(circuit, "Circuit", a_block(port, "Port", port_name="1/1/1"), speed=1000)
        for tab in ("", "general", "processes", "history"):
            assert "for Acme Networks" in page_of(alice, port, tab)
        assert "Acme Networks" in page_of(alice, circuit, "related")
    finally:
        release()


def test_configuration_costs_the_same_for_twice_the_blocks(alice: Client) -> None:
    def queries(subscription: Subscription) -> int:
        with CaptureQueriesContext(connection) as captured:
            page_of(alice, subscription)
        return len(captured)

    small, big, owner = a_subscription("small"), a_subscription("big"), a_subscription("owner")
    a_block(small, "Circuit", a_block(owner, "Node"))
    a_block(big, "Circuit", *(a_block(owner, "Node") for _ in range(8)))
    queries(small)
    assert queries(big) == queries(small)


def test_general_tells_every_fact(alice: Client) -> None:
    product = a_product()
    product.fixed_inputs.create(name="port_speed", value="10000")
    subscription = a_subscription(note="call before noon")
    SubscriptionCustomerDescription.objects.create(
        subscription=subscription, customer_id="c-1", description="our uplink"
    )
    SubscriptionMetadata.objects.create(subscription=subscription, metadata={"ticket": "T-9"})
    html = page_of(alice, subscription, "general")
    for text in ("call before noon", "port speed", "10000", "our uplink", "T-9", str(subscription.pk), "Port 10G"):
        assert text in html


def test_related_shows_both_directions_and_hides_terminated(alice: Client) -> None:
    node, port = a_subscription("the node"), a_subscription("the port")
    old = a_subscription("an old port", status="terminated")
    held = a_block(node, "Node")
    a_block(port, "Port", held)
    a_block(old, "Port", held)
    of_port = page_of(alice, port, "related")
    assert "the node" in of_port
    of_node = page_of(alice, node, "related")
    assert "the port" in of_node
    assert "an old port" not in of_node
    assert "an old port" in page_of(alice, node, "related&terminated=yes")


def test_history_tells_what_changed_who_and_why(alice: Client) -> None:
    subscription, process_id = a_subscription(), uuid4()
    a_revision(subscription, 1, ("status", None, "initial"))
    a_revision(subscription, 2, ("port.speed", 10, 25), process_id=process_id, step="Set speed")
    html = page_of(alice, subscription, "history")
    for text in ("Revision 2", "port.speed", "10", "25", "carol", "Set speed", f"/processes/{process_id}/"):
        assert text in html
    assert html.index("Revision 2") < html.index("Revision 1")


def test_lock_names_its_holder_and_offers_set_in_sync(alice: Client) -> None:
    holder = uuid4()
    html = page_of(alice, a_subscription(insync=False, locked_by=holder))
    assert f"/processes/{holder}/" in html
    assert "Set in sync" in html
    assert "Set in sync" not in page_of(alice, a_subscription())


def test_set_in_sync_frees_the_lock_and_says_so(alice: Client) -> None:
    subscription = a_subscription(insync=False)
    url = reverse("workflows:subscription-set-in-sync", args=[subscription.pk])
    assert alice.get(url).status_code == 405
    response = alice.post(url, follow=True)
    subscription.refresh_from_db()
    assert subscription.insync
    assert "The subscription is in sync." in response.content.decode()


def test_htmx_gets_one_subscription_without_the_frame(alice: Client) -> None:
    html = alice.get(f"{LIST}{a_subscription().pk}/", **HTMX).content.decode()
    assert "<html" not in html
    assert 'id="subscription-head" class="subscription-head" hx-swap-oob' in html


def test_panels_of_processes_are_fetched_by_name(alice: Client) -> None:
    subscription = a_subscription()
    assert reverse("workflows:subscription-actions", args=[subscription.pk]) in page_of(alice, subscription)
    panel = reverse("workflows:subscription-processes", args=[subscription.pk])
    assert panel in page_of(alice, subscription, "processes")
    assert alice.get(panel).status_code == 200


def test_unknown_subscription_is_a_friendly_404(alice: Client) -> None:
    response = alice.get(f"{LIST}{uuid4()}/")
    assert response.status_code == 404
    assert "There is no subscription with this id" in response.content.decode()


def test_markup_in_descriptions_and_values_stays_text(alice: Client) -> None:
    evil = "<script>alert(1)</script>"
    subscription = a_subscription(evil, note=evil)
    a_block(subscription, "Port", title_text=evil, tree={"key": [evil]})
    a_revision(subscription, 1, ("port.name", None, evil))
    pages = [page_of(alice, subscription, tab) for tab in ("configuration", "general", "history", "related")]
    for html in [*pages, alice.get(LIST).content.decode()]:
        assert "alert(1)" in html
        assert evil not in html
