"""Many at once or one alone, among threads and among processes, whatever they die of."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from workflows.executors.room import Room


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.remove()


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def in_child(enter: Callable[[], AbstractContextManager[bool]]) -> int:
    """Enter a room in a child process, which then waits to be killed."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:  # pragma: no cover - the child
        with enter():
            os.write(write, b"x")
            time.sleep(60)
        os._exit(0)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    return pid


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_many_are_in_together_and_nobody_is_alone_then(room: Room) -> None:
    with room.among_others() as one, room.among_others() as other, room.alone(0.1) as is_alone:
        assert (one, other, is_alone) == (True, True, False)
    with room.alone(0.1) as is_alone:
        assert is_alone


def test_who_wants_to_be_alone_keeps_others_out_and_asks_those_inside_to_leave(room: Room) -> None:
    order: list[str] = []
    with room.among_others():
        assert not room.asks_to_leave()
        alone = threading.Thread(target=lambda: _note_alone(room, order))
        alone.start()
        wait_for(room.asks_to_leave)
        late = threading.Thread(target=lambda: _note_among(room, order))
        late.start()
        time.sleep(0.2)
        assert order == []
        order.append("left")
    alone.join()
    late.join()
    assert order == ["left", "alone", "among others"]


def _note_alone(room: Room, order: list[str]) -> None:
    with room.alone(20) as is_alone:
        assert is_alone
        time.sleep(0.1)
        order.append("alone")


def _note_among(room: Room, order: list[str]) -> None:
    with room.among_others():
        order.append("among others")


def test_children_of_a_fork_meet_in_it_and_one_that_is_killed_has_left(room: Room) -> None:
    pid = in_child(room.among_others)
    with room.among_others() as is_in, room.alone(0.1) as is_alone:
        assert (is_in, is_alone) == (True, False)
    with room.alone(0.1) as is_alone:
        assert not is_alone
    end(pid)
    with room.alone(5) as is_alone:
        assert is_alone


def test_a_child_that_dies_alone_lets_the_others_in(room: Room) -> None:
    pid = in_child(lambda: room.alone(5))
    assert room.asks_to_leave()
    end(pid)
    with room.among_others() as is_in:
        assert is_in


def test_a_closing_room_lets_nobody_in_and_tells_when_the_time_is_over(room: Room) -> None:
    with room.among_others():
        assert not room.is_closing
        room.close(0.2)
        assert room.is_closing
        assert room.asks_to_leave()
        with room.among_others() as is_in, room.alone(5) as is_alone:
            assert (is_in, is_alone) == (False, False)
        wait_for(lambda: room.is_over)


def test_who_waits_at_the_door_goes_away_when_it_closes(room: Room) -> None:
    got: list[bool] = []

    def come() -> None:
        with room.among_others() as is_in:
            got.append(is_in)

    with room.alone(5):
        waiting = threading.Thread(target=come)
        waiting.start()
        time.sleep(0.1)
        assert got == []
        room.close(10)
        waiting.join()
    assert got == [False]
    assert not room.is_over


def test_it_outlives_somebody_who_tidies_up_temporary_files(room: Room) -> None:
    room.remove()
    with room.among_others() as is_in:
        assert is_in
        assert not room.is_closing
