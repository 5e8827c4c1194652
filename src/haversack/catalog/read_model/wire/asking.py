"""What clients send to the catalog."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from haversack.catalog.read_model.pieces import ADDITIONAL_FIELDS
from haversack.catalog.read_model.records import Ask, Shelf, Subject
from haversack.catalog.read_model.rules import PAGE_SIZE_MAX, clamped
from haversack.http.wire import WireModel
from haversack.text import FALLBACK, language_of


def _country(value: str) -> str | None:
    return value.upper() if len(value) == 2 and value.isascii() and value.isalpha() else None


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _flag(value: object) -> object:
    return {"true": "1", "false": "0", "": "0"}.get(value, value) if isinstance(value, str) else value


class ReadQuery(WireModel):
    """How a part of the catalog is to be shown. Other parameters are ignored."""

    model_config = ConfigDict(extra="ignore")

    locale: Annotated[
        str, Field(description="language of all texts, of two or five letters; texts that lack it are in English")
    ] = FALLBACK
    country: Annotated[
        str | None,
        BeforeValidator(_none_if_empty),
        Field(description="ISO 3166-1 alpha-2; decides prices and what is sold at all"),
    ] = None
    promo_code: Annotated[
        str | None,
        Field(min_length=1, max_length=128, description="shows the unique offers that it opens"),
    ] = None
    show_inactive_time_limited_items: Annotated[
        int, BeforeValidator(_flag), Field(ge=0, le=1, description="1: items before and after their periods too")
    ] = 0
    with_geo: Annotated[
        bool, Field(description="say in X-User-Locale-Code and X-User-Country-Code whom the answer is for")
    ] = False
    additional_fields: list[str] = Field(
        [], alias="additional_fields[]", description=f"any of {', '.join(ADDITIONAL_FIELDS)}"
    )
    additional_fields_plain: list[str] = Field([], alias="additional_fields", description="the same without brackets")

    def ask(self, subject: Subject, shelf: Shelf = Shelf.SELLABLE, **about: Any) -> Ask:
        """The request in the read model's words."""
        named = {
            name for value in (*self.additional_fields, *self.additional_fields_plain) for name in value.split(",")
        }
        return Ask(
            subject=subject,
            shelf=shelf,
            language=language_of(self.locale) or FALLBACK,
            country=None if self.country is None else _country(self.country),
            fields=frozenset(named.intersection(ADDITIONAL_FIELDS)),
            with_inactive=bool(self.show_inactive_time_limited_items),
            with_geo=self.with_geo,
            promo_code=self.promo_code,
            **about,
        )


class PageQuery(ReadQuery):
    """A page of a list."""

    limit: Annotated[
        int,
        Field(ge=1, description=f"items on a page; more than {PAGE_SIZE_MAX} give {PAGE_SIZE_MAX}"),
        AfterValidator(clamped),
    ] = PAGE_SIZE_MAX
    offset: Annotated[int, Field(ge=0, description="items before the page")] = 0

    def ask_for_page(self, shelf: Shelf, group: str | None = None, skus: Iterable[str] = ()) -> Ask:
        """The request in the read model's words."""
        return self.ask(Subject.PAGE, shelf, group=group, skus=frozenset(skus), limit=self.limit, offset=self.offset)


class ListQuery(PageQuery):
    """A page of a list, or of some of its items: the Unity SDK asks for the products that a game has named."""

    skus: list[str] = Field(
        [], alias="sku[]", description="only the items with these SKUs; what is unknown is left out"
    )

    def ask_for_list(self, shelf: Shelf, group: str | None = None) -> Ask:
        """The request in the read model's words."""
        return self.ask_for_page(shelf, group, self.skus)
