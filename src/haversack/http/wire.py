"""What every body and view of the wire is made of."""

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, BeforeValidator
from pydantic._internal._model_construction import ModelMetaclass


class _PreparedLate(ModelMetaclass):
    """Makes models that Pydantic prepares when they are first used.

    `defer_build` holds for the making of the class alone. In the model's configuration FastAPI's fields would read it
    too, and be prepared in the middle of a request.
    """

    def __new__(mcs, *arguments: Any, **options: Any) -> Any:
        model: Any = super().__new__(mcs, *arguments, defer_build=True, **options)
        del model.model_config["defer_build"]
        return model


class WireModel(BaseModel, metaclass=_PreparedLate):
    """A body or a view. Preparing hundreds of them took a good part of each start, and a process uses few."""


def without(given: Any, names: Collection[str]) -> Any:
    """A body as it was sent, without members of these names; what is no object stays, for the checks to refuse."""
    return {name: value for name, value in given.items() if name not in names} if isinstance(given, dict) else given


def prepare_models() -> None:
    """Prepare every model that was declared: whoever uses them all is faster when none is prepared inside others."""
    models: list[type[WireModel]] = [WireModel]
    for model in models:
        models.extend(model.__subclasses__())
        model.model_rebuild()


def few_members(most: int) -> BeforeValidator:
    """Refuses an object of too many members before they are read: Pydantic counts them afterwards, and to find a fault
    in each of a hundred thousand takes seconds."""

    def check(value: object) -> object:
        if isinstance(value, dict) and len(value) > most:
            raise ValueError(f"must have {most} members at most")
        return value

    return BeforeValidator(check)
