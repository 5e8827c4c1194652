"""The error catalogue: every refusal has a name, an HTTP status, a code and a sentence, and they stand only here.

`raise ITEM_NOT_FOUND(item_id=…)` anywhere; one handler renders the envelope of the wire family that was called.
Bugs are not in the catalogue: they end as one 500 with a reference number. `docs/errors.md` is made from these files.
"""

from haversack.errors import (
    backpack,
    buying,
    catalog,
    chains,
    clocks,
    families,
    login,
    payments,
    personalization,
    promotions,
    upsell,
)
from haversack.errors.backpack import *
from haversack.errors.buying import *
from haversack.errors.catalog import *
from haversack.errors.chains import *
from haversack.errors.clocks import *
from haversack.errors.families import *
from haversack.errors.kinds import ErrorKind as ErrorKind
from haversack.errors.kinds import Family as Family
from haversack.errors.kinds import Fault as Fault
from haversack.errors.kinds import Refusal as Refusal
from haversack.errors.login import *
from haversack.errors.payments import *
from haversack.errors.personalization import *
from haversack.errors.promotions import *
from haversack.errors.upsell import *


def every_kind() -> list[ErrorKind]:
    """The catalogue in the order of this file, families first."""
    found: dict[str, ErrorKind] = {}
    modules = (
        families,
        backpack,
        payments,
        catalog,
        promotions,
        personalization,
        chains,
        buying,
        login,
        clocks,
        upsell,
    )
    for value in (value for module in modules for value in vars(module).values()):
        if isinstance(value, Family):
            for kind in (value.invalid, value.unauthorized, value.not_found, *value.implied):
                found.setdefault(kind.name, kind)
        elif isinstance(value, ErrorKind):
            found.setdefault(value.name, value)
    return list(found.values())
