"""Carts, orders, payments, inventory, and the ledger in place of the changes of balances."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "buying"
down_revision = "backpack_holders"
branch_labels = None
depends_on = None


# The hash of a row says all of it and the hash before it. `%L` quotes, so that no two rows look alike.
LEDGER_HASH = """
CREATE FUNCTION ledger_hash(
    previous bytea, seq bigint, project_id integer, player_id uuid, kind text, subject text, change bigint, detail text,
    source text, changed_at timestamptz
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(previous || convert_to(format(
        '%s %s %s %L %L %s %L %L %s', seq, project_id, player_id, kind, subject, change, detail, source,
        (extract(epoch FROM changed_at) * 1000000)::bigint), 'UTF8'))
$$
"""
# Updating the head locks it: the rows of one account are numbered one after another, those of others go on. Rows that
# come with their number were chained by who writes them (`buy_at_once`, once for all its rows).
CHAIN_LEDGER = """
CREATE FUNCTION chain_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_heads SET
        seq = seq + 1,
        hash = ledger_hash(hash, seq + 1, NEW.project_id, NEW.player_id, NEW.kind, NEW.subject, NEW.change, NEW.detail,
                           NEW.source, NEW.changed_at)
    WHERE project_id = NEW.project_id AND player_id = NEW.player_id
    RETURNING seq, hash INTO NEW.seq, NEW.hash;
    IF FOUND THEN
        RETURN NEW;
    END IF;
    -- The first row of an account; another one may have come first all the same.
    INSERT INTO ledger_heads AS head (project_id, player_id, seq, hash)
    VALUES (
        NEW.project_id, NEW.player_id, 1,
        ledger_hash(''::bytea, 1, NEW.project_id, NEW.player_id, NEW.kind, NEW.subject, NEW.change, NEW.detail, NEW.source,
                    NEW.changed_at)
    )
    ON CONFLICT (project_id, player_id) DO UPDATE SET
        seq = head.seq + 1,
        hash = ledger_hash(head.hash, head.seq + 1, NEW.project_id, NEW.player_id, NEW.kind, NEW.subject, NEW.change,
                           NEW.detail, NEW.source, NEW.changed_at)
    RETURNING seq, hash INTO NEW.seq, NEW.hash;
    RETURN NEW;
END
$$
"""
# An order that is paid at once and needs nothing but numbers, in one call: statement by statement it would be half the
# rate. Its rules are those of orders/checkout.py; orders/fast_purchase.py calls it and says what its refusals mean.
# Locks in the order of all money: the player's turn, uses, balances, owned items, stock; the ledger's head at the end.
BUY_AT_ONCE = """
CREATE FUNCTION buy_at_once(
    p_project integer, p_player uuid, p_turn bigint, p_order integer, p_now timestamptz, p_expires timestamptz,
    p_currency_type text, p_currency text, p_amount bigint, p_amount_before bigint,
    p_external text, p_is_guest boolean, p_is_sandbox boolean, p_country text, p_email text, p_locale text,
    p_platform text, p_cart text, p_parameters jsonb,
    p_use_items integer[], p_use_quantities integer[], p_use_limits integer[], p_use_windows timestamptz[],
    p_use_details text[], p_stock_items integer[], p_stock_quantities integer[],
    p_skus text[], p_amounts bigint[], p_items integer[], p_quantities integer[], p_singles integer[],
    p_content text, p_lines text, p_event text, p_version integer, p_body bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_source text := 'order:' || p_order;
    v_count integer;
    v_version integer;
    v_is_enabled boolean;
    v_delivery bigint;
    v_kinds text[] := '{}';
    v_subjects text[] := '{}';
    v_changes bigint[] := '{}';
    v_details text[] := '{}';
    v_seq bigint;
    v_hash bytea;
    v_seqs bigint[] := '{}';
    v_hashes bytea[] := '{}';
BEGIN
    SELECT version, is_enabled INTO v_version, v_is_enabled
    FROM webhook_endpoints WHERE project_id = p_project AND purpose = 'store';
    IF coalesce(v_version, 1) <> p_version THEN
        RAISE EXCEPTION 'another version' USING ERRCODE = 'HV901', DETAIL = v_version;
    END IF;
    -- Who comes too late for the last unit waits for nobody.
    FOR i IN 1..coalesce(cardinality(p_stock_items), 0) LOOP
        IF EXISTS (SELECT FROM item_stocks WHERE project_id = p_project AND item_id = p_stock_items[i]
                   AND available < p_stock_quantities[i]) THEN
            RAISE EXCEPTION 'sold out' USING ERRCODE = 'HV004', DETAIL = p_stock_items[i];
        END IF;
    END LOOP;
    PERFORM pg_advisory_xact_lock(p_turn);
    FOR i IN 1..coalesce(cardinality(p_use_items), 0) LOOP
        IF EXISTS (SELECT FROM item_limit_resets WHERE project_id = p_project AND item_id = p_use_items[i]
                   AND reset_at > p_use_windows[i] AND reset_at <= p_now) THEN
            RAISE EXCEPTION 'another window' USING ERRCODE = 'HV900';
        END IF;
        IF p_use_quantities[i] > p_use_limits[i] THEN
            RAISE EXCEPTION 'used up' USING ERRCODE = 'HV001', DETAIL = p_use_items[i];
        END IF;
        INSERT INTO user_item_uses AS uses (project_id, player_id, item_id, window_start, used)
        VALUES (p_project, p_player, p_use_items[i], p_use_windows[i], p_use_quantities[i])
        ON CONFLICT (project_id, player_id, item_id) DO UPDATE SET
            window_start = EXCLUDED.window_start,
            used = CASE WHEN uses.window_start < EXCLUDED.window_start THEN 0 ELSE uses.used END + EXCLUDED.used
        WHERE CASE WHEN uses.window_start < EXCLUDED.window_start THEN 0 ELSE uses.used END + EXCLUDED.used
            <= p_use_limits[i];
        IF NOT FOUND THEN
            RAISE EXCEPTION 'used up' USING ERRCODE = 'HV001', DETAIL = p_use_items[i];
        END IF;
        v_kinds := v_kinds || 'uses'::text;
        v_subjects := v_subjects || p_use_items[i]::text;
        v_changes := v_changes || p_use_quantities[i]::bigint;
        v_details := v_details || p_use_details[i];
    END LOOP;
    IF p_amount > 0 THEN
        UPDATE balances SET amount = amount - p_amount
        WHERE project_id = p_project AND player_id = p_player AND sku = p_currency AND amount >= p_amount;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'not enough' USING ERRCODE = 'HV002';
        END IF;
        v_kinds := v_kinds || 'balance'::text;
        v_subjects := v_subjects || p_currency;
        v_changes := v_changes || -p_amount;
        v_details := v_details || ''::text;
    END IF;
    IF p_skus IS NOT NULL THEN
        INSERT INTO balances AS held (project_id, player_id, sku, amount)
        SELECT p_project, p_player, given.sku, given.amount
        FROM unnest(p_skus, p_amounts) AS given(sku, amount) ORDER BY given.sku
        ON CONFLICT (project_id, player_id, sku) DO UPDATE SET amount = held.amount + EXCLUDED.amount;
        v_kinds := v_kinds || array_fill('balance'::text, ARRAY[cardinality(p_skus)]);
        v_subjects := v_subjects || p_skus;
        v_changes := v_changes || p_amounts;
        v_details := v_details || array_fill(''::text, ARRAY[cardinality(p_skus)]);
    END IF;
    IF p_items IS NOT NULL THEN
        INSERT INTO owned_items AS held (project_id, player_id, item_id, quantity, changed_at)
        SELECT p_project, p_player, given.item_id, given.quantity, p_now
        FROM unnest(p_items, p_quantities) AS given(item_id, quantity) ORDER BY given.item_id
        ON CONFLICT (project_id, player_id, item_id) DO UPDATE SET
            quantity = held.quantity + EXCLUDED.quantity, changed_at = EXCLUDED.changed_at
        WHERE held.quantity = 0 OR p_singles IS NULL OR held.item_id <> ALL (p_singles);
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count < cardinality(p_items) THEN
            RAISE EXCEPTION 'owned' USING ERRCODE = 'HV003';
        END IF;
        v_kinds := v_kinds || array_fill('item'::text, ARRAY[cardinality(p_items)]);
        v_subjects := v_subjects || p_items::text[];
        v_changes := v_changes || p_quantities::bigint[];
        v_details := v_details || array_fill(''::text, ARRAY[cardinality(p_items)]);
    END IF;
    FOR i IN 1..coalesce(cardinality(p_stock_items), 0) LOOP
        UPDATE item_stocks SET available = available - p_stock_quantities[i], sold = sold + p_stock_quantities[i]
        WHERE project_id = p_project AND item_id = p_stock_items[i] AND available >= p_stock_quantities[i];
        IF NOT FOUND THEN
            IF EXISTS (SELECT FROM item_stocks WHERE project_id = p_project AND item_id = p_stock_items[i]) THEN
                RAISE EXCEPTION 'sold out' USING ERRCODE = 'HV004', DETAIL = p_stock_items[i];
            END IF;
            RAISE EXCEPTION 'not limited any more' USING ERRCODE = 'HV900';
        END IF;
        v_kinds := v_kinds || 'stock'::text;
        v_subjects := v_subjects || p_stock_items[i]::text;
        v_changes := v_changes || p_stock_quantities[i]::bigint;
        v_details := v_details || 'sold'::text;
    END LOOP;
    INSERT INTO grants (project_id, source, player_id, content, granted_at)
    VALUES (p_project, v_source, p_player, p_content::jsonb, p_now);
    INSERT INTO webhook_events (project_id, event_id, event_type, body, player_key, created_at)
    VALUES (p_project, p_event, 'order_paid', p_body, p_player::text, p_now);
    -- Where there is nobody to tell, the worker would find out the same.
    INSERT INTO webhook_deliveries (project_id, event_id, player_key, purpose, status, reason, message,
        next_attempt_at, created_at, settled_at)
    VALUES (p_project, p_event, p_player::text, 'store',
        CASE WHEN v_is_enabled THEN 'pending' ELSE 'failed' END,
        CASE WHEN v_is_enabled THEN NULL WHEN v_version IS NULL THEN 'no_endpoint' ELSE 'endpoint_disabled' END,
        CASE WHEN v_is_enabled THEN '' WHEN v_version IS NULL THEN 'The project has no webhook address set up.'
             ELSE 'The project''s webhook is switched off.' END,
        '1970-01-01T00:00:00Z', p_now, CASE WHEN v_is_enabled THEN NULL ELSE p_now END)
    RETURNING delivery_id INTO v_delivery;
    INSERT INTO orders (project_id, order_id, player_id, external_id, is_guest, state, is_sandbox, currency_type,
        currency, amount, amount_without_discount, country, email, locale, platform, destination, cart_id,
        custom_parameters, created_at, expires_at, paid_at, ended_at, delivery_id)
    VALUES (p_project, p_order, p_player, p_external, p_is_guest, 'done', p_is_sandbox, p_currency_type,
        p_currency, p_amount, p_amount_before, p_country, p_email, p_locale, p_platform, 'inventory', p_cart,
        p_parameters, p_now, p_expires, p_now, p_now, v_delivery);
    INSERT INTO order_lines (project_id, order_id, line_no, parent_line_no, item_id, sku, kind, quantity, amount,
        amount_without_discount, is_free, is_bonus, details, stock_reserved, uses_reserved, uses_window)
    SELECT p_project, p_order, line.line_no, line.parent_line_no, line.item_id, line.sku, line.kind, line.quantity,
        line.amount, line.amount_without_discount, line.is_free, line.is_bonus, line.details, line.stock_reserved,
        line.uses_reserved, line.uses_window
    FROM jsonb_to_recordset(p_lines::jsonb) AS line(line_no integer, parent_line_no integer, item_id integer, sku text,
        kind text, quantity integer, amount numeric, amount_without_discount numeric, is_free boolean,
        is_bonus boolean, details jsonb, stock_reserved integer, uses_reserved integer, uses_window timestamptz);
    -- What is told to nobody wakes nobody.
    IF v_is_enabled IS NOT TRUE THEN
        v_delivery := NULL;
    END IF;
    IF v_kinds = '{}' THEN
        RETURN v_delivery;
    END IF;
    -- The rows of the ledger, chained here: the trigger would move the head once for each.
    SELECT seq, hash INTO v_seq, v_hash FROM ledger_heads
    WHERE project_id = p_project AND player_id = p_player FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO ledger_heads (project_id, player_id, seq, hash) VALUES (p_project, p_player, 0, ''::bytea)
        ON CONFLICT (project_id, player_id) DO NOTHING;
        SELECT seq, hash INTO v_seq, v_hash FROM ledger_heads
        WHERE project_id = p_project AND player_id = p_player FOR NO KEY UPDATE;
    END IF;
    FOR i IN 1..cardinality(v_kinds) LOOP
        v_seq := v_seq + 1;
        v_hash := ledger_hash(v_hash, v_seq, p_project, p_player, v_kinds[i], v_subjects[i], v_changes[i], v_details[i],
                              v_source, p_now);
        v_seqs := v_seqs || v_seq;
        v_hashes := v_hashes || v_hash;
    END LOOP;
    INSERT INTO ledger (project_id, player_id, seq, kind, subject, change, detail, source, changed_at, hash)
    SELECT p_project, p_player, row.seq, row.kind, row.subject, row.change, row.detail, v_source, p_now, row.hash
    FROM unnest(v_kinds, v_subjects, v_changes, v_details, v_seqs, v_hashes)
        AS row(kind, subject, change, detail, seq, hash);
    UPDATE ledger_heads SET seq = v_seq, hash = v_hash WHERE project_id = p_project AND player_id = p_player;
    RETURN v_delivery;
END
$$
"""
MOVE_BALANCE_CHANGES = """
INSERT INTO ledger (project_id, player_id, kind, subject, change, source, changed_at)
SELECT project_id, player_id, 'balance', sku, amount, source, changed_at FROM balance_changes ORDER BY change_id
"""
# What was changed before there was a ledger stands in it as it is now. The studio's account has the stock.
OPEN_STOCKS = """
INSERT INTO ledger (project_id, player_id, kind, subject, change, detail, source, changed_at)
SELECT project_id, '00000000-0000-0000-0000-000000000000', 'stock', item_id::text, n, detail, 'opening', now()
FROM item_stocks, LATERAL (VALUES ('reserved', reserved), ('sold', sold)) AS counts (detail, n)
WHERE n > 0 ORDER BY project_id, item_id, detail
"""
OPEN_USES = """
INSERT INTO ledger (project_id, player_id, kind, subject, change, detail, source, changed_at)
SELECT project_id, player_id, 'uses', item_id::text, used,
       to_char(window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), 'opening', now()
FROM user_item_uses WHERE used > 0 ORDER BY project_id, player_id, item_id
"""
OPEN_KEYS = """
INSERT INTO ledger (project_id, player_id, kind, subject, change, detail, source, changed_at)
SELECT project_id, player_id, 'key', item_id::text, -1, code_id::text, 'opening', coalesce(given_at, now())
FROM key_codes WHERE state = 'used' AND player_id IS NOT NULL ORDER BY project_id, player_id, item_id, code_id
"""
OPEN_ENTITLEMENTS = """
INSERT INTO ledger (project_id, player_id, kind, subject, change, detail, source, changed_at)
SELECT project_id, player_id, 'entitlement', item_id::text, 1, entitlement_id::text, 'opening', granted_at
FROM entitlements WHERE revoked_at IS NULL ORDER BY project_id, player_id, entitlement_id
"""
# A wallet's currency is an item of the catalog like any other.
MOVE_CURRENCIES = """
INSERT INTO items (
    project_id, sku, kind, name, is_free, is_enabled, is_show_in_store, sort_order, created_at, updated_at
)
SELECT project_id, sku, 'virtual_currency', jsonb_build_object('en', name), false, true, true, 1, created_at, created_at
FROM virtual_currencies
ON CONFLICT (project_id, sku) DO NOTHING
"""


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    op.create_table(
        "carts",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("cart_id", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("promo_codes", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("touched_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_carts_project_id")),
        sa.PrimaryKeyConstraint("project_id", "owner_id", "cart_id", name=op.f("pk_carts")),
    )
    op.create_index("ix_carts_touched", "carts", ["touched_on"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.LargeBinary(), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind IN ('balance', 'item', 'instance', 'expiry', 'stock', 'key', 'uses', 'entitlement', 'promotion', "
            "'promotion_code', 'promotion_total')",
            name=op.f("ck_ledger_kind_known"),
        ),
        sa.PrimaryKeyConstraint("project_id", "player_id", "seq", name=op.f("pk_ledger")),
    )
    op.create_index("ix_ledger_subject", "ledger", ["project_id", "player_id", "kind", "subject"], unique=False)
    op.create_table(
        "ledger_digests",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("players", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("seqs", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_ledger_digests_project_id")),
        sa.PrimaryKeyConstraint("project_id", "digest_id", name=op.f("pk_ledger_digests")),
    )
    op.create_table(
        "ledger_heads",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("digested", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_ledger_heads_project_id")),
        sa.PrimaryKeyConstraint("project_id", "player_id", name=op.f("pk_ledger_heads")),
    )
    op.create_table(
        "orders",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("is_guest", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_sandbox", sa.Boolean(), nullable=False),
        sa.Column("currency_type", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.Column("amount_without_discount", sa.Numeric(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("destination", sa.Text(), server_default="inventory", nullable=False),
        sa.Column("cart_id", sa.Text(), nullable=True),
        sa.Column("custom_parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("promotions", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(currency_type = 'free') = (currency IS NULL)", name=op.f("ck_orders_free_has_no_currency")
        ),
        sa.CheckConstraint("currency_type IN ('real', 'virtual', 'free')", name=op.f("ck_orders_currency_type_known")),
        sa.CheckConstraint("destination IN ('inventory', 'backpack')", name=op.f("ck_orders_destination_known")),
        sa.CheckConstraint(
            "state IN ('new', 'paid', 'done', 'canceled', 'expired')", name=op.f("ck_orders_state_known")
        ),
        sa.CheckConstraint("(currency IS NULL) = (amount IS NULL)", name=op.f("ck_orders_amount_has_currency")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_orders_amount_not_negative")),
        sa.PrimaryKeyConstraint("project_id", "order_id", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_created", "orders", ["project_id", "created_at", "order_id"], unique=False)
    op.create_index("ix_orders_player", "orders", ["project_id", "player_id", "order_id"], unique=False)
    op.create_index(
        "ix_orders_undelivered", "orders", ["paid_at"], unique=False, postgresql_where=sa.text("state = 'paid'")
    )
    op.create_index(
        "ix_orders_unpaid",
        "orders",
        ["project_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_index(
        "ix_orders_unpaid_of_player",
        "orders",
        ["project_id", "player_id"],
        unique=False,
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_table(
        "payment_providers",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("settings_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_payment_providers_project_id")),
        sa.PrimaryKeyConstraint("project_id", "provider", name=op.f("pk_payment_providers")),
    )
    op.create_table(
        "payment_tokens",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("is_sandbox", sa.Boolean(), nullable=False),
        sa.Column("user_details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("purchase", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("custom_parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(order_id IS NULL) = (purchase IS NOT NULL)", name=op.f("ck_payment_tokens_pays_for_one_thing")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_payment_tokens_project_id")),
        sa.PrimaryKeyConstraint("project_id", "token_hash", name=op.f("pk_payment_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_payment_tokens_token_hash")),
    )
    op.create_index("ix_payment_tokens_expires", "payment_tokens", ["expires_at"], unique=False)
    op.create_index("ix_payment_tokens_order", "payment_tokens", ["project_id", "order_id"], unique=False)
    op.create_table(
        "payments",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("payment_id", sa.Integer(), sa.Identity(always=False, start=1100001), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("foreign_invoice", sa.Text(), nullable=True),
        sa.Column("is_sandbox", sa.Boolean(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("tax", sa.Numeric(), server_default="0", nullable=False),
        sa.Column("tax_percent", sa.Numeric(), server_default="0", nullable=False),
        sa.Column("tax_name", sa.Text(), server_default="sales_tax", nullable=False),
        sa.Column("refunded", sa.Numeric(), server_default="0", nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("zip", sa.Text(), nullable=True),
        sa.Column("card_brand", sa.Text(), nullable=True),
        sa.Column("card_suffix", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('created', 'processing', 'done', 'canceled', 'failed', 'refunded', 'partially_refunded')",
            name=op.f("ck_payments_state_known"),
        ),
        sa.CheckConstraint(
            "amount >= 0 AND tax >= 0 AND refunded >= 0 AND refunded <= amount", name=op.f("ck_payments_amounts_fit")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_payments_project_id")),
        sa.PrimaryKeyConstraint("project_id", "payment_id", name=op.f("pk_payments")),
        sa.UniqueConstraint(
            "project_id",
            "provider",
            "provider_reference",
            name=op.f("uq_payments_project_id_provider_provider_reference"),
        ),
    )
    op.create_index(
        "ix_payments_open",
        "payments",
        ["changed_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('created', 'processing')"),
    )
    op.create_index("ix_payments_order", "payments", ["project_id", "order_id"], unique=False)
    op.create_index("ix_payments_token", "payments", ["project_id", "token_hash"], unique=False)
    op.create_table(
        "processed_events",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_processed_events_project_id")),
        sa.PrimaryKeyConstraint("project_id", "delivery_id", name=op.f("pk_processed_events")),
    )
    op.create_index(
        "ix_webhook_events_orders_of_player",
        "webhook_events",
        ["project_id", "player_key"],
        unique=False,
        postgresql_where=sa.text("event_type IN ('order_paid', 'order_canceled')"),
    )
    op.create_table(
        "sandbox_charges",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("charge_id", sa.UUID(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("refunded", sa.Numeric(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("test_card", sa.Text(), nullable=True),
        sa.Column("saves_card", sa.Boolean(), nullable=False),
        sa.Column("settles_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("refunded >= 0 AND refunded <= amount", name=op.f("ck_sandbox_charges_refunds_fit")),
        sa.CheckConstraint(
            "state IN ('open', 'challenge', 'pending', 'succeeded', 'declined', 'canceled')",
            name=op.f("ck_sandbox_charges_state_known"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_sandbox_charges_project_id")),
        sa.PrimaryKeyConstraint("project_id", "charge_id", name=op.f("pk_sandbox_charges")),
        sa.UniqueConstraint("project_id", "payment_id", name=op.f("uq_sandbox_charges_project_id_payment_id")),
    )
    op.create_table(
        "saved_cards",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("card_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("suffix", sa.Text(), nullable=False),
        sa.Column("expiry_month", sa.SmallInteger(), nullable=False),
        sa.Column("expiry_year", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_saved_cards_project_id")),
        sa.PrimaryKeyConstraint("project_id", "player_id", "card_id", name=op.f("pk_saved_cards")),
    )
    op.create_table(
        "tax_rates",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("percent", sa.Numeric(), nullable=False),
        sa.CheckConstraint("name IN ('vat', 'sales_tax')", name=op.f("ck_tax_rates_name_known")),
        sa.CheckConstraint("percent >= 0 AND percent < 100", name=op.f("ck_tax_rates_percent_in_range")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_tax_rates_project_id")),
        sa.PrimaryKeyConstraint("project_id", "country", name=op.f("pk_tax_rates")),
    )
    op.create_table(
        "item_instances",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("instance_id", sa.UUID(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("remaining_uses", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("remaining_uses > 0", name=op.f("ck_item_instances_has_uses")),
        sa.ForeignKeyConstraint(
            ["project_id", "item_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_item_instances_project_id_item_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_item_instances_project_id")),
        sa.PrimaryKeyConstraint("project_id", "player_id", "instance_id", name=op.f("pk_item_instances")),
    )
    op.create_index("ix_item_instances_item", "item_instances", ["project_id", "player_id", "item_id"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent_line_no", sa.Integer(), nullable=True),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.Column("amount_without_discount", sa.Numeric(), nullable=True),
        sa.Column("is_free", sa.Boolean(), nullable=False),
        sa.Column("is_bonus", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stock_reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("uses_reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("uses_window", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pre_orders_reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("codes_reserved", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("codes_owed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["project_id", "order_id"],
            ["orders.project_id", "orders.order_id"],
            name=op.f("fk_order_lines_project_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("project_id", "order_id", "line_no", name=op.f("pk_order_lines")),
    )
    op.create_index(
        "ix_order_lines_owed",
        "order_lines",
        ["project_id", "item_id"],
        unique=False,
        postgresql_where=sa.text("codes_owed > 0"),
    )
    op.create_table(
        "owned_items",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_owned_items_quantity_not_negative")),
        sa.ForeignKeyConstraint(
            ["project_id", "item_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_owned_items_project_id_item_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_owned_items_project_id")),
        sa.PrimaryKeyConstraint("project_id", "player_id", "item_id", name=op.f("pk_owned_items")),
    )
    op.create_table(
        "refunds",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("refund_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("is_partial", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f("ck_refunds_state_known")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        sa.ForeignKeyConstraint(
            ["project_id", "payment_id"],
            ["payments.project_id", "payments.payment_id"],
            name=op.f("fk_refunds_project_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_refunds_project_id")),
        sa.PrimaryKeyConstraint("project_id", "refund_id", name=op.f("pk_refunds")),
    )
    op.create_index("ix_refunds_payment", "refunds", ["project_id", "payment_id"], unique=False)
    op.execute(LEDGER_HASH)
    op.execute(CHAIN_LEDGER)
    op.execute(
        "CREATE TRIGGER chained BEFORE INSERT ON ledger FOR EACH ROW WHEN (NEW.seq = 0) EXECUTE FUNCTION chain_ledger()"
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger EXECUTE FUNCTION refuse_change()"
    )
    op.execute(BUY_AT_ONCE)
    op.execute(MOVE_BALANCE_CHANGES)
    for opening in (OPEN_STOCKS, OPEN_USES, OPEN_KEYS, OPEN_ENTITLEMENTS):
        op.execute(opening)
    op.execute(MOVE_CURRENCIES)
    # Every purchase writes rows of these; see `project_key` in database/tables.py.
    for table in ("grants", "webhook_events", "webhook_deliveries"):
        op.drop_constraint(op.f(f"fk_{table}_project_id"), table, type_="foreignkey")
    op.drop_table("virtual_currencies")
    op.drop_index(op.f("ix_balance_changes_player"), table_name="balance_changes")
    op.drop_table("balance_changes")
    op.add_column("projects", sa.Column("order_destination", sa.Text(), server_default="inventory", nullable=False))
    op.create_check_constraint(
        op.f("ck_projects_order_destination_known"), "projects", "order_destination IN ('inventory', 'backpack')"
    )
    op.add_column("projects", sa.Column("refunds_refused_orders", sa.Boolean(), server_default="false", nullable=False))
