"""The fold: what is stored as changes reads back as the state."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflows.engine.state import Delta, difference, fold, merge_input, shown_delta

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)
states = st.dictionaries(st.sampled_from("abcdef"), json_values, max_size=6)


def same(a: Any, b: Any) -> bool:
    """Compare as JSON does: 1, 1.0 and true are three things."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(states, max_size=5))
def test_the_fold_of_differences_equals_a_plain_run_over_dicts(run: list[dict[str, Any]]) -> None:
    deltas = [difference(before, after) for before, after in zip([{}, *run], run, strict=False)]
    assert same(fold(deltas), run[-1] if run else {})


@given(states, states, states)
def test_two_changes_can_be_composed_into_one(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    assert same(difference(a, b).then(difference(b, c)).apply(a), c)


@given(states)
def test_nothing_changed_is_no_delta(state: dict[str, Any]) -> None:
    assert not difference(state, dict(state))


def test_a_change_of_type_alone_is_a_change() -> None:
    assert difference({"a": [1]}, {"a": [True]}).set == {"a": [True]}


def test_removed_keys_are_kept_apart_from_keys_set_to_null() -> None:
    delta = difference({"a": 1, "b": 2}, {"a": None})
    assert delta == Delta({"a": None}, frozenset({"b"}))


def test_input_is_merged_deeply_and_lists_are_replaced() -> None:
    assert merge_input({"a": {"x": 1, "y": [1, 2]}}, {"a": {"y": [3]}, "b": 1}) == {"a": {"x": 1, "y": [3]}, "b": 1}


def test_the_shown_delta_is_recursive_for_dicts_only_and_silent_about_removed_keys() -> None:
    assert shown_delta({"a": {"x": 1, "y": 2}, "l": [1], "gone": 1}, {"a": {"x": 1, "y": 3}, "l": [1, 2]}) == {
        "a": {"y": 3},
        "l": [1, 2],
    }
