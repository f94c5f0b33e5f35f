# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs that are no measure against what was published for C.

`account` and `token_ring` do not join their tasks, which ends otherwise in C; `stack` and
`lazy` are trivial where tasks are coroutines. Strategies can be compared on them all the same.
"""

from __future__ import annotations

from functools import partial

from benchmarks.bugs.memory import Body, Hold, Machine, Variable
from swaptrio.sched import Mutex


async def stack(size: int, machine: Machine) -> None:
    """A flag that says that there was something once."""
    top, flag, lock = Variable("top"), Variable("flag"), Mutex("stack lock")

    async def pusher() -> None:
        for _ in range(size):
            async with Hold(lock, "pusher"):
                await top.add("pusher.push", 1)
                await flag.write("pusher.flag", 1)

    async def popper() -> None:
        for _ in range(size):
            async with Hold(lock, "popper"):
                if await flag.read("popper.flag"):
                    assert await top.add("popper.pop", -1) >= 0, "popped from nothing"

    await machine.main([("pusher", pusher), ("popper", popper)])


async def account(machine: Machine) -> None:
    """A check that holds for as long as not both changes are done."""
    done, lock = Variable("done"), Mutex("account lock")

    async def change(name: str) -> None:
        async with Hold(lock, name):
            await done.add(f"{name}.done", 1)

    async def checker() -> None:
        async with Hold(lock, "checker"):
            assert await done.read("checker.done") < 2, "both are done"

    bodies: list[Body] = [("checker", checker)]
    bodies += [(name, partial(change, name)) for name in ("deposit", "withdraw")]
    await machine.main(bodies, joins=False)


async def lazy(machine: Machine) -> None:
    """A check that holds for as long as not both have added."""
    data, lock = Variable("data"), Mutex("data lock")

    async def add(name: str, number: int) -> None:
        async with Hold(lock, name):
            await data.add(f"{name}.add", number)

    async def checker() -> None:
        async with Hold(lock, "checker"):
            assert await data.read("checker.read") < 3, "both have added"

    bodies: list[Body] = [("one", partial(add, "one", 1)), ("two", partial(add, "two", 2))]
    await machine.main([*bodies, ("checker", checker)])


async def token_ring(machine: Machine) -> None:
    """Three steps that agree in one order only."""
    ring = Variable("ring")  # one object for the three values: each step is atomic
    values, done = [0, 0, 0], [False, False, False]

    async def step(place: int, more: int) -> None:
        await ring.write(f"step{place}.write", place)
        values[place] = values[place - 1] + more
        done[place] = True

    async def checker() -> None:
        await ring.read("checker.read")
        assert not all(done) or len(set(values)) == 1, "the values differ"

    bodies = [(f"step{place}", partial(step, place, int(place == 0))) for place in range(3)]
    await machine.main([*bodies, ("checker", checker)], joins=False)
