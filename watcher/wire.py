"""Model values to JSON and back, for rows, the sandbox pipe and `--json`; leaves every decision to pydantic's rules."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def dump(value: object, kind: Any = None) -> Any:
    """JSON-safe form of a model value (bytes are not JSON-safe: keep them out)."""
    return _adapter(kind or type(value)).dump_python(value, mode="json")


def load(kind: type[T], data: Any) -> T:
    """The model value that `dump` made `data` from; raises pydantic's ValidationError on anything else."""
    value: T = _adapter(kind).validate_python(data)
    return value
