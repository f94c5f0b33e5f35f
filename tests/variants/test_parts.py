# SPDX-License-Identifier: MIT OR Apache-2.0
"""The parts of versions: which there are, what is left when one goes, and how it is called."""

from __future__ import annotations

import ast
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from swaptrio.errors import VariantError
from swaptrio.variants import VERSIONS, load
from swaptrio.variants.parts import Part, parts_of, without
from swaptrio.variants.parts.checks import checks
from swaptrio.variants.parts.locks import locks
from swaptrio.variants.parts.orders import orders
from swaptrio.variants.parts.references import references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.variants.parts.cut import Cut, FunctionNode

    Finder = Callable[[FunctionNode], Iterator[Cut]]


def _function(body: str) -> FunctionNode:
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    node = ast.parse(f"async def f(kernel):\n{lines}").body[0]
    assert isinstance(node, ast.AsyncFunctionDef)
    return node


def _left(finder: Finder, body: str) -> list[str]:
    """What is left of a body when one cut is made, for each cut."""
    found = []
    for number in range(len(list(finder(_function(body))))):
        function = _function(body)
        list(finder(function))[number].make()
        found.append("; ".join(ast.unparse(each) for each in function.body).replace("\n", ""))
    return found


def test_a_lock_section_becomes_a_row_of_steps() -> None:
    """Others can come in before each statement of a section, and nobody is kept out."""
    body = "async with ci.lock.hold('f.lock'):\n    look()\n    write()"

    assert _left(locks, body) == [
        "await _point('f.lock'); look(); await _point('f.lock'); write()"
    ]


def test_a_section_of_one_step_is_watched_for_races() -> None:
    """Nobody can come into a step, so that nothing but its accesses can tell."""
    body = "async with ci.lock.hold('f.lock'):\n    "

    assert [cut.races for cut in locks(_function(body + "write()"))] == [True]
    assert [cut.races for cut in locks(_function(body + "await write()"))] == [False]
    assert load("v3~_roll_back.lock1").races
    assert not load("v3~_recheck_and_insert.lock1").races
    assert not load("v3").races


def test_a_folio_is_not_locked() -> None:
    """Where it would be locked there is a step, and what waited for the lock is gone too."""
    assert _left(locks, "await folio_lock(kernel, folio, 'f.lock')") == [
        "await _point('f.lock')"
    ]
    assert _left(locks, "folio.lock.take_free()") == ["pass"]
    trying = "if not await folio_trylock(kernel, folio, 'f.try'):\n    return"
    assert _left(locks, trying) == ["await _point('f.try')"]


def test_a_check_is_passed() -> None:
    """What it would have refused goes on; what its condition does is still done."""
    assert _left(checks, "if cached:\n    return Errno.EEXIST\nuse()") == ["pass; use()"]
    charge = "if await charge(folio) is not None:\n    return Errno.ENOMEM"
    assert _left(checks, charge) == ["await charge(folio) is not None"]
    assert _left(checks, "if other:\n    pass\nelse:\n    use()") == ["use()"]


def test_each_cause_is_a_check() -> None:
    """Of several causes for one refusal each goes by itself."""
    assert _left(checks, "if a or b or c:\n    return Errno.EBUSY, 0") == [
        f"if {left}:    return (Errno.EBUSY, 0)" for left in ("b or c", "a or c", "a or b")
    ]


def test_a_loop_does_not_look_again() -> None:
    """That a lost race is run once more is a check too."""
    assert _left(checks, "while True:\n    if ret is not Errno.EEXIST:\n        break") == [
        "while True:    break"
    ]


@pytest.mark.parametrize(
    "body",
    [
        "if folio is None:\n    return Errno.ENOMEM",
        "if folio is not None:\n    return folio",
        "if not isinstance(ret, Errno):\n    return ret",
        "if isinstance(ret, Errno):\n    return None",
        "if nr == 1:\n    return None, shadow",
        "if is_sync:\n    return True",
        "if warn_on(kernel, invalid, 'no order'):\n    return Errno.EINVAL",
    ],
)
def test_what_is_no_check(body: str) -> None:
    """Neither what tells a result from its absence, nor a shorter way, nor what warns."""
    assert _left(checks, body) == []


def test_a_reference_is_not_dropped() -> None:
    """Each put is a reference, and so is each change of the count."""
    assert _left(references, "folio_put(kernel, folio)") == ["pass"]
    assert _left(references, "folio.refs -= folio.nr") == ["pass"]


def test_a_reference_is_not_taken() -> None:
    """Who looks a folio up uses it without a reference, but not one that has none left."""
    assert _left(references, "if folio_try_get(kernel, folio):\n    return folio") == [
        "if folio.refs != 0:    return folio"
    ]


