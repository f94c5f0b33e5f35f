# SPDX-License-Identifier: MIT OR Apache-2.0
"""Conformance vectors: one recorded call of swap_cache_alloc_folio each.

A vector says what the table looked like, how the allocations and charges went and what other
threads did meanwhile, and what the call did. `vector_of` makes one of what a line holds, and
says what is wrong with it; `swaptrio.conform.files` reads the lines.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from swaptrio.conform.slots import LARGEST_SHADOW, NEW, Slot
from swaptrio.conform.values import Value

#: Slots of one cluster: those numbered 0 to 511.
SLOTS: Final = 512

#: Slots of the window in a vector.
WINDOW: Final = 16

#: The fields of ``out``, in the order of the format, and what a file may say for them.
_OUT: Final[dict[str, tuple[type, ...]]] = {
    "ret": (dict,),
    "win": (list,),
    "rest": (list,),
    "table": (bool,),
    "alloc": (list,),
    "charge": (list,),
    "fallback": (dict,),
    "fallback_charge": (dict,),
    "refault": (int, type(None)),
    "memcg1": (list,),
    "locks": (int,),
    "folio": (dict, type(None)),
    "lru": (int,),
    "freed": (list,),
    "slots_freed": (list,),
    "nr_file": (int,),
    "nr_swapcache": (int,),
    "warn": (int,),
    "trace": (str,),
}
FIELDS: Final = tuple(_OUT)

_IN: Final = (
    "base", "target", "orders", "vmf", "mpol", "fault_page", "table", "win", "rest", "alloc",
    "charge",
)  # fmt: skip
_IN_OPTIONAL: Final = ("deferred", "memcg")

#: The interference, and what follows the slot in each.
_OPS: Final = {
    "free": (), "put": (), "dup": (), "shadow": ("value",), "cache": ("order", "name"),
}  # fmt: skip

#: One piece of interference: its name, its slot, and what follows.
Op = tuple[str, int, *tuple[Any, ...]]

#: The scripted answer to one allocation or charge, and what others do before it is given.
Answer = tuple[bool, list[Op]]


@attrs.frozen(kw_only=True)
class VectorIn:
    """What a call was given, and how its surroundings behaved; the names are the format's.

    *deferred* and *memcg* are empty where a vector does not have them; slots are numbers.
    """

    base: int
    target: int
    orders: int
    vmf: bool
    mpol: bool
    fault_page: int | None
    table: bool
    win: list[Slot]
    rest: str
    alloc: list[Answer]
    charge: list[Answer]
    deferred: list[bool] = attrs.Factory(list)
    memcg: dict[int, int] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class Vector:
    """One vector; *source* is the file and line it comes from."""

    id: str
    grp: str
    given: VectorIn
    out: dict[str, Any]
    source: str

    @property
    def undefined(self) -> bool:
        """Whether the recorded code ran into undefined behaviour, so that nothing is known."""
        return "abort" in self.out


def vector_of(record: object, source: str) -> Vector:
    """The vector in what a line holds.

    Further keys beside ``id``, ``grp``, ``in`` and ``out`` are remarks, and not looked at.

    Raises:
        Malformed: it holds none; says where and why.
    """
    line = Value(record)
    return Vector(
        id=line["id"].text(),
        grp=line["grp"].text(),
        given=_given(line["in"]),
        out=_out(line["out"]),
        source=source,
    )


def _given(given: Value) -> VectorIn:
    given.only(_IN, _IN_OPTIONAL)
    vmf = given["vmf"].flag()
    return VectorIn(
        base=_base(given["base"]),
        target=given["target"].number(0, SLOTS - 1),
        orders=given["orders"].number(0, 2**64 - 1),
        vmf=vmf,
        mpol=given["mpol"].flag(),
        fault_page=_fault_page(given["fault_page"], vmf=vmf),
        table=given["table"].flag(),
        win=[_slot(token) for token in _window(given["win"])],
        rest=given["rest"].one_of(("-", "s")),
        alloc=[_answer(answer) for answer in given["alloc"].items()],
        charge=[_answer(answer) for answer in given["charge"].items()],
        deferred=[answer.flag() for answer in given.get("deferred", []).items()],
        memcg=dict(_owner(entry) for entry in given.get("memcg", {}).entries()),
    )


def _base(base: Value) -> int:
    if base.number(0, SLOTS - WINDOW) % WINDOW:
        raise base.wrong(f"expected a multiple of {WINDOW}")
    return base.number(0, SLOTS - WINDOW)


def _fault_page(page: Value, *, vmf: bool) -> int | None:
    if page.value is None and vmf:
        raise page.wrong("needed where vmf is true")
    return None if page.value is None else page.number(0, 2**52 - 1)


def _window(window: Value) -> list[Value]:
    tokens = window.items()
    if len(tokens) != WINDOW:
        raise window.wrong(f"expected {WINDOW} slots, not {len(tokens)}")
    return tokens


def _slot(token: Value) -> Slot:
    """A slot as a vector begins with it."""
    slot = _token(token)
    if slot.folio == NEW:
        raise token.wrong("the name 'new' is that of the folio that the call makes")
    return slot


def _token(token: Value) -> Slot:
    try:
        return Slot.parse(token.text())
    except ValueError as exc:
        raise token.wrong(str(exc)) from exc


def _answer(answer: Value) -> Answer:
    good, ops = answer.items_named("good", "ops")
    return good.flag(), [_op(op) for op in ops.items()]


def _op(op: Value) -> Op:
    words = op.items()
    if len(words) < 2:
        raise op.wrong("expected the name of an interference and its slot")
    name = words[0].one_of(tuple(_OPS))
    _, slot, *more = op.items_named("name", "slot", *_OPS[name])
    number = slot.number(0, SLOTS - 1)
    if name == "shadow":
        return name, number, more[0].number(0, LARGEST_SHADOW)
    if name == "cache":
        return name, number, more[0].number(0, 9), _folio(more[1])
    return name, number


def _folio(name: Value) -> str:
    """The name of a foreign folio: one that would be read back from a token."""
    try:
        plain = Slot.parse(f"f1:{name.text()}") == Slot("f", 1, folio=name.text())
    except ValueError:
        plain = False
    if not plain or name.value == NEW:
        raise name.wrong("expected the name of a foreign folio, a word")
    return name.text()


def _owner(entry: tuple[Value, Value]) -> tuple[int, int]:
    slot, owner = entry
    text = slot.text()
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) < SLOTS):
        raise slot.wrong(f"expected the number of a slot, 0 to {SLOTS - 1}")
    return int(text), owner.number(0, 2**16 - 1)


def _out(out: Value) -> dict[str, Any]:
    if "abort" in out.table():
        return out.table()
    out.only(FIELDS, ())
    for field, kinds in _OUT.items():
        out[field].a(*kinds)
    tokens = [str(_token(token)) for token in _window(out["win"])]
    return {**out.table(), "win": tokens, "rest": [_run(run) for run in out["rest"].items()]}


def _run(run: Value) -> list[Any]:
    first, number, token = run.items_named("first", "number", "token")
    return [first.number(0, SLOTS - 1), number.number(1, SLOTS), str(_token(token))]
