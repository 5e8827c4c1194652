"""The families of the wire, each with its own envelope and codes."""

from dataclasses import replace

from haversack.errors.kinds import make_family

BACKPACK = make_family("backpack", prefix="", codes={}, invalid_status=400)
LOGIN = make_family(
    "login",
    prefix="",
    codes={
        "invalid": "0",
        "unauthorized": "002-016",
        "route_not_found": "003-061",
        "too_many_requests": "002-057",
        "internal": "004-001",
        "unavailable": "004-001",
        "method_not_allowed": "0",
        "too_large": "0",
        "unsupported_media": "0",
        "request_in_progress": "0",
        "idempotency_key_reused": "0",
    },
    invalid_status=422,
)
STORE = make_family(
    "store",
    prefix="0401",
    codes={"invalid": 1102, "internal": 1000, "unauthorized": 1020, "unavailable": 1101},
    invalid_status=422,
    # The wire's words for it, which every other refusal with this code begins with too.
    invalid_sentence="Unprocessable Entity. {summary}",
)
# The same for daily and offer chains, whose contract has an object where the others have a list of faults.
CHAINS = replace(STORE, maps_faults=True)

# The merchant API: tokens and refunds, called by studios' back ends.
MERCHANT = make_family("merchant", prefix="", codes={}, invalid_status=422)
# What clients ask the payment page's own back end. Its codes are texts of eight digits.
PAYSTATION = make_family(
    "paystation",
    prefix="",
    codes={"unauthorized": "00010002", "internal": "00010001"},
    invalid_status=422,
)

# What browsers get: pages instead of envelopes.
PAGE = make_family("page", prefix="", codes={}, invalid_status=400)
# The same, but a player who pays is told other things than one who looks into a Backpack.
PAYMENT_PAGE = make_family("payment_page", prefix="", codes={}, invalid_status=400)
