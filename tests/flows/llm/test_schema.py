"""What results of models are checked by."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flows.llm.schema import check_schema, misfit

ORDER = {
    "type": "object",
    "description": "An order",
    "properties": {
        "size": {"type": "string", "enum": ["S", "M"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "name": {"type": ["string", "null"], "minLength": 2, "maxLength": 4},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        "price": {"type": "number"},
        "paid": {"type": "boolean"},
    },
    "required": ["size", "count"],
    "additionalProperties": False,
}
GOOD = {"size": "S", "count": 1}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"name": None},
        {"name": "Ada"},
        {"tags": ["a", "b"]},
        {"price": 1},
        {"price": 1.5, "paid": True},
    ],
)
def test_what_fits_has_no_fault(more: dict[str, Any]) -> None:
    check_schema(ORDER)
    assert misfit(ORDER, GOOD | more) is None


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ([], "the result is no object"),
        ({"size": "S"}, "the result has no 'count'"),
        (GOOD | {"size": "L"}, "the result.size is none of ['S', 'M']"),
        (GOOD | {"count": 0}, "the result.count is below 1"),
        (GOOD | {"count": 10}, "the result.count is above 9"),
        (GOOD | {"count": True}, "the result.count is no integer"),
        (GOOD | {"count": 1.5}, "the result.count is no integer"),
        (GOOD | {"price": "1"}, "the result.price is no number"),
        (GOOD | {"paid": 1}, "the result.paid is no boolean"),
        (GOOD | {"name": 3}, "the result.name is no string or null"),
        (GOOD | {"name": "A"}, "the result.name's length is below 2"),
        (GOOD | {"name": "Augusta"}, "the result.name's length is above 4"),
        (GOOD | {"tags": []}, "the result.tags's length is below 1"),
        (GOOD | {"tags": ["a", 2]}, "the result.tags[1] is no string"),
        (GOOD | {"colour": "red"}, "the result has 'colour', which is not asked for"),
    ],
)
def test_what_does_not_fit_is_told_for_the_model(value: Any, fault: str) -> None:
    assert misfit(ORDER, value) == fault


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ([], "schema is no object"),
        ({"type": "string"}, 'give it "type": "object"'),
        (
            {"type": "object", "oneOf": []},
            "schema has 'oneOf', which is not checked; use additionalProperties,",
        ),
        ({"type": "object", "properties": {"a": {"pattern": "x"}}}, "schema.a has 'pattern'"),
        (
            {"type": "object", "properties": {"a": {"type": "date"}}},
            "schema.a has the type 'date'; there are",
        ),
        ({"type": "object", "required": ["a"]}, "schema requires 'a', which is not among its properties"),
        ({"type": "object", "properties": {"a": {"type": "array", "items": 3}}}, "schema.a[] is no object"),
    ],
)
def test_a_schema_that_asks_for_what_is_not_checked_is_refused(schema: Any, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as refused:
        check_schema(schema)
    assert "\n" not in str(refused.value)
