# SPDX-License-Identifier: MIT OR Apache-2.0
"""The state of an execution as something that can be compared with that of another one.

Two states are taken for one only if everything that comes is the same. So a state is all that
the future can depend on, found by going through the objects from its roots:

* each task: its declared operation, whether it can go on, and what its
  frames refer to: the local variables, and the unnamed values of an expression or a ``for``
  loop in progress;
* what is called at the end: the checks, and the function that tells the final state;
* the clock: how far the sleepers' deadlines lie ahead; the time itself, once it has been read;
* where a bound on preemptions counts: who runs.

Objects have no identity from one
execution to another, so they are numbered in the order in which the walk meets them: what is
compared is the shape of the graph with all plain values in it. Modules, classes and code are
named; what is kept in module globals is not looked at, as no program may keep state there from
one execution to the next.

A class may have a method ``state_parts``. What it returns stands for all that its objects hold:
for a history of which only so much can ever matter, or a supply of names nobody has yet.

An object that cannot be looked into (an open file, a ``groupby``, a set of objects) is never
the same twice: the search then explores more than it must, and never less.

Parts are interned: a state is a tuple of small numbers, one for each object.
"""

from __future__ import annotations

import gc
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache, partial
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, Final, TypeAlias, cast

import attrs

from swaptrio.sched.execution import Execution
from swaptrio.sched.operation import Deed
from swaptrio.sched.parts import Parts
from swaptrio.sched.task import Task

_Slot: TypeAlias = "Callable[[Any], object]"
_Look: TypeAlias = "Callable[[Any], Iterable[object] | None]"

#: What a state is compared by.
State: TypeAlias = tuple[int, ...]

#: Equal if and only if their types are, too.
_ATOMS: Final = frozenset({int, str, bytes, type(None), CodeType, range, complex})

#: Iterators whose ``__reduce__`` shows their position and leaves it alone.
_SHOWN: Final[tuple[object, ...]] = (
    iter([]),
    reversed([]),
    iter(()),
    iter(range(0)),
    iter(""),
    iter(b""),
    iter({}),
    iter({}.values()),
    iter({}.items()),
    enumerate(()),
    zip(),
)
_VIEWS: Final[tuple[object, ...]] = ({}.keys(), {}.values(), {}.items())
_ITERATORS: Final = frozenset(type(iterator) for iterator in _SHOWN)

#: Modules whose frames hold nothing but what the declared operation tells.
_OURS: Final = frozenset({"swaptrio.sched.points", "swaptrio.sched.locks"})


@attrs.frozen(eq=False)
class Moment:
    """What the choice of the next task may change before the state can be looked at."""

    running: int
    now: int
    sleepers: tuple[tuple[int, int], ...]
    enabled: tuple[int, ...]

    @classmethod
    def of(cls, execution: Execution) -> Moment:
        """This one."""
        running = execution.running
        return cls(
            -1 if running is None or running.finished else running.index,
            execution.now,
            tuple([(time, index) for time, index, _ in sorted(execution.sleepers, key=_when)]),
            tuple(execution.enabled),
        )


def _when(sleeper: tuple[int, int, Task]) -> tuple[int, int]:
    return sleeper[:2]


@contextmanager
def _unreported(execution: Execution) -> Iterator[None]:
    """A block whose looks at objects that report what is done to them are no accesses."""
    touched, execution.touched = execution.touched, None
    try:
        yield
    finally:
        execution.touched = touched


