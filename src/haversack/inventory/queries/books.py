"""The questions that `haversack verify` asks: each finds the places where two accounts of one thing differ.

Every statement takes a project and gives `place`, what the ledger or the orders say (`expected`), and what stands in
the table (`found`). They read whole tables of a project, set against set.
"""

from collections.abc import Mapping

from sqlalchemy import TextClause, text

LIST_PROJECTS = text("SELECT project_id FROM projects ORDER BY project_id")

# The first row of each account that does not follow from the one before it; what comes after is not looked at.
CHAINS = """
WITH chained AS (
    SELECT *, lag(hash, 1, ''::bytea) OVER account AS previous, row_number() OVER account AS place
    FROM ledger WHERE project_id = :project
    WINDOW account AS (PARTITION BY player_id ORDER BY seq)
), hashed AS (
    SELECT *, ledger_hash(previous, place, project_id, player_id, kind, subject, change, detail, source, changed_at)
              AS computed
    FROM chained
)
SELECT DISTINCT ON (player_id) 'account ' || player_id || ' row ' || place AS place,
       'row ' || place || ' with hash ' || encode(computed, 'hex') AS expected,
       'row ' || seq || ' with hash ' || encode(hash, 'hex') AS found
FROM hashed WHERE seq <> place OR hash <> computed ORDER BY player_id, seq
"""
HEADS = """
WITH last AS (
    SELECT DISTINCT ON (player_id) player_id, seq, hash FROM ledger
    WHERE project_id = :project ORDER BY player_id, seq DESC
), heads AS (SELECT player_id, seq, hash FROM ledger_heads WHERE project_id = :project)
SELECT 'account ' || player_id AS place,
       coalesce('row ' || last.seq || ' with hash ' || encode(last.hash, 'hex'), 'no row') AS expected,
       coalesce('row ' || heads.seq || ' with hash ' || encode(heads.hash, 'hex'), 'no head') AS found
FROM last FULL JOIN heads USING (player_id)
WHERE (last.seq, last.hash) IS DISTINCT FROM (heads.seq, heads.hash)
"""
DIGESTS = """
WITH digests AS (
    SELECT *, lag(digest, 1, ''::bytea) OVER (ORDER BY digest_id) AS previous
    FROM ledger_digests WHERE project_id = :project
), computed AS (
    SELECT digest_id,
           sha256(digests.previous || string_agg(
               uuid_send(head.player_id) || int8send(head.seq) || ledger.hash, ''::bytea ORDER BY head.player_id
           )) AS digest,
           count(*) - count(ledger.hash) AS missing
    FROM digests
    CROSS JOIN LATERAL unnest(players, seqs) AS head (player_id, seq)
    LEFT JOIN ledger ON ledger.project_id = :project AND ledger.player_id = head.player_id AND ledger.seq = head.seq
    GROUP BY digest_id, digests.previous
)
SELECT 'digest ' || digest_id || ' of ' || made_at AS place,
       CASE WHEN missing > 0 THEN missing || ' rows that are missing' ELSE encode(computed.digest, 'hex') END
           AS expected,
       encode(digests.digest, 'hex') AS found
FROM digests LEFT JOIN computed USING (digest_id)
WHERE missing IS DISTINCT FROM 0 OR computed.digest IS DISTINCT FROM digests.digest ORDER BY digest_id
"""
BALANCES = """
WITH books AS (
    SELECT player_id, subject AS sku, sum(change) AS amount FROM ledger
    WHERE project_id = :project AND kind = 'balance' GROUP BY player_id, subject
), kept AS (SELECT player_id, sku, amount FROM balances WHERE project_id = :project)
SELECT 'player ' || player_id || ' currency ' || sku AS place,
       coalesce(books.amount, 0)::text AS expected, coalesce(kept.amount, 0)::text AS found
FROM books FULL JOIN kept USING (player_id, sku) WHERE coalesce(books.amount, 0) <> coalesce(kept.amount, 0)
"""
ITEMS = """
WITH books AS (
    SELECT player_id, subject AS item, sum(change) AS quantity FROM ledger
    WHERE project_id = :project AND kind = 'item' GROUP BY player_id, subject
), kept AS (SELECT player_id, item_id::text AS item, quantity FROM owned_items WHERE project_id = :project)
SELECT 'player ' || player_id || ' item ' || item AS place,
       coalesce(books.quantity, 0)::text AS expected, coalesce(kept.quantity, 0)::text AS found
FROM books FULL JOIN kept USING (player_id, item) WHERE coalesce(books.quantity, 0) <> coalesce(kept.quantity, 0)
"""
ENDS = """
WITH books AS (
    SELECT DISTINCT ON (player_id, subject) player_id, subject AS item, nullif(detail, '')::timestamptz AS end_at
    FROM ledger WHERE project_id = :project AND kind = 'expiry' ORDER BY player_id, subject, seq DESC
), kept AS (
    SELECT player_id, item_id::text AS item, expires_at AS end_at FROM owned_items
    WHERE project_id = :project AND expires_at IS NOT NULL
)
SELECT 'player ' || player_id || ' item ' || item AS place,
       coalesce(books.end_at::text, 'no end') AS expected, coalesce(kept.end_at::text, 'no end') AS found
FROM books FULL JOIN kept USING (player_id, item) WHERE books.end_at IS DISTINCT FROM kept.end_at
"""
PIECES = """
WITH books AS (
    SELECT player_id, subject AS piece, max(detail) AS item, sum(change) AS uses FROM ledger
    WHERE project_id = :project AND kind = 'instance' GROUP BY player_id, subject HAVING sum(change) <> 0
), kept AS (
    SELECT player_id, replace(instance_id::text, '-', '') AS piece, item_id::text AS item, remaining_uses AS uses
    FROM item_instances WHERE project_id = :project
)
SELECT 'player ' || player_id || ' piece ' || piece AS place,
       coalesce(books.uses || ' uses of item ' || books.item, 'none') AS expected,
       coalesce(kept.uses || ' uses of item ' || kept.item, 'none') AS found
FROM books FULL JOIN kept USING (player_id, piece)
WHERE (books.uses, books.item) IS DISTINCT FROM (kept.uses, kept.item)
"""
STOCKS = """
WITH books AS (
    SELECT subject AS item, detail AS what, sum(change) AS units FROM ledger
    WHERE project_id = :project AND kind = 'stock' GROUP BY subject, detail
), kept AS (
    SELECT item_id::text AS item, what, units FROM item_stocks,
           LATERAL (VALUES ('reserved', reserved), ('sold', sold)) AS counts (what, units)
    WHERE project_id = :project
)
SELECT 'item ' || item || ' units ' || what AS place,
       coalesce(books.units, 0)::text AS expected, coalesce(kept.units, 0)::text AS found
FROM books FULL JOIN kept USING (item, what) WHERE coalesce(books.units, 0) <> coalesce(kept.units, 0)
"""
# A player's uses count in the newest window. Where the window went back, because a schedule was taken off or the
# project's clock set back, its uses came with it: those are not compared.
_USES = """
WITH changes AS (
    SELECT player_id, subject AS item, detail::timestamptz AS window_start, change,
           detail::timestamptz < max(detail::timestamptz) OVER (
               PARTITION BY player_id, subject ORDER BY seq) AS is_back,
           last_value(detail::timestamptz) OVER (
               PARTITION BY player_id, subject ORDER BY seq
               ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS newest
    FROM ledger WHERE project_id = :project AND kind = '{kind}'
), books AS (
    SELECT player_id, item, newest, sum(change) FILTER (WHERE window_start = newest) AS used,
           bool_or(is_back) AS is_back
    FROM changes GROUP BY player_id, item, newest
), kept AS (
    SELECT player_id, {column}::text AS item, window_start, used FROM {table} WHERE project_id = :project
)
SELECT 'player ' || player_id || ' uses of {what} ' || item AS place,
       coalesce(books.used || ' since ' || books.newest, '0') AS expected,
       coalesce(kept.used || ' since ' || kept.window_start, '0') AS found
FROM books FULL JOIN kept USING (player_id, item)
WHERE NOT coalesce(books.is_back, false) AND CASE
    WHEN kept.window_start > books.newest THEN kept.used <> 0
    WHEN kept.window_start < books.newest THEN true
    ELSE coalesce(books.used, 0) <> coalesce(kept.used, 0)
END
"""
USES = _USES.format(kind="uses", table="user_item_uses", column="item_id", what="item")
PROMOTION_USES = _USES.format(kind="promotion", table="promotion_uses", column="promotion_id", what="promotion")
# Codes that are deleted take their counts along; the books keep theirs.
PROMOTION_CODES = """
WITH books AS (
    SELECT subject AS promotion, detail AS code, sum(change) AS used FROM ledger
    WHERE project_id = :project AND kind = 'promotion_code' GROUP BY subject, detail
), kept AS (
    SELECT promotion_id::text AS promotion, code_no::text AS code, used + reserved AS used FROM promotion_codes
    WHERE project_id = :project
)
SELECT 'promotion ' || promotion || ' uses of code ' || code AS place,
       coalesce(books.used, 0)::text AS expected, kept.used::text AS found
FROM kept LEFT JOIN books USING (promotion, code) WHERE coalesce(books.used, 0) <> kept.used
"""
PROMOTION_TOTALS = """
WITH books AS (
    SELECT subject AS promotion, sum(change) AS used FROM ledger
    WHERE project_id = :project AND kind = 'promotion_total' GROUP BY subject
), kept AS (
    SELECT promotion_id::text AS promotion, used + reserved AS used FROM promotion_totals WHERE project_id = :project
)
SELECT 'promotion ' || promotion || ' uses by all' AS place,
       coalesce(books.used, 0)::text AS expected, coalesce(kept.used, 0)::text AS found
FROM books FULL JOIN kept USING (promotion) WHERE coalesce(books.used, 0) <> coalesce(kept.used, 0)
"""
KEYS = """
WITH books AS (
    SELECT player_id, subject AS item, detail AS code, -sum(change) AS given FROM ledger
    WHERE project_id = :project AND kind = 'key' GROUP BY player_id, subject, detail HAVING sum(change) <> 0
), kept AS (
    SELECT player_id, item_id::text AS item, code_id::text AS code, 1 AS given FROM key_codes
    WHERE project_id = :project AND state = 'used' AND player_id IS NOT NULL
)
SELECT 'player ' || player_id || ' code ' || code || ' of key ' || item AS place,
       coalesce(books.given, 0)::text AS expected, coalesce(kept.given, 0)::text AS found
FROM books FULL JOIN kept USING (player_id, item, code) WHERE coalesce(books.given, 0) <> coalesce(kept.given, 0)
"""
ENTITLEMENTS = """
WITH books AS (
    SELECT player_id, subject AS item, detail AS id, sum(change) AS held FROM ledger
    WHERE project_id = :project AND kind = 'entitlement' GROUP BY player_id, subject, detail HAVING sum(change) <> 0
), kept AS (
    SELECT player_id, item_id::text AS item, entitlement_id::text AS id, 1 AS held FROM entitlements
    WHERE project_id = :project AND revoked_at IS NULL
)
SELECT 'player ' || player_id || ' right ' || id || ' to key ' || item AS place,
       coalesce(books.held, 0)::text AS expected, coalesce(kept.held, 0)::text AS found
FROM books FULL JOIN kept USING (player_id, item, id) WHERE coalesce(books.held, 0) <> coalesce(kept.held, 0)
"""
CHAIN_STEPS = """
WITH books AS (
    SELECT player_id, subject AS chain, split_part(detail, ' ', 1)::timestamptz AS window_start,
           split_part(detail, ' ', 2) AS step, sum(change) AS taken
    FROM ledger WHERE project_id = :project AND kind = 'chain' GROUP BY player_id, subject, detail
), kept AS (
    SELECT player_id, chain_id::text AS chain, window_start, step_id::text AS step, 1 AS taken FROM chain_claims
    WHERE project_id = :project
)
SELECT 'player ' || player_id || ' step ' || step || ' of chain ' || chain || ' since ' || window_start AS place,
       coalesce(books.taken, 0)::text AS expected, coalesce(kept.taken, 0)::text AS found
FROM books FULL JOIN kept USING (player_id, chain, window_start, step)
WHERE coalesce(books.taken, 0) <> coalesce(kept.taken, 0)
"""
# What was brought in the newest window is kept; where the project's clock went back, in the newest that there was.
POINTS = """
WITH books AS (
    SELECT player_id, subject AS point, split_part(detail, ' ', 1)::timestamptz AS window_start,
           substr(detail, length(split_part(detail, ' ', 1)) + 2) AS clan, sum(change) AS amount
    FROM ledger WHERE project_id = :project AND kind = 'points' GROUP BY player_id, subject, detail
), newest AS (
    SELECT DISTINCT ON (player_id, point, clan) * FROM books ORDER BY player_id, point, clan, window_start DESC
), kept AS (
    SELECT player_id, value_point_id::text AS point, window_start, clan, amount FROM value_point_balances
    WHERE project_id = :project
)
SELECT 'player ' || player_id || ' value point ' || point || ' clan ' || clan AS place,
       coalesce(newest.amount || ' since ' || newest.window_start, '0') AS expected,
       coalesce(kept.amount || ' since ' || kept.window_start, '0') AS found
FROM newest FULL JOIN kept USING (player_id, point, clan)
WHERE (newest.amount, newest.window_start) IS DISTINCT FROM (kept.amount, kept.window_start)
"""
CLAN_POINTS = """
WITH newest AS (
    SELECT value_point_id, clan, max(window_start) AS window_start FROM value_point_balances
    WHERE project_id = :project AND clan <> '' GROUP BY value_point_id, clan
), books AS (
    SELECT newest.value_point_id, newest.clan, newest.window_start, sum(amount) AS amount
    FROM newest JOIN value_point_balances AS brought USING (value_point_id, clan, window_start)
    WHERE brought.project_id = :project GROUP BY newest.value_point_id, newest.clan, newest.window_start
), kept AS (
    SELECT value_point_id, clan, window_start, amount FROM clan_balances WHERE project_id = :project
)
SELECT 'clan ' || clan || ' value point ' || value_point_id AS place,
       coalesce(books.amount || ' since ' || books.window_start, '0') AS expected,
       coalesce(kept.amount || ' since ' || kept.window_start, '0') AS found
FROM books FULL JOIN kept USING (value_point_id, clan)
WHERE (books.amount, books.window_start) IS DISTINCT FROM (kept.amount, kept.window_start)
"""
_HELD = """
WITH held AS (
    SELECT item_id, sum({lines}) AS units FROM order_lines JOIN orders USING (project_id, order_id)
    WHERE order_lines.project_id = :project AND orders.state = 'new' GROUP BY item_id
)
SELECT 'item ' || kept.item_id AS place, coalesce(held.units, 0)::text AS expected, kept.reserved::text AS found
FROM {table} AS kept LEFT JOIN held USING (item_id)
WHERE kept.project_id = :project AND kept.reserved <> coalesce(held.units, 0)
"""
ORDERED_STOCK = _HELD.format(lines="stock_reserved", table="item_stocks")
ORDERED_PRE_ORDERS = _HELD.format(lines="pre_orders_reserved", table="pre_order_limits")
ORDERED_CODES = """
SELECT 'code ' || code_id || ' of key ' || item_id AS place, 'kept by an unpaid order' AS expected,
       'kept for ' || coalesce(source, 'nobody') AS found
FROM key_codes WHERE project_id = :project AND state = 'reserved' AND NOT EXISTS (
    SELECT FROM orders WHERE orders.project_id = :project AND orders.state = 'new'
    AND key_codes.source = 'order:' || orders.order_id)
"""
# What promotions count as held is held by unpaid orders; those that no order has used may be held by nobody.
ORDERED_USES = """
WITH uses AS (
    SELECT (promotion -> 'use' ->> 'promotion_id')::integer AS promotion_id, state = 'new' AS is_held
    FROM orders CROSS JOIN LATERAL jsonb_array_elements(promotions) AS promotion
    WHERE project_id = :project AND promotions <> '[]' AND (promotion -> 'use' ->> 'is_in_total')::boolean
), held AS (
    SELECT promotion_id, count(*) FILTER (WHERE is_held) AS uses FROM uses GROUP BY promotion_id
)
SELECT 'promotion ' || promotion_id AS place, held.uses::text AS expected, kept.reserved::text AS found
FROM promotion_totals AS kept JOIN held USING (promotion_id)
WHERE kept.project_id = :project AND kept.reserved <> held.uses
"""
# A step of an offer chain is done by one order, which was paid or was free; no other order of it was.
ORDERED_STEPS = """
WITH ordered AS (
    SELECT order_id, player_id, chain_step ->> 'chain_id' AS chain, chain_step ->> 'step_id' AS step,
           (chain_step ->> 'window_start')::timestamptz AS window_start, 'done' AS what
    FROM orders WHERE project_id = :project AND chain_step IS NOT NULL AND paid_at IS NOT NULL
), taken AS (
    SELECT order_id, player_id, chain_id::text AS chain, step_id::text AS step, window_start, 'done' AS what
    FROM chain_claims WHERE project_id = :project AND order_id IS NOT NULL
)
SELECT 'order ' || order_id || ' of step ' || step || ' of chain ' || chain || ' since ' || window_start AS place,
       coalesce(ordered.what, 'not done') AS expected, coalesce(taken.what, 'not done') AS found
FROM ordered FULL JOIN taken USING (order_id, player_id, chain, step, window_start)
WHERE ordered.what IS DISTINCT FROM taken.what
"""
# What the tables do not guard themselves, because every purchase would pay for it.
ORDERS = """
WITH counted AS (
    SELECT order_id, count(*) FILTER (WHERE quantity > 0) AS lines, count(*) AS all_lines FROM order_lines
    WHERE project_id = :project GROUP BY order_id
), kept AS (
    SELECT order_id, state IN ('new', 'paid', 'done', 'canceled', 'expired')
           AND currency_type IN ('real', 'virtual', 'free') AND destination IN ('inventory', 'backpack')
           AND (currency_type = 'free') = (currency IS NULL) AND (currency IS NULL) = (amount IS NULL)
           AND coalesce(amount, 0) >= 0 AS is_sound
    FROM orders WHERE project_id = :project
)
SELECT 'order ' || order_id AS place, 'an order, and lines of something' AS expected,
       CASE WHEN kept.order_id IS NULL THEN 'lines without their order' WHEN lines < all_lines THEN 'a line of nothing'
            ELSE 'fields that do not fit together' END AS found
FROM counted FULL JOIN kept USING (order_id)
WHERE kept.order_id IS NULL OR lines < all_lines OR NOT is_sound
"""
DELIVERIES = """
SELECT 'delivery ' || delivery_id AS place, 'a delivery of an event' AS expected,
       CASE WHEN event.event_id IS NULL THEN 'no event' ELSE 'fields that do not fit together' END AS found
FROM webhook_deliveries AS delivery LEFT JOIN webhook_events AS event USING (project_id, event_id)
WHERE project_id = :project AND (event.event_id IS NULL OR NOT (
    purpose IN ('store', 'backpack') AND status IN ('pending', 'withheld', 'succeeded', 'failed', 'cancelled')
    AND coalesce(reason, 'refused') IN ('refused', 'exhausted', 'no_endpoint', 'endpoint_disabled',
                                        'predecessor_failed')
    AND (settled_at IS NULL) = (status IN ('pending', 'withheld'))))
"""

