# SPDX-License-Identifier: MIT OR Apache-2.0
"""From the tables of a TOML file to the classes of `format`, with all problems at once.

cattrs walks through the classes and gathers what goes wrong in groups of exceptions. Three
things are ours: values are never converted (true is no number, a text is no list of letters),
the rules of a field are asked right after its value is there, so that one broken field does not
hide the next, and the groups are told in the file's own terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import UnionType
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

import attrs
from cattrs import (
    BaseValidationError,
    ClassValidationError,
    Converter,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, override

from swaptrio.errors import MOST_LISTED, Problem, ScenarioError, place, shown
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.mend import MISSING_KEY, UNKNOWN_KEY
from swaptrio.scenario.windows import Window
from swaptrio.words import nearest

Keys: TypeAlias = tuple[str | int, ...]
Hook: TypeAlias = Callable[[Any, Any], Any]


def structure(tables: dict[str, Any]) -> Scenario:
    """The scenario that *tables* say.

    Raises:
        ScenarioError: they do not; its problems name no file.
    """
    try:
        return _CONVERTER.structure(tables, Scenario)
    except BaseValidationError as error:
        raise ScenarioError(_problems(error, ())) from None


def windows_of(tables: dict[str, Any]) -> Iterator[tuple[int, Window]]:
    """The windows of *tables* that are right by themselves, with their numbers."""
    found = tables.get("window")
    for number, table in enumerate(found if isinstance(found, list) else ()):
        try:
            yield number, _CONVERTER.structure(table, Window)
        except (BaseValidationError, ScenarioError, _WrongTypeError):
            continue  # what is wrong with it has been told


class _WrongTypeError(TypeError):
    def __init__(self, wanted: str, value: object) -> None:
        super().__init__(wanted, value)
        self.wanted = wanted
        self.value = value


def _problems(error: Exception, path: Keys) -> Iterator[Problem]:
    match error:
        case ScenarioError():
            for problem in error.problems:
                yield problem.under(*path)
        case _WrongTypeError():
            yield Problem("", place(*path), shown(error.value), f"must be {error.wanted}")
        case ForbiddenExtraKeysError():
            for key in sorted(error.extra_fields):
                yield _unknown_key(key, error.cl, path)
        case KeyError():
            yield Problem("", place(*path), "", MISSING_KEY)
        case ClassValidationError() | IterableValidationError():
            for inner in error.exceptions:
                yield from _problems(inner, (*path, *_step(inner)))
        case _:  # pragma: no cover -- no rule raises anything else; if one does, it is told
            yield Problem("", place(*path), "", f"cannot be used: {error!r}")


def _step(error: Exception) -> Keys:
    """The key or index that the innermost walk over *error* stood at.

    The problems of a ScenarioError start at the object whose rule it broke, so that they know
    the key already.
    """
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, IterableValidationNote):
            return (note.index,)
        if not isinstance(error, ScenarioError):
            return (note.name,)
    return ()


def _unknown_key(key: str, cl: type, path: Keys) -> Problem:
    known = [field.name for field in attrs.fields(cl)]
    return Problem("", place(*path, key), "", UNKNOWN_KEY, nearest(key, known) or "")


def _exactly(wanted: type, words: str) -> Hook:
    def hook(value: Any, _: Any) -> Any:
        if type(value) is not wanted:
            raise _WrongTypeError(words, value)
        return value

    return hook


_TEXT: Final = _exactly(str, "a string")
_LIST: Final = _exactly(list, "a list")
_TABLE: Final = _exactly(dict, "a table")


def _class_hook(cl: Any, converter: Converter) -> Hook:
    attrs.resolve_types(cl)
    fields = attrs.fields(cl)
    overrides: Any = {
        field.name: override(struct_hook=_field_hook(field, converter)) for field in fields
    }
    build = make_dict_structure_fn(
        cl,
        converter,
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=True,
        **overrides,
    )
    return lambda value, _: build(_TABLE(value, None), cl)


def _field_hook(field: attrs.Attribute[Any], converter: Converter) -> Hook:
    wanted = _without_none(field.type)

    def hook(value: Any, _: Any) -> Any:
        result = converter.structure(value, wanted)
        if field.validator is not None:
            field.validator(None, field, result)
        return result

    return hook


def _without_none(wanted: Any) -> Any:
    """The one type besides None: TOML has no null, so a key that is there has a value."""
    if isinstance(wanted, UnionType):
        return next(arg for arg in get_args(wanted) if arg is not type(None))
    return wanted


def _tuple_hook(wanted: Any, converter: Converter) -> Hook:
    element = get_args(wanted)[0]
    return lambda value, _: tuple(
        _each(enumerate(_LIST(value, None)), element, converter).values()
    )


def _mapping_hook(wanted: Any, converter: Converter) -> Hook:
    element = get_args(wanted)[1]
    return lambda value, _: _each(_TABLE(value, None).items(), element, converter)


def _each(entries: Any, element: Any, converter: Converter) -> dict[Any, Any]:
    """What becomes of all *entries*, pairs of an index or key and a value.

    It ends once there are more errors than anybody is told of.
    """
    found, errors = {}, []
    for index, value in entries:
        try:
            found[index] = converter.structure(value, element)
        except Exception as error:
            error.add_note(IterableValidationNote("", index, element))
            errors.append(error)
            if len(errors) > MOST_LISTED:
                break
    if errors:
        raise IterableValidationError("", errors, element)
    return found


def _is(origin: Any) -> Callable[[Any], bool]:
    return lambda wanted: get_origin(wanted) is origin


def _converter() -> Converter:
    converter = Converter(detailed_validation=True, forbid_extra_keys=True)
    converter.register_structure_hook(bool, _exactly(bool, "true or false"))
    converter.register_structure_hook(int, _exactly(int, "a whole number"))
    converter.register_structure_hook(str, _TEXT)
    converter.register_structure_hook_func(_is(Literal), _TEXT)
    converter.register_structure_hook_factory(attrs.has, _class_hook)
    converter.register_structure_hook_factory(_is(tuple), _tuple_hook)
    converter.register_structure_hook_factory(_is(Mapping), _mapping_hook)
    return converter


_CONVERTER: Final = _converter()
