# SPDX-License-Identifier: MIT OR Apache-2.0
"""The format of scenario files as JSON Schema, for editors that complete and underline.

    python -m swaptrio.scenario.schema > scenarios/scenario.schema.json

A file names it on its first line, ``#:schema ./scenario.schema.json``. It knows the keys, their
types and ranges, and what the docstrings of the classes say of each. How tables fit together,
and the words of the model, only ``swaptrio check`` knows.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Final, Literal, get_args, get_origin

import attrs

from swaptrio.scenario.format import Scenario
from swaptrio.scenario.rules import Follows, Schema, schema_of

_PLAIN: Final = {bool: "boolean", int: "integer", str: "string"}
_ARGUMENT: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def schema() -> Schema:
    """The schema of a scenario file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A swaptrio scenario",
        **_table(Scenario),
    }


def _table(cl: type) -> Schema:
    attrs.resolve_types(cl)
    words = _words_of(cl)
    fields = attrs.fields(cl)
    return {
        "type": "object",
        "description": (inspect.getdoc(cl) or "").partition("\n")[0],
        "additionalProperties": False,
        "required": [field.name for field in fields if field.default is attrs.NOTHING],
        "properties": {
            field.name: {**_field(field), "description": words.get(field.name, "")}
            for field in fields
        },
    }


def _words_of(cl: type) -> dict[str, str]:
    """What the docstrings of a class, and of those that it builds on, say of each field."""
    found: dict[str, str] = {}
    for base in reversed(cl.__mro__):
        for name, text in _ARGUMENT.findall(inspect.cleandoc(base.__doc__ or "")):
            found[name] = " ".join(text.split())
    return found


def _field(field: attrs.Attribute[Any]) -> Schema:
    rules = field.validator.rules if isinstance(field.validator, Follows) else ()
    found = _merged(_type(field.type), schema_of(*rules))
    if isinstance(field.default, bool | int | str) and field.default != "":
        found["default"] = field.default
    return found


def _merged(one: Schema, two: Schema) -> Schema:
    """Both, one key of a table below the other."""
    both = dict(one)
    for key, said in two.items():
        value = said
        here = both.get(key)
        if isinstance(here, dict) and isinstance(value, dict):
            value = _merged(here, value)
        both[key] = value
    return both


def _type(wanted: Any) -> Schema:
    if isinstance(wanted, UnionType):
        return _type(next(arg for arg in get_args(wanted) if arg is not NoneType))
    if wanted in _PLAIN:
        return {"type": _PLAIN[wanted]}
    if isinstance(wanted, type) and attrs.has(wanted):
        return _table(wanted)
    if get_origin(wanted) is Literal:
        return {"type": "string", "enum": list(get_args(wanted))}
    if get_origin(wanted) is tuple:
        return {"type": "array", "items": _type(get_args(wanted)[0])}
    assert get_origin(wanted) is Mapping, wanted
    return {"type": "object", "additionalProperties": _type(get_args(wanted)[1])}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))