@attrs.define(eq=False)
class States:
    """Names the states of one execution after another; *bounded* says that it matters who runs.

    What exists when an execution begins is numbered then, in the same order every time. So a
    task that refers to nothing else has the same part in each state until it runs again; and of
    those objects only what may change is looked at. What lasts from one execution to the next
    is numbered once.
    """

    bounded: bool = False
    _ids: Parts = attrs.Factory(Parts)
    _unseen: Iterator[int] = attrs.Factory(itertools.count)
    _numbers: dict[int, int] = attrs.Factory(dict)
    _begun: list[object] = attrs.Factory(list)
    _changing: list[tuple[_Look, object]] = attrs.Factory(list)
    _last: list[_Last | None] = attrs.Factory(list)
    _lasting: _Lasting | None = None
    _parts: dict[int, int] = attrs.Factory(dict)

    @classmethod
    def after(cls, known: tuple[list[bytes], int], *, bounded: bool = False) -> States:
        """Those that go on with what others, in this process or another, have *known*."""
        digests, unseen = known
        return cls(bounded, Parts(digests), itertools.count(unseen))

    def known(self) -> tuple[list[bytes], int]:
        """The digests of all parts, by their numbers, and what was never the same twice."""
        return self._ids.digests(), next(self._unseen)

    def begin(self, execution: Execution, final: object) -> None:
        """Number what *execution* begins with; *final* is what the program has returned."""
        with _unreported(execution):
            self._begin(execution, final)

    def name(self, execution: Execution, moment: Moment) -> State:
        """The state of *execution* at *moment*; all its tasks are suspended."""
        with _unreported(execution):
            return self._name(execution, moment)

    def _begin(self, execution: Execution, final: object) -> None:
        lasting = self._lasting
        if lasting is None or not lasting.serves(execution):
            lasting = self._lasting = self._number_lasting(execution)
        self._parts, self._changing, self._last = {}, [*lasting.changing], [*lasting.last]
        graph = _Graph(self._unseen, lasting.numbers.copy(), len(lasting.met))
        for task in execution.tasks:
            graph.task(task)
        graph.value(execution.at_end)
        graph.value(final)
        self._note(graph)
        self._numbers, self._begun = graph.numbers, [*lasting.met, *graph.met]

    def _number_lasting(self, execution: Execution) -> _Lasting:
        # Who decides is no part of the state, even where it has a look at the end.
        decides = execution.strategy
        graph = _Graph(self._unseen, {id(decides): -1})
        for value in execution.lasting:
            graph.value(value)
        self._changing, self._last = [], []
        self._note(graph)
        roots = [decides, *execution.lasting]
        return _Lasting(roots, graph.numbers, graph.met, self._changing, self._last)

    def _note(self, graph: _Graph) -> None:
        """Note what the objects hold that *graph* has met, and meets on the way."""
        for value in graph.met:  # grows
            inside = look_into(value)
            named = graph.named(value, inside)
            if type(value) not in _FIXED:
                self._changing.append((_LOOKS[type(value)], value))
                part = self._ids[named]
                self._last.append(None if inside is None else _Last.of(inside, part))

    def _name(self, execution: Execution, moment: Moment) -> State:
        ids, parts = self._ids, self._parts
        clock = _clock(execution, moment, bounded=self.bounded)
        graph = _Graph(self._unseen, self._numbers.copy(), len(self._begun))
        state = [ids[clock]]
        for task in execution.tasks:
            part = parts.get(task.index)
            if part is None:
                part = ids[graph.task(task)]
                if not graph.met:
                    parts[task.index] = part
            state.append(part)
        for place, (look, value) in enumerate(self._changing):
            inside, last = look(value), self._last[place]
            if last is not None and inside is not None and last.same == tuple(map(id, inside)):
                state.append(last.part)
            else:
                state.append(self._part(graph, place, value, inside))
        state += [ids[held] for held in graph.parts()]
        self.goes_on(execution)
        return tuple(state)

    def goes_on(self, execution: Execution) -> None:
        """The running task is no longer where it was; to be called for each that has run.

        `name` does so for the one that was chosen when it is called.
        """
        if execution.running is None:
            self._parts.clear()  # nobody knows who goes on
        else:
            self._parts.pop(execution.running.index, None)

    def _part(
        self, graph: _Graph, place: int, value: object, inside: Iterable[object] | None
    ) -> int:
        """The part of an object that was there at the beginning, and holds something else now.

        It stays as long as the object holds the very same things, if these too were all there
        at the beginning: then their numbers stay. What is held is kept, so nothing else can
        come to lie at its address.
        """
        graph.fresh = False
        part = self._ids[graph.named(value, inside)]
        known = None if inside is None or graph.fresh else _Last.of(inside, part)
        self._last[place] = known
        return part


@attrs.frozen(eq=False)
class _Last:
    """The part of an object, and what it held: the addresses, and the things themselves."""

    same: tuple[int, ...]
    inside: Iterable[object]
    part: int

    @classmethod
    def of(cls, inside: Iterable[object], part: int) -> _Last:
        """The part of what holds *inside*."""
        return cls(tuple(map(id, inside)), inside, part)


@attrs.frozen(eq=False)
class _Lasting:
    """What was numbered of objects with which several executions begin.

    *roots* are who decides, and what leads to the objects. All that was *met* is kept, so that
    nothing else can come to lie at an address that has a number.
    """

    roots: list[object]
    numbers: dict[int, int]
    met: list[object]
    changing: list[tuple[_Look, object]]
    last: list[_Last | None]

    def serves(self, execution: Execution) -> bool:
        """Whether *execution* begins with the same objects."""
        roots = [execution.strategy, *execution.lasting]
        return list(map(id, roots)) == list(map(id, self.roots))