def test_a_pair_is_dropped_at_once() -> None:
    """A device is still asked for, and not kept there."""
    body = "si = await get_swap_device(kernel, entry)\nuse()\nawait put_swap_device(kernel, si)"

    assert _left(references, body) == [
        "si = await get_swap_device(kernel, entry); "
        "if si is not None:    await put_swap_device(kernel, si); use(); pass"
    ]


def test_neighbours_change_places() -> None:
    """A scheduling point goes with what is done at it."""
    body = "await point('f.a', W, 'x')\nset_a()\nawait folio_unlock(kernel)\nput()"

    assert _left(orders, body) == [
        "await folio_unlock(kernel); await point('f.a', W, 'x'); set_a(); put()",
        "await point('f.a', W, 'x'); set_a(); put(); await folio_unlock(kernel)",
    ]


@pytest.mark.parametrize(
    "body",
    [
        "a()\nb()",
        "x = await a()\nb(x)",
        "await a()\nreturn x",
        "await a()\ncount_vm_event(kernel, 'X')",
        "await a()\nfolio.readahead = True",
        "await point('f.a', W, 'memcg')\na()\nawait point('f.b', W, 'lru')\nb()",
    ],
)
def test_what_has_no_order(body: str) -> None:
    """Neither has one step, nor what depends on the other, nor what nobody can see."""
    assert _left(orders, body) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_part_can_go(version: str) -> None:
    """Names are there once; without a part something of a version differs, and no more."""
    whole = load(version)
    parts = parts_of(whole)

    assert parts
    assert len({part.name for part in parts}) == len(parts)
    for part in parts:
        less = without(whole, part, "less")
        changed = [
            name
            for name, function in less.functions.items()
            if function is not whole.functions.get(name)
        ]
        assert changed, part
        assert less.mutant
        assert less.labels == whole.labels


def test_parts_are_numbered_by_kind_in_their_function() -> None:
    """A name says the function and the kind, and counts down the lines."""
    parts = sorted(parts_of(load("v3")), key=_place)

    for _, group in groupby(parts, key=_place):
        members = list(group)
        assert sorted(part.number for part in members) == [*range(1, len(members) + 1)]
    named = {part.name: part for part in parts}
    assert named["_roll_back.lock1"].what == "the lock section at swap_cache_alloc.rollback"
    assert named["_roll_back.order1"].line < named["_roll_back.order2"].line


def _place(part: Part) -> tuple[str, str]:
    return part.function, part.kind


def test_what_is_left_stands_in_its_file() -> None:
    """A traceback from a version without a part leads to the lines that everybody knows."""
    whole = load("v3").functions["_roll_back"]
    less = load("v3~_roll_back.lock1").functions["_roll_back"]

    assert less.__code__.co_filename == whole.__code__.co_filename
    lines = [{line for _, _, line in each.__code__.co_lines()} for each in (whole, less)]
    assert lines[1] <= lines[0] | {whole.__code__.co_firstlineno + 1}


def test_a_part_of_a_helper() -> None:
    """Where nobody can replace a function, all that call it are replaced."""
    less = load("v3~_map.check1")

    assert {
        name
        for name, function in less.functions.items()
        if function is not load("v3").functions.get(name)
    } == {"do_swap_page"}


def test_by_name() -> None:
    """Such a version is a mutant of the one it is of, whose expectations hold for it."""
    less = load("v4~_roll_back.lock1")

    assert less.name == "v4~_roll_back.lock1"
    assert less.summary == "v4 without the lock section at swap_cache_alloc.rollback"
    assert less.base == "v4"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "v3~_roll_bak.lock1",
            "v3~_roll_bak.lock1: part: v3 has no part of this name; 'swaptrio necessity "
            "--list' names all (got _roll_bak.lock1); did you mean '_roll_back.lock1'?",
        ),
        ("v33~_roll_back.lock1", "v33: variant: there is no variant of this name"),
    ],
)
def test_unknown(name: str, message: str) -> None:
    """A part that is none is told with the nearest that is one; so is a version."""
    with pytest.raises(VariantError) as caught:
        load(name)
    assert str(caught.value).startswith(message)


def test_a_part_of_a_file(tmp_path: object) -> None:
    """A user's own version has parts as well."""
    path = f"{tmp_path}/mine.py"
    with open(path, "w") as file:
        file.write(
            '"""Mine."""\nBASE = "v3"\n\n\n'
            "def _swap_cache_add_check(kernel, ci, targ_entry, nr):\n"
            "    if ci.table is None:\n        return Errno.ENOENT, 0\n    return None, 0\n"
        )

    less = load(f"{path}~_swap_cache_add_check.check1")

    assert (less.name, less.base) == ("mine~_swap_cache_add_check.check1", "v3")
