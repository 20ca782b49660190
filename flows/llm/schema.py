"""The part of JSON Schema that results of models are checked by; what is not checked is refused in a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_TOLD = frozenset({"title", "description"})
_CHECKED = frozenset(
    {
        *("type", "enum", "properties", "required", "additionalProperties", "items"),
        *("minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"),
    }
)


def check_schema(schema: object, place: str = "schema") -> None:
    """Raise ValueError, in one line, for what is no schema or asks for what is not checked."""
    if not isinstance(schema, Mapping):
        raise ValueError(f"{place} is no object")
    if place == "schema" and schema.get("type") != "object":
        raise ValueError('the schema is of an object: give it "type": "object" and "properties"')
    if unknown := schema.keys() - _CHECKED - _TOLD:
        raise ValueError(f"{place} has {sorted(unknown)[0]!r}, which is not checked; use {_list(_CHECKED)}")
    for kind in _kinds(schema):
        if kind not in _TYPES:
            raise ValueError(f"{place} has the type {kind!r}; there are {_list(_TYPES)}")
    for name, inner in schema.get("properties", {}).items():
        check_schema(inner, f"{place}.{name}")
    if missing := set(schema.get("required", ())) - schema.get("properties", {}).keys():
        raise ValueError(f"{place} requires {sorted(missing)[0]!r}, which is not among its properties")
    if "items" in schema:
        check_schema(schema["items"], f"{place}[]")


def misfit(schema: Mapping[str, Any], value: Any, place: str = "the result") -> str | None:
    """Why a value does not fit a schema that was checked, in words for the model; None when it fits."""
    kinds = _kinds(schema)
    if kinds and not any(_is_of(kind, value) for kind in kinds):
        return f"{place} is no {' or '.join(kinds)}"
    if "enum" in schema and not any(type(each) is type(value) and each == value for each in schema["enum"]):
        return f"{place} is none of {schema['enum']}"
    match value:
        case dict():
            return _misfit_of_object(schema, value, place)
        case list():
            items = schema.get("items", {})
            faults = (misfit(items, item, f"{place}[{index}]") for index, item in enumerate(value))
            size = _outside(schema, len(value), "minItems", "maxItems", f"{place}'s length")
            return size or next(filter(None, faults), None)
        case str():
            return _outside(schema, len(value), "minLength", "maxLength", f"{place}'s length")
        case bool():
            return None
        case int() | float():
            return _outside(schema, value, "minimum", "maximum", place)
    return None


def _misfit_of_object(schema: Mapping[str, Any], value: dict[str, Any], place: str) -> str | None:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            return f"{place} has no {name!r}"
    for name, inner in value.items():
        if name in known:
            if (fault := misfit(known[name], inner, f"{place}.{name}")) is not None:
                return fault
        elif schema.get("additionalProperties", True) is False:
            return f"{place} has {name!r}, which is not asked for"
    return None


def _outside(schema: Mapping[str, Any], size: float, smallest: str, largest: str, place: str) -> str | None:
    if smallest in schema and size < schema[smallest]:
        return f"{place} is below {schema[smallest]}"
    if largest in schema and size > schema[largest]:
        return f"{place} is above {schema[largest]}"
    return None


def _kinds(schema: Mapping[str, Any]) -> list[Any]:
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def _is_of(kind: str, value: Any) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _list(names: Any) -> str:
    return ", ".join(sorted(names))