def shape_of(execution: Execution, unseen: Iterator[int]) -> Hashable:
    """What all steps to come depend on if they are decided as before; all tasks are suspended.

    Equal for two moments of one execution whatever was replaced by its like in between, for
    objects are numbered by this walk alone. What is called at the end is left out: of an
    execution that goes round for ever it is never called. So are who decides and what no step
    reads. *unseen* numbers what cannot be looked into.
    """
    with _unreported(execution):
        apart = map(id, (execution.strategy, *execution.unread))
        graph = _Graph(unseen, dict.fromkeys(apart, -1))
        tasks = [graph.task(task) for task in execution.tasks]
        return (_clock(execution, Moment.of(execution), bounded=True), *tasks, *graph.parts())


def _clock(execution: Execution, moment: Moment, *, bounded: bool) -> Hashable:
    """When and who: the time where it was read, who can go on or sleeps, and who runs."""
    now = moment.now
    return (
        now if execution.time_read else None,
        tuple([(time - now, index) for time, index in moment.sleepers]),
        moment.enabled,
        moment.running if bounded else None,
    )


@attrs.define(eq=False)
class _Graph:
    """A walk; *met* are objects in the order of their *numbers*, from *first* on.

    *fresh* is set when one of these is referred to.
    """

    _unseen: Iterator[int]
    numbers: dict[int, int]
    first: int = 0
    met: list[object] = attrs.Factory(list)
    fresh: bool = False

    def task(self, task: Task) -> Hashable:
        """What the future of a task depends on; what it holds its locks tell."""
        if task.finished:
            return (None, self.value(task.result))
        return (task.kind, task.label, self.value(task.target), *self._frames(task.coro))

    def parts(self) -> Iterator[Hashable]:
        """What the objects hold, in the order of their numbers; it meets more on the way."""
        for value in self.met:  # grows
            yield self.inside(value)

    def value(self, value: object) -> Hashable:
        """*value* itself, or the number of the object."""
        kind = type(value)
        if kind in _ATOMS:
            return value
        number = self.numbers.get(id(value))
        if number is not None:
            if number >= self.first:
                self.fresh = True
            return _reference(number)
        if kind is bool or kind is float:
            return (kind, value)
        if kind is tuple:
            return (tuple, *map(self.value, value))  # type: ignore[call-overload]  # a tuple
        if isinstance(value, Enum):
            return value
        if kind is Task:
            return (Task, value.index)  # type: ignore[attr-defined]  # a task
        self.fresh = True
        number = self.numbers[id(value)] = self.first + len(self.met)
        self.met.append(value)
        return _reference(number)

    def inside(self, value: object) -> Hashable:
        """What an object holds."""
        return self.named(value, look_into(value))

    def named(self, value: object, inside: Iterable[object] | None) -> Hashable:
        """What an object holds, which is *inside*; None for what cannot be looked into."""
        kind = type(value)
        if inside is None:
            return (kind, next(self._unseen))
        if _ATOMS.issuperset(map(type, inside)):  # as in a table of hundreds of words
            return (kind, *inside)
        return (kind, *map(self.value, inside))

    def _frames(self, awaited: Any) -> Iterator[Hashable]:
        while awaited is not None:
            if type(awaited) is CoroutineType:
                inner, frame = awaited.cr_await, awaited.cr_frame
            else:
                inner = getattr(awaited, "gi_yieldfrom", None)
                frame = getattr(awaited, "gi_frame", None)
            if not isinstance(frame, FrameType):
                yield next(self._unseen)
            elif frame.f_globals.get("__name__") not in _OURS:
                yield tuple(map(self.value, _suspended(awaited, inner, frame)))
            awaited = inner


def _suspended(whose: object, inner: object, frame: FrameType) -> tuple[object, ...]:
    """Which names are bound, and all that the frame refers to, with a name or without."""
    local, code = frame.f_locals, frame.f_code
    values = [
        value
        for value in gc.get_referents(whose)
        if value is not inner and value is not local and type(value) is not FrameType
    ]
    # Not in the order of the mapping: that tells when somebody has looked at it before.
    bound = [name for name in _names(code) if name in local]
    return (code, frame.f_lasti, *bound, *values)


@cache
def _reference(number: int) -> Hashable:
    return (object, number)


@cache
def _names(code: CodeType) -> tuple[str, ...]:
    return (*code.co_varnames, *code.co_cellvars, *code.co_freevars)


def look_into(value: object) -> Iterable[object] | None:
    """What an object holds, by its type."""
    kind = type(value)
    look = _LOOKS.get(kind)
    if look is None:
        look = _LOOKS[kind] = _look_into(kind)
    return look(value)


