# SPDX-License-Identifier: MIT OR Apache-2.0
"""Changes in words: what the shape of a key lets the picture leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swaptrio.trace import Trace, draw_lanes
from swaptrio.trace.changes import Census, changes_words, split_key, value_text

if TYPE_CHECKING:
    from swaptrio.trace.events import Change, Value

# A lock that is held for nothing that shows is one word (2); a folio comes with its interesting
# values (3); flags come and go (4, 6); counters start at 0, though they had no key before, and
# the group m1 is not new (5); a slot that becomes free shows a dash, and the folio goes (7).
LIFE = """\
step   fault
----   -----
   1   start
   2   swap_cache_alloc.check  lock/unlock swap0 cluster 0
   3   alloc_pages.grant  new folio 0x10 (refs 1, data 4 x ?)
   4   swap_cache_alloc.recheck
         lock swap0 cluster 0
         swap0:9 s1:102 -> f1:0x10
         folio 0x10 +locked +swapcache
         swap0:9.owner m1 -> -
         unlock swap0 cluster 0
   5   charge_memcg.grant
         folio 0x10.memcg none -> m1
         m1.memory 0 -> 4
         m1.memsw 0 -> 4
         refaults 0 -> 1
   6   folio_unlock.clear  m1.swap 2 -> 1  folio 0x10 +lru -locked
   7   folio_put.free
         swap0:9 f1:0x10 -> -
         folio 0x10 freed
         m1.memory 4 -> 0
         m1.memsw 4 -> 0
"""


def words(changes: dict[str, Change], *keys: str) -> list[str]:
    """The words for *changes* to a world with *keys*."""
    return list(changes_words(changes, Census.of(keys)))


def test_the_life_of_a_folio(folio: Trace) -> None:
    """The picture of a folio that comes, is charged and goes, with every saving."""
    assert LIFE in draw_lanes(folio)


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("folio 0x1000.refs", ("folio 0x1000", "refs")),
        ("swap0 cluster 0.count", ("swap0 cluster 0", "count")),
        ("swap0:17", ("swap0:17", "")),
        ("swap0:17.owner", ("swap0:17", "owner")),
        ("a.b.c", ("a.b", "c")),
        ("", ("", "")),
        (".", (".", "")),
        (".b", (".b", "")),
        ("a.", ("a.", "")),
    ],
)
def test_a_key_is_an_object_and_a_field(key: str, parts: tuple[str, str]) -> None:
    """The last point divides a key, if something stands on both sides of it."""
    assert split_key(key) == parts


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("a b", "b c"), "x +c -a"),
        ((None, "a b"), "x +a +b"),
        (("a", None), "x -a"),
        (("a b", "b a"), "x.flags a b -> b a"),
        ((None, ""), "x.flags - -> ''"),
        ((3, 4), "x.flags 3 -> 4"),
        (("a", 4), "x.flags a -> 4"),
    ],
)
def test_flags_come_and_go(change: Change, text: str) -> None:
    """A set of words is told by its differences; what is no set, or has none, by its values."""
    assert words({"x.flags": change}, "x.flags", "x.other") == [text]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (None, 3, "k 0 -> 3"),
        (3, None, "k 3 -> 0"),
        (None, 0, "k - -> 0"),
        (None, "s1", "k - -> s1"),
        ("s1", None, "k s1 -> -"),
        ("? ? ?", "d1 d2 d3", "k 3 x ? -> d1 d2 d3"),
        ("? ?", "", "k ? ? -> ''"),
    ],
)
def test_what_is_absent_is_zero_or_a_dash(
    old: Value | None, new: Value | None, text: str
) -> None:
    """An absent key was 0 where it counts, and a dash where it is a text."""
    assert words({"k": (old, new)}) == [text]


def test_an_object_is_new_when_all_of_it_comes_at_once() -> None:
    """Two or more fields of an object that was not there, a text among them."""
    fields: dict[str, Change] = {"f.refs": (None, 1), "f.memcg": (None, "none")}

    assert words(fields) == ["new f (refs 1)"]
    assert words({"f.memcg": (None, "none"), "f.flags": (None, "")}) == ["new f"]
    assert words({"f.flags": (None, "a b"), "f.d": (None, 17 * "x")}) == ["new f (a b)"]
    assert words(fields, "f.data") == ["f.refs 0 -> 1", "f.memcg - -> none"]
    assert words({"f.memcg": (None, "m1")}) == ["f.memcg - -> m1"]
    assert words({"m1.memory": (None, 1), "m1.memsw": (None, 1)})[0] == "m1.memory 0 -> 1"
    assert words({"s:1": (None, "s1"), "s:1.owner": (None, "m1")})[0] == "s:1 - -> s1"


def test_an_object_is_freed_when_all_of_it_goes_at_once() -> None:
    """Two or more fields, a text among them, and none that stays."""
    fields: dict[str, Change] = {"f.refs": (1, None), "f.memcg": ("m1", None)}

    assert words(fields, *fields) == ["f freed"]
    assert words(fields, *fields, "f.data") == ["f.refs 1 -> 0", "f.memcg m1 -> -"]
    assert words({"f.refs": (1, 2), "f.memcg": ("m1", None)}, *fields)[0] == "f.refs 1 -> 2"


def test_the_census_follows() -> None:
    """An object that was freed can be new again."""
    come: dict[str, Change] = {"f.a": (None, "x"), "f.b": (None, "y")}
    go: dict[str, Change] = {"f.a": ("x", None), "f.b": ("y", None)}
    census = Census()

    told: list[str] = []
    for changes in (come, go, come):
        told += changes_words(changes, census)
        census.follow(changes)

    assert told == ["new f (a x, b y)", "f freed", "new f (a x, b y)"]


def test_equal_words_are_counted() -> None:
    """A value of three or more equal words is told by their number."""
    assert [value_text(text) for text in ("?", "? ?", "? ? ?", "? ? !")] == [
        "?",
        "? ?",
        "3 x ?",
        "? ? !",
    ]
