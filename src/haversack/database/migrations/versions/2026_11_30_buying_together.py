"""Purchases of several players in one call; what each of them costs the database is made less."""

from alembic import op

revision = "buying_together"
down_revision = "clocks"
branch_labels = None
depends_on = None


# Purchases that are paid at once and need nothing but numbers, each of another player, in one transaction: statements
# and commits are shared, which is most of what a purchase costs. The rules are those of orders/checkout.py;
# orders/buying_together.py calls it, orders/fast_purchase.py says what its refusals mean. Arrays `p_…_of` say whose an
# entry is. Each purchase counts as one use at most. `buy_at_once` stays for processes of the release before.
# Several are bought or none: where one is refused, or would have to wait, HV903 says that each has to come alone.
# Locks in the order of all money: the players' turns, uses, balances, owned items, stock; the ledger's heads at the end;
# of each kind in the order of the players, which is how they are given.
# The settings keep one plan for every size of the tables: rows are found by their keys.
BUY_TOGETHER = """
CREATE FUNCTION buy_together(
    p_project integer, p_version integer,
    p_players uuid[], p_turns bigint[], p_orders integer[], p_nows timestamptz[], p_expires timestamptz[],
    p_currency_types text[], p_currencies text[], p_amounts bigint[], p_amounts_before bigint[], p_externals text[],
    p_guests boolean[], p_sandboxes boolean[], p_countries text[], p_emails text[], p_locales text[],
    p_platforms text[], p_parameters text[], p_contents text[], p_lines text[], p_events text[], p_bodies bytea[],
    p_use_of integer[], p_use_items integer[], p_use_quantities integer[], p_use_limits integer[],
    p_use_windows timestamptz[],
    p_payers integer, p_credit_of integer[], p_credit_skus text[], p_credit_amounts bigint[],
    p_item_of integer[], p_item_ids integer[], p_item_quantities integer[], p_singles integer[],
    p_stock_items integer[], p_stock_quantities integer[],
    p_row_of integer[], p_row_kinds text[], p_row_subjects text[], p_row_changes bigint[], p_row_details text[]
) RETURNS bigint[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_purchases integer := cardinality(p_orders);
    v_alone text := CASE WHEN v_purchases > 1 THEN 'HV903' END;
    v_count integer;
    v_version integer;
    v_is_enabled boolean;
    v_deliveries bigint[];
    v_of integer;
    v_seqs bigint[];
    v_hashes bytea[];
    v_row_seqs bigint[] := '{}';
    v_row_hashes bytea[] := '{}';
BEGIN
    SELECT version, is_enabled INTO v_version, v_is_enabled
    FROM webhook_endpoints WHERE project_id = p_project AND purpose = 'store';
    IF coalesce(v_version, 1) <> p_version THEN
        RAISE EXCEPTION 'another version' USING ERRCODE = 'HV901', DETAIL = v_version;
    END IF;
    -- Who comes too late for the last unit waits for nobody.
    FOR i IN 1..cardinality(p_stock_items) LOOP
        IF EXISTS (SELECT FROM item_stocks WHERE project_id = p_project AND item_id = p_stock_items[i]
                   AND available < p_stock_quantities[i]) THEN
            RAISE EXCEPTION 'sold out' USING ERRCODE = coalesce(v_alone, 'HV004'), DETAIL = p_stock_items[i];
        END IF;
    END LOOP;
    IF v_alone IS NULL THEN
        PERFORM pg_advisory_xact_lock(p_turns[1]);
    ELSIF EXISTS (SELECT FROM unnest(p_turns) AS turn WHERE NOT pg_try_advisory_xact_lock(turn)) THEN
        RAISE EXCEPTION 'busy' USING ERRCODE = v_alone;
    END IF;
    IF p_use_of <> '{}' THEN
        IF EXISTS (SELECT FROM item_limit_resets CROSS JOIN LATERAL generate_series(1, cardinality(p_use_of)) AS i
                   WHERE project_id = p_project AND item_id = ANY (p_use_items) AND item_id = p_use_items[i]
                   AND reset_at > p_use_windows[i] AND reset_at <= p_nows[p_use_of[i]]) THEN
            RAISE EXCEPTION 'another window' USING ERRCODE = coalesce(v_alone, 'HV900');
        END IF;
        INSERT INTO user_item_uses AS uses (project_id, player_id, item_id, window_start, used)
        SELECT p_project, p_players[p_use_of[i]], p_use_items[i], p_use_windows[i], p_use_quantities[i]
        FROM generate_series(1, cardinality(p_use_of)) AS i WHERE p_use_quantities[i] <= p_use_limits[i]
        ON CONFLICT (project_id, player_id, item_id) DO UPDATE SET
            window_start = EXCLUDED.window_start,
            used = CASE WHEN uses.window_start < EXCLUDED.window_start THEN 0 ELSE uses.used END + EXCLUDED.used
        WHERE CASE WHEN uses.window_start < EXCLUDED.window_start THEN 0 ELSE uses.used END + EXCLUDED.used
            <= p_use_limits[array_position(p_use_of, array_position(p_players, uses.player_id))];
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count < cardinality(p_use_of) THEN
            RAISE EXCEPTION 'used up' USING ERRCODE = coalesce(v_alone, 'HV001'), DETAIL = p_use_items[1];
        END IF;
    END IF;
    IF p_payers > 0 THEN
        UPDATE balances SET amount = amount - p_amounts[array_position(p_players, player_id)]
        WHERE project_id = p_project AND player_id = ANY (p_players) AND sku = ANY (p_currencies)
            AND sku = p_currencies[array_position(p_players, player_id)]
            AND p_amounts[array_position(p_players, player_id)] BETWEEN 1 AND amount;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count < p_payers THEN
            RAISE EXCEPTION 'not enough' USING ERRCODE = coalesce(v_alone, 'HV002');
        END IF;
    END IF;
    IF p_credit_of <> '{}' THEN
        INSERT INTO balances AS held (project_id, player_id, sku, amount)
        SELECT p_project, p_players[p_credit_of[i]], p_credit_skus[i], p_credit_amounts[i]
        FROM generate_series(1, cardinality(p_credit_of)) AS i
        ON CONFLICT (project_id, player_id, sku) DO UPDATE SET amount = held.amount + EXCLUDED.amount;
    END IF;
    IF p_item_of <> '{}' THEN
        INSERT INTO owned_items AS held (project_id, player_id, item_id, quantity, changed_at)
        SELECT p_project, p_players[p_item_of[i]], p_item_ids[i], p_item_quantities[i], p_nows[p_item_of[i]]
        FROM generate_series(1, cardinality(p_item_of)) AS i
        ON CONFLICT (project_id, player_id, item_id) DO UPDATE SET
            quantity = held.quantity + EXCLUDED.quantity, changed_at = EXCLUDED.changed_at
        WHERE held.quantity = 0 OR held.item_id <> ALL (p_singles);
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count < cardinality(p_item_of) THEN
            RAISE EXCEPTION 'owned' USING ERRCODE = coalesce(v_alone, 'HV003');
        END IF;
    END IF;
    FOR i IN 1..cardinality(p_stock_items) LOOP
        UPDATE item_stocks SET available = available - p_stock_quantities[i], sold = sold + p_stock_quantities[i]
        WHERE project_id = p_project AND item_id = p_stock_items[i] AND available >= p_stock_quantities[i];
        IF NOT FOUND THEN
            IF EXISTS (SELECT FROM item_stocks WHERE project_id = p_project AND item_id = p_stock_items[i]) THEN
                RAISE EXCEPTION 'sold out' USING ERRCODE = coalesce(v_alone, 'HV004'), DETAIL = p_stock_items[i];
            END IF;
            RAISE EXCEPTION 'not limited any more' USING ERRCODE = coalesce(v_alone, 'HV900');
        END IF;
    END LOOP;
    INSERT INTO grants (project_id, source, player_id, content, granted_at)
    SELECT p_project, 'order:' || p_orders[i], p_players[i], p_contents[i]::jsonb, p_nows[i]
    FROM generate_series(1, v_purchases) AS i;
    INSERT INTO webhook_events (project_id, event_id, event_type, body, player_key, created_at)
    SELECT p_project, p_events[i], 'order_paid', p_bodies[i], p_players[i]::text, p_nows[i]
    FROM generate_series(1, v_purchases) AS i;
    v_deliveries := ARRAY(SELECT nextval('webhook_deliveries_delivery_id_seq') FROM generate_series(1, v_purchases));
    -- Where there is nobody to tell, the worker would find out the same.
    INSERT INTO webhook_deliveries (project_id, delivery_id, event_id, player_key, purpose, status, reason, message,
        next_attempt_at, created_at, settled_at)
    SELECT p_project, v_deliveries[i], p_events[i], p_players[i]::text, 'store',
        CASE WHEN v_is_enabled THEN 'pending' ELSE 'failed' END,
        CASE WHEN v_is_enabled THEN NULL WHEN v_version IS NULL THEN 'no_endpoint' ELSE 'endpoint_disabled' END,
        CASE WHEN v_is_enabled THEN '' WHEN v_version IS NULL THEN 'The project has no webhook address set up.'
             ELSE 'The project''s webhook is switched off.' END,
        '1970-01-01T00:00:00Z', p_nows[i], CASE WHEN v_is_enabled THEN NULL ELSE p_nows[i] END
    FROM generate_series(1, v_purchases) AS i;
    INSERT INTO orders (project_id, order_id, player_id, external_id, is_guest, state, is_sandbox, currency_type,
        currency, amount, amount_without_discount, country, email, locale, platform, destination, custom_parameters,
        created_at, expires_at, paid_at, ended_at, delivery_id)
    SELECT p_project, p_orders[i], p_players[i], p_externals[i], p_guests[i], 'done', p_sandboxes[i],
        p_currency_types[i], p_currencies[i], p_amounts[i], p_amounts_before[i], p_countries[i], p_emails[i],
        p_locales[i], p_platforms[i], 'inventory', p_parameters[i]::jsonb, p_nows[i], p_expires[i], p_nows[i],
        p_nows[i], v_deliveries[i]
    FROM generate_series(1, v_purchases) AS i;
    INSERT INTO order_lines (project_id, order_id, line_no, parent_line_no, item_id, sku, kind, quantity, amount,
        amount_without_discount, is_free, is_bonus, details, stock_reserved, uses_reserved, uses_window)
    SELECT p_project, p_orders[i], line.line_no, line.parent_line_no, line.item_id, line.sku, line.kind,
        line.quantity, line.amount, line.amount_without_discount, line.is_free, line.is_bonus, line.details,
        line.stock_reserved, line.uses_reserved, line.uses_window
    FROM generate_series(1, v_purchases) AS i
    CROSS JOIN LATERAL json_to_recordset(p_lines[i]::json) AS line(line_no integer, parent_line_no integer,
        item_id integer, sku text, kind text, quantity integer, amount numeric, amount_without_discount numeric,
        is_free boolean, is_bonus boolean, details jsonb, stock_reserved integer, uses_reserved integer,
        uses_window timestamptz);
    -- What is told to nobody wakes nobody.
    IF v_is_enabled IS NOT TRUE THEN
        v_deliveries := NULL;
    END IF;
    IF p_row_of = '{}' THEN
        RETURN v_deliveries;
    END IF;
    -- The rows of the ledger, chained here: the trigger would move the head once for each.
    LOOP
        SELECT array_agg(seq), array_agg(hash) INTO v_seqs, v_hashes FROM (
            SELECT seq, hash FROM ledger_heads WHERE project_id = p_project AND player_id = ANY (p_players)
            ORDER BY player_id FOR NO KEY UPDATE
        ) AS heads;
        EXIT WHEN cardinality(v_seqs) = v_purchases;
        INSERT INTO ledger_heads (project_id, player_id, seq, hash)
        SELECT p_project, player_id, 0, ''::bytea FROM unnest(p_players) AS player_id
        ON CONFLICT (project_id, player_id) DO NOTHING;
    END LOOP;
    FOR i IN 1..cardinality(p_row_of) LOOP
        v_of := p_row_of[i];
        v_seqs[v_of] := v_seqs[v_of] + 1;
        v_hashes[v_of] := ledger_hash(
            v_hashes[v_of], v_seqs[v_of], p_project, p_players[v_of], p_row_kinds[i], p_row_subjects[i],
            p_row_changes[i], p_row_details[i], 'order:' || p_orders[v_of], p_nows[v_of]);
        v_row_seqs := array_append(v_row_seqs, v_seqs[v_of]);
        v_row_hashes := array_append(v_row_hashes, v_hashes[v_of]);
    END LOOP;
    INSERT INTO ledger (project_id, player_id, seq, kind, subject, change, detail, source, changed_at, hash)
    SELECT p_project, p_players[p_row_of[i]], v_row_seqs[i], p_row_kinds[i], p_row_subjects[i], p_row_changes[i],
        p_row_details[i], 'order:' || p_orders[p_row_of[i]], p_nows[p_row_of[i]], v_row_hashes[i]
    FROM generate_series(1, cardinality(p_row_of)) AS i;
    UPDATE ledger_heads SET
        seq = v_seqs[array_position(p_players, player_id)], hash = v_hashes[array_position(p_players, player_id)]
    WHERE project_id = p_project AND player_id = ANY (p_players);
    RETURN v_deliveries;
END
$$
"""


# PostgreSQL reads and plans a table's checks anew in each statement, and looks each reference up row by row: together a
# third of a purchase. What these guarded is written by few places, each in one transaction, and `haversack verify`
# looks for it. Amounts that can be raced for keep their checks.
CHECKS = {
    "orders": (
        "free_has_no_currency",
        "currency_type_known",
        "destination_known",
        "state_known",
        "amount_has_currency",
        "amount_not_negative",
    ),
    "order_lines": ("quantity_positive",),
    "webhook_deliveries": ("purpose_known", "status_known", "reason_known", "settled_fits_status"),
}


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    for table, names in CHECKS.items():
        for name in names:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.drop_constraint(op.f("fk_order_lines_project_id_order_id"), "order_lines", type_="foreignkey")
    op.drop_constraint(op.f("fk_webhook_deliveries_project_id_event_id"), "webhook_deliveries", type_="foreignkey")
    op.execute(BUY_TOGETHER)