def _look_into(kind: type) -> _Look:
    """How to look into objects of a type; None is what cannot be looked into."""
    known = _KNOWN.get(kind)
    if known is not None:
        return known
    if kind in _ITERATORS:
        return lambda value: value.__reduce__()
    if issubclass(kind, type):
        return lambda value: (value.__module__, value.__qualname__)
    parts = getattr(kind, "state_parts", None)
    if parts is not None:
        return cast("_Look", parts)
    fields = partial(_fields, _slots(kind))
    for base in (list, OrderedDict, dict, set, frozenset, deque):
        if issubclass(kind, base):
            return partial(_filled, _KNOWN[base], fields)
    if kind.__module__ != "builtins" and (kind.__dictoffset__ or _slots(kind)):
        return fields
    return lambda value: None


def _filled(look: _Look, fields: _Look, value: Any) -> tuple[object, ...] | None:
    """A container of a class of its own: what it holds, and its attributes."""
    inside, attributes = look(value), fields(value)
    if inside is None or attributes is None:
        return None
    held = tuple(inside)
    return (len(held), *held, *attributes)


def _fields(slots: tuple[_Slot, ...], value: Any) -> tuple[object, ...]:
    try:
        held = tuple([get(value) for get in slots])
    except AttributeError:
        held = tuple([_get(get, value) for get in slots])
    named = getattr(value, "__dict__", None)
    # No pair of a name and a value: it would be another one each time, and so never the same.
    return (*held, *named, *named.values()) if named else held


def _get(get: _Slot, value: Any) -> object:
    try:
        return get(value)
    except AttributeError:
        return _MISSING


def _slots(kind: type) -> tuple[_Slot, ...]:
    """What reads the slots of an object, past a property of the same name."""
    found: dict[str, _Slot] = {}
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in _TOLD:
                found[_mangled(base, name)] = base.__dict__[_mangled(base, name)].__get__
    return tuple(found.values())


def _mangled(kind: type, name: str) -> str:
    private = name.startswith("__") and not name.endswith("__")
    return f"_{kind.__name__.lstrip('_')}{name}" if private else name


def _items(mapping: Any) -> tuple[object, ...]:
    """All keys, and then all values; those that a class of its own may show otherwise."""
    return (*dict.keys(mapping), *dict.values(mapping))


def _ordered(mapping: Any) -> tuple[object, ...]:
    return (*OrderedDict.keys(mapping), *OrderedDict.values(mapping))


def _elements(values: Any) -> tuple[object, ...]:
    return tuple(list.copy(values))


def _set(values: Any) -> tuple[object, ...] | None:
    """Plain values have an order of their own; objects have none that means anything."""
    if all(type(value) in _ATOMS for value in values):
        return tuple(sorted(values, key=repr))
    return None


def _function(function: Any) -> tuple[object, ...]:
    return (
        function.__code__,
        function.__closure__,
        function.__defaults__,
        function.__kwdefaults__,
    )


def _cell(cell: Any) -> tuple[object, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # still empty
        return ()


def _generator(generator: Any) -> tuple[object, ...]:
    """Where it has stopped; nothing once it is over."""
    frame = generator.gi_frame
    return () if frame is None else _suspended(generator, None, frame)


_MISSING: Final = "(missing)"

#: What is no state, or what the operations of the tasks tell: who waits, and at which label.
_TOLD: Final = frozenset(
    {"__weakref__", "__dict__", "pending", "_label", "_since", "_to_write"}
)

#: What holds the same for ever.
_FIXED: Final = frozenset(
    {
        FunctionType,
        MethodType,
        BuiltinFunctionType,
        ModuleType,
        Execution,
        type,
        partial,
        object,
    }
)

_LOOKS: Final[dict[type, _Look]] = {}

_KNOWN: Final[dict[type, _Look]] = {
    list: _elements,
    deque: tuple,
    bytearray: tuple,
    dict: _items,
    **dict.fromkeys(map(type, _VIEWS), lambda view: tuple(gc.get_referents(view))),
    OrderedDict: _ordered,
    set: _set,
    frozenset: _set,
    CellType: _cell,
    FunctionType: _function,
    GeneratorType: _generator,
    MethodDescriptorType: lambda method: (method.__objclass__, method.__name__),
    WrapperDescriptorType: lambda method: (method.__objclass__, method.__name__),
    MethodWrapperType: lambda method: (method.__self__, method.__name__),
    MethodType: lambda method: (method.__self__, method.__func__),
    BuiltinFunctionType: lambda function: (function.__self__, function.__name__),
    partial: lambda call: (call.func, call.args, tuple(call.keywords.items())),
    ModuleType: lambda module: (module.__name__,),
    Execution: lambda execution: (),
    Deed: lambda deed: (),  # nobody decides by it
    type: lambda value: (value.__module__, value.__qualname__),
    object: lambda value: (),
}
