"""Makes settings strict: pydantic models that refuse unknown keys, and errors that name the key and the nearest right one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from hicra.errors import ConfigError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
FIX = "see --help of the command, and recipes/*/config.yaml"


class Strict(BaseModel):
    """A frozen model that refuses unknown keys, and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Flat(Strict):
    """Holds settings without sections, for use from Python: a wrong value is a ConfigError where the class is called."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _explained(type(self), error, "", "", FIX) from None


def validated(model: type[Model], tree: dict[str, Any], where: str = "", *, under: str = "", fix: str = FIX) -> Model:
    """Returns the model with these values.

    Args:
        where: the end of an error's message: the file that the values come from.
        under: the start of a key in an error: the section that the values belong to.
        fix: what to do about a value that is refused.

    Raises:
        ConfigError: names the key, `where` it stands, and the nearest right one.
    """
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise _explained(model, error, where, under, fix) from None


def _explained(model: type[BaseModel], error: ValidationError, where: str, under: str, fix: str) -> ConfigError:
    first = error.errors()[0]
    path = first["loc"]
    key = under + ".".join(map(str, path))
    if first["type"] == "extra_forbidden":
        return ConfigError(f"unknown config key {key!r}{where}", did_you_mean(str(path[-1]), _keys(model, path[:-1])))
    if first["type"] == "missing":
        return ConfigError(f"{key} is missing{where}", f"the keys there are {', '.join(_keys(model, path[:-1]))}")
    if first["type"] == "finite_number":
        return ConfigError(f"{key} is {first.get('input')!r}, it must be a finite number{where}", fix)
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):
        return ConfigError(f"{cause.message}{where}", cause.fix)
    detail = str(cause) if cause else f"{key}: {first['msg']} (got {first.get('input')!r})"
    return ConfigError(f"{detail}{where}", fix)


def _keys(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """Returns the keys of the settings class that stands at the end of a path; a number on it is a place in a list."""
    inner: Any = model
    for part in path:
        inner = get_args(inner)[0] if isinstance(part, int) else inner.model_fields[part].annotation
        inner = get_args(inner)[0] if get_origin(inner) is Annotated else inner
    return list(inner.model_fields)


def fields_of(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yields every key of a settings class and of the classes inside it, dotted, in order, with its default and meaning."""
    for name, found in model.model_fields.items():
        inner = found.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from fields_of(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}", found


def field_of(model: type[BaseModel], key: str) -> FieldInfo:
    """Returns the field of one dotted key."""
    return dict(fields_of(model))[key]
