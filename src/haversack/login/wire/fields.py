"""Single values as the Login calls write them."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, PlainSerializer
from pydantic.json_schema import WithJsonSchema

INT32_MAX = 2**31 - 1

ClientId = Annotated[int, Field(ge=1, le=INT32_MAX)]
ProjectNumber = Annotated[int, Field(ge=1, le=INT32_MAX)]
Payload = Annotated[str, Field(max_length=1024)]
Token = Annotated[str, Field(min_length=1, max_length=8192)]
WithLogout = Literal["0", "1"]
PhoneType = Literal["android", "ios"]
# The documents know phones alone; the Unity SDK signs players of computers in the same way.
DeviceType = Literal[PhoneType, "macos", "windows"]
PlayerId = Annotated[UUID, PlainSerializer(str, return_type=str)]
AttributeKey = Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z0-9_]+$")]
Gender = Literal["f", "m", "other", "prefer not to answer"]
Name = Annotated[str, Field(max_length=255)]


def sample_time(moment: datetime) -> str:
    """A time as Login's answers write it: 2018-05-17T11:22:52+0000."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _day(value: object) -> object:
    # Pydantic would also take numbers for days; the wire has texts.
    if isinstance(value, str) and len(value) == 10:
        return date.fromisoformat(value)
    raise ValueError("must be a day in the form YYYY-MM-DD")


Birthday = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
