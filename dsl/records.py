"""Data classes that are made quickly: `dataclass` as in the standard library, for the options used here.

The standard one writes and compiles the text of up to seven methods for each class, which for some 200 classes was a
quarter of the time that a short command takes. Here all share the methods that need no text, and `__init__` is compiled
when the first object is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses
    from operator import attrgetter
    from reprlib import recursive_repr

    def dataclass(
        cls: type | None = None, *, frozen: bool = False, eq: bool = True, repr: bool = True, slots: bool = False
    ) -> Any:
        """As `dataclasses.dataclass`, whose functions `fields`, `replace` and `asdict` work on it."""

        def make(cls: type) -> type:
            cls.__doc__ = cls.__doc__ or cls.__name__  # the standard one would inspect the signature
            made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
            fields = dataclasses.fields(made)
            names = tuple(f.name for f in fields)
            made.__init__ = _first_init(made, fields, frozen)
            if repr and "__repr__" not in cls.__dict__:
                made.__repr__ = _repr
            if eq:
                made._record_values = staticmethod(_getter(names))
                made.__eq__, made.__hash__ = _eq, _hash if frozen else None
            if frozen:
                made.__setattr__, made.__delattr__ = _refuse_to_set, _refuse_to_delete
                if slots:
                    made.__getstate__, made.__setstate__ = _state, _restore
            return made

        return make if cls is None else make(cls)

    def _getter(names: tuple[str, ...]) -> Any:
        if len(names) > 1:
            return attrgetter(*names)
        return lambda x: tuple(getattr(x, name) for name in names)

    def _first_init(cls: type, fields: Any, frozen: bool) -> Any:
        """A method that makes the one that takes its place, and calls it."""

        def __init__(self: Any, *given: Any, **named: Any) -> None:  # noqa: N807
            cls.__init__ = init = _init(cls, fields, frozen)
            init(self, *given, **named)

        return __init__

    def _init(cls: type, fields: Any, frozen: bool) -> Any:
        scope = {"_set": object.__setattr__, "_absent": _ABSENT}
        arguments, body = [], []
        for f in fields:
            value = f.name
            if f.default_factory is not dataclasses.MISSING:
                scope[f"_made_{f.name}"] = f.default_factory
                arguments.append(f"{f.name}=_absent")
                value = f"_made_{f.name}() if {f.name} is _absent else {f.name}"
            elif f.default is not dataclasses.MISSING:
                scope[f"_default_{f.name}"] = f.default
                arguments.append(f"{f.name}=_default_{f.name}")
            else:
                arguments.append(f.name)
            body.append(f"_set(self, {f.name!r}, {value})" if frozen else f"self.{f.name} = {value}")
        if hasattr(cls, "__post_init__"):
            body.append("self.__post_init__()")
        exec(f"def __init__(self, {', '.join(arguments)}):\n " + "\n ".join(body or ["pass"]), scope)
        init = scope["__init__"]
        init.__qualname__ = f"{cls.__qualname__}.__init__"
        return init

    _ABSENT = object()

    @recursive_repr()
    def _repr(self: Any) -> str:
        inside = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self))
        return f"{type(self).__qualname__}({', '.join(inside)})"

    def _eq(self: Any, other: object) -> bool:
        return (
            self._record_values(self) == self._record_values(other)
            if other.__class__ is self.__class__
            else NotImplemented
        )

    def _hash(self: Any) -> int:
        return hash(self._record_values(self))

    def _refuse_to_set(self: Any, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_to_delete(self: Any, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(self: Any) -> list[Any]:
        return [getattr(self, f.name) for f in dataclasses.fields(self)]

    def _restore(self: Any, state: list[Any]) -> None:
        for f, value in zip(dataclasses.fields(self), state, strict=True):
            object.__setattr__(self, f.name, value)
