"""One kind of registry, for the things that a user picks by name in a select box.

It knows nothing of what it holds. Everything that is not picked by name is passed as an argument instead.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from core.errors import UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to members; refuses a second member of the same name, and an unknown name lists the known ones."""

    def __init__(self, noun: str):
        self.noun = noun
        self._members: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorate a member to make it known under ``name``."""

        def add(member: T) -> T:
            if name in self._members:
                raise ValueError(f"The {self.noun} name {name!r} is taken by {self._members[name]!r}.")
            self._members[name] = member
            return member

        return add

    def get(self, name: str) -> T:
        """Return the member of that name; raises UnknownNameError with the known names."""
        try:
            return self._members[name]
        except KeyError:
            known = ", ".join(sorted(self._members))
            raise UnknownNameError(f"There is no {self.noun} named {name!r}; known: {known}.") from None

    def discard(self, name: str) -> None:
        """Forget a member, so that a person's own file can be read again after a change."""
        self._members.pop(name, None)

    def names(self) -> list[str]:
        """Return the known names in the order of registration."""
        return list(self._members)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members
