"""The schedule of the demo."""

from __future__ import annotations

import asyncio

from loadtest.demo.pace import MOST, Pace
from loadtest.demo.tally import Tally


async def test_a_service_that_hangs_does_not_slow_the_schedule() -> None:
    """A hundred requests are under way, and the rest of the turns is counted as left out."""
    tally = Tally()
    pace, running = Pace(400, tally), set()

    async def hang() -> None:
        await pace.turn()
        pace.in_flight += 1
        await asyncio.sleep(60)

    await pace.run(lambda: running.add(asyncio.create_task(hang())), 0.5, asyncio.Event())
    assert (pace.in_flight, tally.skipped) == (MOST, 400 * 0.5 - MOST)
    for task in running:
        task.cancel()


async def test_who_waits_goes_before_something_new_begins() -> None:
    """So that what has begun comes to its end, however much is going on."""
    pace, begun, turns = Pace(200, Tally()), [], []

    async def story(number: int) -> None:
        for _ in range(3):
            await pace.turn()
            turns.append(number)

    def begin() -> None:
        begun.append(asyncio.create_task(story(len(begun))))

    await pace.run(begin, 0.06, asyncio.Event())
    assert turns[:6] == [0, 0, 0, 1, 1, 1]


async def test_a_turn_of_somebody_who_has_left_goes_to_the_next() -> None:
    """It is not lost."""
    pace, stop, turns = Pace(100, Tally()), asyncio.Event(), []

    async def take(number: int) -> None:
        await pace.turn()
        turns.append(number)

    tasks = [asyncio.create_task(take(number)) for number in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await pace.run(lambda: None, 0.02, stop)
    await asyncio.sleep(0)
    assert turns == [1, 2]
