"""Makes varied catalogs of any size: the same seed gives the same catalog."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from random import Random

from haversack.catalog.items.drafts import ContentDraft, ItemDraft
from haversack.catalog.items.drm import DRMS
from haversack.catalog.records import (
    Details,
    Expiration,
    ItemKind,
    ItemLimits,
    Media,
    Period,
    PreOrder,
    Price,
    Schedule,
    VirtualItemType,
    VirtualPrice,
)
from haversack.catalog.taxonomy.records import GivenAttribute, GivenValue, NewGroup
from haversack.catalog.transfer import words
from haversack.catalog.transfer.actions import Progress, write_catalog
from haversack.catalog.transfer.records import CatalogDraft, GroupDraft, RegionDraft
from haversack.context import Context
from haversack.text import Translations

# Items that are made and written at once: a large catalog never stands in memory as a whole.
PART = 2_000
PICTURES = "https://pictures.example.com/seed"
# Groups hold so many items on the average.
ITEMS_PER_GROUP = 100
REGIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("North America", ("US", "CA")),
    ("Western Europe", ("DE", "FR", "NL", "BE", "AT", "CH", "IE", "GB")),
    ("Nordics", ("DK", "FI", "IS", "NO", "SE")),
    ("Japan and Korea", ("JP", "KR")),
    ("Latin America", ("AR", "BR", "CL", "CO", "MX", "PE")),
    ("Gulf states", ("AE", "BH", "KW", "OM", "QA", "SA")),
)
# Currency, the country that it is for, and how many of it a dollar is.
COUNTRY_PRICES: tuple[tuple[str, str, Decimal], ...] = (
    ("EUR", "DE", Decimal("0.92")),
    ("EUR", "FR", Decimal("0.92")),
    ("GBP", "GB", Decimal("0.79")),
    ("JPY", "JP", Decimal("149")),
    ("BRL", "BR", Decimal("5.4")),
    ("KWD", "KW", Decimal("0.31")),
    ("PLN", "PL", Decimal("3.95")),
)
_DECIMALS = {"JPY": Decimal(1), "KWD": Decimal("0.001")}
_CENT = Decimal("0.01")
# Windows that are over, open, and still to come for a long time.
PERIODS = (
    Period("2021-03-01T00:00:00+03:00", "2021-03-15T00:00:00+03:00"),
    Period("2023-06-01T10:00:00+00:00", None),
    Period(None, "2093-01-01T00:00:00-05:00"),
    Period("2090-11-21T18:00:00+09:00", "2091-01-07T18:00:00+09:00"),
)


class SeedRefused(Exception):
    """A seed that the project does not take: something in it stands in the way."""


async def seed_catalog(
    context: Context, project_id: int, *, items: int, seed: int = 1, progress: Progress | None = None
) -> int:
    """Fill a project with so many items (keys of games count), with groups, attributes and regions; how many they are.

    Items of an earlier seed with the same SKUs are replaced. Every fifth item has texts in several languages, some have
    regions, periods, limits, countries' prices; the greater part is plain, as in shops that exist.
    """
    project = await context.directory.find_project(project_id)
    if project is None:
        raise SeedRefused(f"There is no project {project_id}.")
    now = project.clock.now()
    maker = _Maker(Random(seed), items)  # noqa: S311  (nothing of it is a secret)
    drafts = maker.drafts()
    below = CatalogDraft(regions=maker.regions(), attributes=maker.attributes, groups=maker.groups, total=items)
    done = 0
    while part := list(islice(drafts, PART)):
        # Regions are known again by their names in every part, and so have the same numbers.
        catalog = CatalogDraft(
            regions=below.regions,
            attributes=below.attributes if not done else (),
            groups=below.groups if not done else (),
            items=part,
            total=len(part),
        )
        faults = await write_catalog(context, project_id, catalog, now=now)
        if faults:
            raise SeedRefused(f"{len(faults)} items were refused, the first for: {faults[0].message}")
        done += sum(1 + len(draft.keys) for draft in part)
        if progress is not None:
            await progress(done, items)
    return done


@dataclass(slots=True)
class _Maker:
    """Draws items. What it has drawn may be named by what comes after it."""

    random: Random
    count: int
    currencies: list[str] = field(default_factory=list)
    goods: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    bundles: list[str] = field(default_factory=list)
    made: int = 0
    others: int = 0

    def regions(self) -> tuple[RegionDraft, ...]:
        """The regions, numbered from 1."""
        return tuple(
            RegionDraft(number, {"en-US": name}, countries) for number, (name, countries) in enumerate(REGIONS, start=1)
        )

    @property
    def attributes(self) -> tuple[GivenAttribute, ...]:
        """What items are described by."""
        return tuple(
            GivenAttribute(name, {"en": name.title()}, tuple(_value(each) for each in values))
            for name, values in words.ATTRIBUTES.items()
        )

    @property
    def groups(self) -> tuple[GroupDraft, ...]:
        """Groups, the first of them in three levels; every tenth is switched off."""
        return tuple(
            GroupDraft(
                NewGroup(
                    external_id=_group_id(number),
                    name={"en": words.group_name(number)},
                    description={"en": f"All about {words.group_name(number).lower()}."} if number % 2 else None,
                    is_enabled=number % 10 != 9,
                    sort_order=number % 7,
                ),
                parent_external_id=_group_id((number - 2) // 2) if 2 <= number < 14 else None,
            )
            for number in range(self.group_count)
        )

    @property
    def group_count(self) -> int:
        """How many groups there are: at least six, which is what a small shop has."""
        return max(6, min(200, self.count // ITEMS_PER_GROUP))

    def drafts(self) -> Iterator[ItemDraft]:
        """The items, so that each stands behind what it names."""
        for _ in range(min(self.count, max(2, min(40, self.count // 250)))):
            yield self._currency()
        while self.made < self.count:
            yield self._any()

    def _any(self) -> ItemDraft:
        drawn = self.random.randrange(1000)
        if drawn < 100:
            return self._package()
        if drawn < 180 and len(self.goods) >= 3:
            return self._bundle()
        if drawn < 205 and self.count - self.made >= 4:
            return self._game()
        if self.made >= 100 * (self.others + 1):
            self.others += 1
            return self._other(ItemKind.PHYSICAL_GOOD if self.others % 2 else ItemKind.VALUE_POINT)
        return self._good()

    # -- Kinds ------------------------------------------------------------------------------------------------------

    def _currency(self) -> ItemDraft:
        sku = self._sku("coin")
        draft = ItemDraft(
            kind=ItemKind.VIRTUAL_CURRENCY,
            sku=sku,
            name=words.name(self.random, words.CURRENCIES, all_languages=True),
            image_url=f"{PICTURES}/{sku}.webp",
            prices=self._prices(),
            virtual_prices=self._virtual_prices(1) if self.currencies else (),
            is_show_in_store=self.random.random() < 0.5,
            details=Details(is_hard=not self.currencies),
        )
        self.currencies.append(sku)
        return draft

    def _good(self) -> ItemDraft:
        sku = self._sku("good")
        is_free = self.random.random() < 0.03
        pays_in_game = self.random.random() < 0.4
        draft = self._sold(
            ItemKind.VIRTUAL_GOOD,
            sku,
            details=self._good_details(),
            prices=() if is_free or (pays_in_game and self.random.random() < 0.5) else self._prices(),
            virtual_prices=self._virtual_prices(2) if pays_in_game and not is_free else (),
            is_free=is_free,
        )
        self.goods.append(sku)
        return draft

    def _good_details(self) -> Details:
        drawn = self.random.randrange(10)
        is_random = self.random.random() < 0.04
        if drawn < 4:
            uses = self.random.choice([None, 1, 3, 10])
            return Details(is_consumable=True, usages_count=uses, is_paid_randomized_reward=is_random)
        if drawn < 5:
            unit = self.random.choice(["hour", "day", "week", "month"])
            length = Expiration(unit, self.random.randint(1, 30))
            return Details(expiration=length, is_paid_randomized_reward=is_random)
        given = VirtualItemType.NON_CONSUMABLE if drawn < 7 else None
        return Details(virtual_item_type=given, is_paid_randomized_reward=is_random)

    def _package(self) -> ItemDraft:
        sku = self._sku("pack")
        content = ContentDraft(self.random.choice(self.currencies), self.random.choice([100, 500, 1200, 2500, 6500]))
        draft = self._sold(
            ItemKind.VIRTUAL_CURRENCY_PACKAGE,
            sku,
            content=(content,),
            prices=self._prices(),
            virtual_prices=self._virtual_prices(1) if self.random.random() < 0.1 else (),
        )
        self.packages.append(sku)
        return draft

    def _bundle(self) -> ItemDraft:
        sku = self._sku("bundle")
        pools = [self.goods, self.goods, self.packages, self.currencies, self.keys, self.bundles[-20:]]
        content: dict[str, int] = {}
        for _ in range(self.random.randint(2, 5)):
            pool = self.random.choice([pool for pool in pools if pool])
            content.setdefault(self.random.choice(pool), self.random.choice([1, 1, 2, 5]))
        draft = self._sold(
            ItemKind.BUNDLE,
            sku,
            content=tuple(ContentDraft(each, quantity) for each, quantity in content.items()),
            prices=self._prices(),
        )
        self.bundles.append(sku)
        return draft

    def _game(self) -> ItemDraft:
        sku = self._sku("game")
        name = words.name(self.random, words.GAMES, all_languages=True)
        text = words.description(self.random)
        media = (Media("video", f"{PICTURES}/{sku}.mp4"), Media("image", f"{PICTURES}/{sku}-2.webp"))
        platforms = self.random.sample(list(DRMS), self.random.randint(1, 3))
        keys = []
        for drm_sku in platforms:
            key_sku = f"{sku}_{drm_sku}"
            self.made += 1
            self.keys.append(key_sku)
            keys.append(
                ItemDraft(
                    kind=ItemKind.GAME_KEY,
                    sku=key_sku,
                    name=name,
                    description=text,
                    image_url=f"{PICTURES}/{sku}.webp",
                    media_list=media,
                    groups=self._groups(1),
                    prices=self._prices(),
                    region_ids=self._regions(),
                    pre_order=self._pre_order(),
                    details=Details(drm_sku=drm_sku),
                )
            )
        return ItemDraft(
            kind=ItemKind.GAME,
            sku=sku,
            name=name,
            description=text,
            image_url=f"{PICTURES}/{sku}.webp",
            media_list=media,
            groups=self._groups(2),
            attributes=self._attributes(),
            sort_order=self.random.randint(1, 50),
            keys=tuple(keys),
        )

    def _other(self, kind: ItemKind) -> ItemDraft:
        is_goods = kind is ItemKind.PHYSICAL_GOOD
        return ItemDraft(
            kind=kind,
            sku=self._sku("parcel" if is_goods else "points"),
            name=words.name(self.random, words.PARCELS if is_goods else words.POINTS, all_languages=False),
            is_show_in_store=is_goods,
            prices=self._prices() if is_goods else (),
            details=Details(is_clan=not is_goods and self.random.random() < 0.3),
        )

    # -- Parts ------------------------------------------------------------------------------------------------------

    def _sold(
        self,
        kind: ItemKind,
        sku: str,
        *,
        prices: tuple[Price, ...],
        virtual_prices: tuple[VirtualPrice, ...] = (),
        content: tuple[ContentDraft, ...] = (),
        details: Details | None = None,
        is_free: bool = False,
    ) -> ItemDraft:
        draw = self.random.random
        has_languages = draw() < 0.2
        return ItemDraft(
            kind=kind,
            sku=sku,
            name=words.name(self.random, words.GOODS, all_languages=has_languages),
            description=words.description(self.random, all_languages=has_languages),
            long_description=words.description(self.random) if draw() < 0.1 else None,
            image_url=f"{PICTURES}/{sku}.webp",
            media_list=(Media("image", f"{PICTURES}/{sku}-2.webp"),) if draw() < 0.1 else (),
            groups=self._groups(2),
            attributes=self._attributes() if draw() < 0.3 else (),
            custom_attributes={"power": self.random.randint(1, 99), "season": sku[-1]} if draw() < 0.1 else None,
            prices=prices,
            virtual_prices=virtual_prices,
            is_free=is_free,
            is_enabled=draw() > 0.03,
            is_show_in_store=draw() > 0.05,
            sort_order=self.random.randint(1, 50),
            region_ids=self._regions(),
            periods=(self.random.choice(PERIODS),) if draw() < 0.08 else (),
            limits=self._limits() if draw() < 0.1 else None,
            pre_order=self._pre_order() if kind is ItemKind.VIRTUAL_GOOD else None,
            details=details or Details(),
            content=content,
        )

    def _sku(self, prefix: str) -> str:
        self.made += 1
        return f"{prefix}-{self.made:06d}"

    def _prices(self) -> tuple[Price, ...]:
        base = Decimal(self.random.randint(0, 59)) + Decimal("0.99")
        default = Price(base, "USD", is_default=True)
        if self.random.random() >= 0.3:
            return (default,)
        chosen = self.random.sample(COUNTRY_PRICES, self.random.randint(1, 4))
        return (default, *(_price(base, *each) for each in sorted(chosen)))

    def _virtual_prices(self, most: int) -> tuple[VirtualPrice, ...]:
        chosen = self.random.sample(self.currencies, min(most, len(self.currencies)))
        return tuple(
            VirtualPrice(sku, self.random.choice([10, 50, 120, 300, 990]), is_default=place == 0)
            for place, sku in enumerate(chosen)
        )

    def _groups(self, most: int) -> tuple[str, ...]:
        if self.random.random() < 0.05:
            return ()
        chosen = self.random.sample(range(self.group_count), self.random.randint(1, most))
        return tuple(_group_id(number) for number in sorted(chosen))

    def _attributes(self) -> tuple[GivenAttribute, ...]:
        names: Sequence[str] = self.random.sample(list(words.ATTRIBUTES), self.random.randint(1, 3))
        return tuple(
            GivenAttribute(
                name,
                None,
                tuple(_value(each) for each in self.random.sample(words.ATTRIBUTES[name], self.random.randint(1, 2))),
            )
            for name in names
        )

    def _regions(self) -> tuple[int, ...]:
        if self.random.random() >= 0.08:
            return ()
        return tuple(sorted(self.random.sample(range(1, len(REGIONS) + 1), self.random.randint(1, 3))))

    def _limits(self) -> ItemLimits:
        drawn = self.random.randrange(6)
        visibility = self.random.choice(["show", "hide"])
        total = self.random.randint(1, 10)
        if drawn == 0:
            return ItemLimits(per_item=self.random.randint(1, 5000))
        return ItemLimits(
            per_item=self.random.randint(100, 5000) if drawn == 1 else None,
            per_user=total,
            limit_exceeded_visibility=visibility,
            schedule=(None, None, *_SCHEDULES)[drawn],
        )

    def _pre_order(self) -> PreOrder | None:
        if self.random.random() >= 0.02:
            return None
        release = self.random.choice([None, datetime(2089, 5, 4, 12, tzinfo=UTC)])
        return PreOrder(release, is_enabled=True, description="Out when it is done.")


_SCHEDULES = (
    Schedule("hourly", "00:00:00+00:00", started_at=datetime(2023, 1, 1, tzinfo=UTC)),
    Schedule("daily", "08:00:00+03:00", started_at=datetime(2023, 1, 1, 5, tzinfo=UTC)),
    Schedule("weekly", "00:00:00-08:00", day_of_week=1, started_at=datetime(2023, 1, 2, 8, tzinfo=UTC)),
    Schedule("monthly", "12:00:00+05:30", day_of_month=31, started_at=datetime(2023, 1, 31, 6, 30, tzinfo=UTC)),
)


def _price(base: Decimal, currency: str, country: str, rate: Decimal) -> Price:
    amount = max((base * rate).quantize(_DECIMALS.get(currency, _CENT)), _DECIMALS.get(currency, _CENT))
    return Price(amount, currency, country_iso=country)


def _group_id(number: int) -> str:
    return f"group-{number:03d}"


def _value(external_id: str) -> GivenValue:
    texts: Translations | Mapping[str, str] = {"en": external_id.replace("-", " ").title()}
    return GivenValue(external_id, texts)
