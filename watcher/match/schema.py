"""The JSON Schema of a rule file, made from the tables that the reader uses; run as a module it writes the file."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from watcher.match.clauses import OPERATORS
from watcher.match.reading import CHOOSE, FACT_KEYS, SELECTION_KEYS
from watcher.match.rule import BelowFloor, Look, Where, Within
from watcher.match.slots import KINDS
from watcher.model import (
    AssetKind,
    Bound,
    FactKind,
    Language,
    Level,
    MoneyRole,
    PartyKind,
    PlaceKind,
    RuleStatus,
    Stance,
)

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "data" / "rule.schema.json"
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_TEXTS: dict[str, Any] = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 50}


def _enum(kind: type[StrEnum]) -> dict[str, Any]:
    return {"enum": [str(member) for member in kind]}


def _some(kind: type[StrEnum]) -> dict[str, Any]:
    return {"anyOf": [_enum(kind), {"type": "array", "items": _enum(kind), "minItems": 1}]}


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {})


def _counted(**properties: Any) -> dict[str, Any]:
    return {"anyOf": [_COUNT, _object({"count": _COUNT, **properties})]}


def _operators() -> dict[str, dict[str, Any]]:
    clauses = {"type": "array", "items": {"$ref": "#/$defs/clause"}, "minItems": 1}
    money = {
        "role": _some(MoneyRole),
        "bound": _some(Bound),
        "currency": _TEXTS,
        "at_least": {"type": ["string", "number"]},
    }
    days = {"type": "integer", "minimum": 0, "maximum": 40000}
    near = {"words": {"type": "integer", "minimum": 1, "maximum": 200}, "ordered": {"type": "boolean"}, "of": clauses}
    places = {"kind": _some(PlaceKind), "country": _TEXTS, "name": _TEXTS, "apart": {"type": "boolean"}}
    share = {"type": "number", "minimum": 0, "maximum": 1}
    special = {
        "near": _object(near, ("of",)),
        "money": _counted(**money),
        "places": _counted(**places),
        "parties": _counted(kind=_some(PartyKind), abroad={"type": "boolean"}),
        "assets": _counted(kind=_some(AssetKind)),
        "dates": _object({"older_than_days": days, "newer_than_days": days}),
        "selection": _TEXT,
        "likeness": _object({"model": _TEXT, "at_least": share, "at_most": share}, ("model",)),
        "regex": {"type": "string", "maxLength": 1000},
        "any": clauses,
        "all": clauses,
        "none": clauses,
    }
    return {name: special.get(name, _TEXTS) for name in OPERATORS}


def _clause() -> dict[str, Any]:
    single = [_object({name: schema}, (name,)) for name, schema in _operators().items()]
    return {"anyOf": [_TEXT, *single]}


def _selection() -> dict[str, Any]:
    clauses = {"type": "array", "items": {"$ref": "#/$defs/clause"}, "minItems": 1}
    known = {"within": _enum(Within), "in": _enum(Where), "stance": _some(Stance), "evidence": {"type": "boolean"}}
    return _object({key: known.get(key, clauses) for key in SELECTION_KEYS})


def _fact() -> dict[str, Any]:
    kinds = sorted({value for values in KINDS.values() for value in values})
    known: dict[str, Any] = {
        "kind": _enum(FactKind),
        "kinds": {"anyOf": [{"enum": kinds}, {"type": "array", "items": {"enum": kinds}}]},
        "prefer": {"anyOf": [{"enum": kinds}, {"type": "array", "items": {"enum": kinds}}]},
        "look": _enum(Look),
        "choose": {"enum": list(CHOOSE)},
        "captured_only": {"type": "boolean"},
        "many": {"type": "boolean"},
        "apart": {"type": "boolean"},
        "values": {"type": "object", "additionalProperties": _TEXTS},
        "default": _TEXT,
    }
    return _object({key: known.get(key, _TEXTS) for key in FACT_KEYS}, ("kind",))


def _test() -> dict[str, Any]:
    news = _object(
        {"title": _TEXT, "text": _TEXT, "language": _TEXT, "feed": _TEXT, "tags": _TEXTS}
        | {"published": {"type": "string", "format": "date"}}
    )
    example = {"anyOf": [_TEXT, news]}
    return _object({"match": example, "no_match": example, "facts": {"type": "object"}, "because": _TEXT})


def rule_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a rule file."""
    properties = {
        "id": {"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"},
        "title": _TEXT,
        "titles": _object({language.value: _TEXT for language in Language}),
        "status": _enum(RuleStatus),
        "level": _enum(Level),
        "description": _TEXT,
        "tags": _TEXTS,
        "falsepositives": _TEXTS,
        "params": _object({"at_least": {"type": ["string", "number"]}, "unknown_amount": {"enum": ["match", "skip"]}}),
        "selections": {"type": "object", "additionalProperties": {"$ref": "#/$defs/selection"}, "minProperties": 1},
        "condition": _TEXT,
        "frames": _TEXTS,
        "facts": {"type": "object", "additionalProperties": {"$ref": "#/$defs/fact"}},
        "floor": {"type": "number", "minimum": 0, "maximum": 1},
        "floor_verdicts": {"type": "integer", "minimum": 5, "maximum": 1000},
        "below_floor": _enum(BelowFloor),
        "tests": {"type": "array", "items": {"$ref": "#/$defs/test"}, "minItems": 2},
    }
    required = ("id", "title", "status", "level", "selections", "condition", "tests")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rule of the watcher",
        **_object(properties, required),
        "$defs": {"clause": _clause(), "selection": _selection(), "fact": _fact(), "test": _test()},
    }


def written(schema: dict[str, Any]) -> str:
    """The schema as the packaged file holds it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(written(rule_schema()), encoding="utf-8")
