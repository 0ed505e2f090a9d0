"""Whether values that a person gave for settings are of the types that the settings have.

The settings are fields of a dataclass, their types as they are annotated. It knows nothing of what a setting means.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_type_hints


def find_misfit(owner: Any, values: Mapping[str, Any]) -> str | None:
    """Return the first value that its setting cannot have, as "n must be a whole number, not 'x'"; None: all fit.

    Args:
        owner: a dataclass, or one of its instances.
        values: name -> value; names that are no fields, and types other than those of WANTED, are passed over.
    """
    known = values and get_type_hints(owner if isinstance(owner, type) else type(owner))
    for name, value in values.items():
        kinds = _list_kinds(known.get(name))
        if kinds and not any(WANTED[kind][1](value) for kind in kinds):
            wanted = " or ".join(WANTED[kind][0] for kind in kinds)
            return f"{name} must be {wanted}, not {value!r}"
    return None


def _list_kinds(annotation: Any) -> list[Any]:
    """Return the types of WANTED that an annotation is, or is a choice of; none where it holds any other."""
    if annotation in WANTED:
        return [annotation]
    kinds = list(get_args(annotation))
    return kinds if kinds and all(kind in WANTED for kind in kinds) else []


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


WANTED: Mapping[Any, tuple[str, Callable[[Any], bool]]] = {
    int: ("a whole number", _is_whole),
    float: ("a number", _is_number),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    str: ("a text", lambda value: isinstance(value, str)),
    tuple[str, ...]: ("a list of texts", _is_texts),
    type(None): ("null", lambda value: value is None),
}
"""Type of a setting -> how it is called, and what fits."""