CHECKS: Mapping[str, TextClause] = {
    "the ledger's chains": text(CHAINS),
    "the heads of the chains": text(HEADS),
    "the digests": text(DIGESTS),
    "balances": text(BALANCES),
    "owned items": text(ITEMS),
    "ends of time-limited items": text(ENDS),
    "pieces and their uses": text(PIECES),
    "stock": text(STOCKS),
    "uses of limits": text(USES),
    "uses of promotions by players": text(PROMOTION_USES),
    "uses of promotions' codes": text(PROMOTION_CODES),
    "uses of promotions by everybody": text(PROMOTION_TOTALS),
    "codes of keys": text(KEYS),
    "rights to games": text(ENTITLEMENTS),
    "steps of chains": text(CHAIN_STEPS),
    "value points": text(POINTS),
    "value points of clans": text(CLAN_POINTS),
    "stock that orders hold": text(ORDERED_STOCK),
    "pre-orders that orders hold": text(ORDERED_PRE_ORDERS),
    "codes that orders hold": text(ORDERED_CODES),
    "uses of promotions that orders hold": text(ORDERED_USES),
    "steps of chains that orders have done": text(ORDERED_STEPS),
    "orders and their lines": text(ORDERS),
    "deliveries and their events": text(DELIVERIES),
}
