"""Coupons that many redeem at once, and codes that come by the hundred thousand."""

from alembic import op

revision = "codes"
down_revision = "buying_together"
branch_labels = None
depends_on = None

# What `promotions.codes.fast_redeeming` calls. The rows that all who redeem a coupon change come last, so that each
# waits for the commit of the one before and for nothing else of it.
REDEEM_FOR = """
CREATE FUNCTION redeem_for(
    p_project integer, p_player uuid, p_promotion integer, p_updated timestamptz, p_code text, p_now timestamptz,
    p_source text,
    p_window timestamptz, p_window_detail text, p_user_most integer, p_code_most integer, p_total_most integer,
    p_skus text[], p_amounts bigint[], p_items integer[], p_quantities integer[], p_singles integer[], p_content text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_code_no bigint;
    v_count integer;
    v_kinds text[] := '{}';
    v_subjects text[] := '{}';
    v_changes bigint[] := '{}';
    v_details text[] := '{}';
    v_seq bigint;
    v_hash bytea;
    v_seqs bigint[] := '{}';
    v_hashes bytea[] := '{}';
BEGIN
    IF NOT EXISTS (SELECT FROM promotions WHERE project_id = p_project AND promotion_id = p_promotion
                   AND updated_at = p_updated AND is_enabled AND deleted_at IS NULL) THEN
        RAISE EXCEPTION 'changed' USING ERRCODE = 'HV900';
    END IF;
    IF EXISTS (SELECT FROM promotion_totals WHERE project_id = p_project AND promotion_id = p_promotion
               AND reset_at > p_window AND reset_at <= p_now) THEN
        RAISE EXCEPTION 'another window' USING ERRCODE = 'HV900';
    END IF;
    IF p_user_most < 1 THEN
        RAISE EXCEPTION 'used up by the player' USING ERRCODE = 'HV001';
    END IF;
    INSERT INTO promotion_uses AS uses (project_id, promotion_id, player_id, window_start, used)
    VALUES (p_project, p_promotion, p_player, p_window, 1)
    ON CONFLICT (project_id, promotion_id, player_id) DO UPDATE SET
        window_start = EXCLUDED.window_start,
        used = CASE WHEN uses.window_start < EXCLUDED.window_start THEN 0 ELSE uses.used END + 1
    WHERE CASE WHEN uses.window_start < EXCLUDED.window_start THEN 0 ELSE uses.used END < p_user_most;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'used up by the player' USING ERRCODE = 'HV001';
    END IF;
    -- Who comes too late for the last use waits for nobody.
    SELECT code_no INTO v_code_no FROM promotion_codes
    WHERE project_id = p_project AND code = p_code AND promotion_id = p_promotion AND used + reserved < p_code_most;
    IF NOT FOUND OR p_total_most < 1 OR EXISTS (
        SELECT FROM promotion_totals WHERE project_id = p_project AND promotion_id = p_promotion
            AND used + reserved >= p_total_most
    ) THEN
        RAISE EXCEPTION 'used up' USING ERRCODE = 'HV005';
    END IF;
    INSERT INTO grants (project_id, source, player_id, content, granted_at)
    VALUES (p_project, p_source, p_player, p_content::jsonb, p_now);
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
    v_kinds := v_kinds || ARRAY['promotion', 'promotion_code', 'promotion_total'];
    v_subjects := v_subjects || array_fill(p_promotion::text, ARRAY[3]);
    v_changes := v_changes || ARRAY[1, 1, 1]::bigint[];
    v_details := v_details || ARRAY[p_window_detail, v_code_no::text, ''];
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
                              p_source, p_now);
        v_seqs := v_seqs || v_seq;
        v_hashes := v_hashes || v_hash;
    END LOOP;
    INSERT INTO ledger (project_id, player_id, seq, kind, subject, change, detail, source, changed_at, hash)
    SELECT p_project, p_player, row.seq, row.kind, row.subject, row.change, row.detail, p_source, p_now, row.hash
    FROM unnest(v_kinds, v_subjects, v_changes, v_details, v_seqs, v_hashes)
        AS row(kind, subject, change, detail, seq, hash);
    UPDATE ledger_heads SET seq = v_seq, hash = v_hash WHERE project_id = p_project AND player_id = p_player;
END
$$
"""
COUNT_REDEEMED = """
CREATE FUNCTION count_redeemed(
    p_project integer, p_promotion integer, p_code text, p_count integer, p_code_most integer, p_total_most integer
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE promotion_codes SET used = used + p_count
    WHERE project_id = p_project AND code = p_code AND promotion_id = p_promotion
        AND used + reserved <= p_code_most - p_count;
    IF NOT FOUND OR p_count > p_total_most THEN
        RETURN false;
    END IF;
    INSERT INTO promotion_totals AS held (project_id, promotion_id, used) VALUES (p_project, p_promotion, p_count)
    ON CONFLICT (project_id, promotion_id) DO UPDATE SET used = held.used + p_count
    WHERE held.used + held.reserved <= p_total_most - p_count;
    RETURN FOUND;
END
$$
"""
# For each player on the way the state that says why there was nothing, or an empty text. Players come in one order,
# whoever redeems for them; what one of them is refused undoes nothing of the others.
REDEEM_TOGETHER = """
CREATE FUNCTION redeem_together(
    p_project integer, p_players uuid[], p_promotion integer, p_updated timestamptz, p_code text, p_now timestamptz,
    p_sources text[], p_window timestamptz, p_window_detail text, p_user_most integer, p_code_most integer,
    p_total_most integer, p_skus text[], p_amounts bigint[], p_items integer[], p_quantities integer[],
    p_singles integer[], p_content text
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    v_states text[] := '{}';
    v_count integer := 0;
BEGIN
    FOR i IN 1..cardinality(p_players) LOOP
        BEGIN
            PERFORM redeem_for(p_project, p_players[i], p_promotion, p_updated, p_code, p_now, p_sources[i], p_window,
                p_window_detail, p_user_most, p_code_most, p_total_most, p_skus, p_amounts, p_items, p_quantities,
                p_singles, p_content);
            v_states := v_states || ''::text;
            v_count := v_count + 1;
        EXCEPTION WHEN SQLSTATE 'HV001' OR SQLSTATE 'HV003' OR SQLSTATE 'HV005' OR SQLSTATE 'HV900'
            OR numeric_value_out_of_range THEN
            v_states := v_states || SQLSTATE;
        END;
    END LOOP;
    -- Fewer are left than there are players: each has to try alone.
    IF v_count > 0 AND NOT count_redeemed(p_project, p_promotion, p_code, v_count, p_code_most, p_total_most) THEN
        RAISE EXCEPTION 'too few are left' USING ERRCODE = 'HV901';
    END IF;
    RETURN v_states;
END
$$
"""
REDEEM_AT_ONCE = """
CREATE FUNCTION redeem_at_once(
    p_project integer, p_player uuid, p_promotion integer, p_updated timestamptz, p_code text, p_now timestamptz,
    p_source text, p_window timestamptz, p_window_detail text, p_user_most integer, p_code_most integer,
    p_total_most integer, p_skus text[], p_amounts bigint[], p_items integer[], p_quantities integer[],
    p_singles integer[], p_content text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM redeem_for(p_project, p_player, p_promotion, p_updated, p_code, p_now, p_source, p_window,
        p_window_detail, p_user_most, p_code_most, p_total_most, p_skus, p_amounts, p_items, p_quantities,
        p_singles, p_content);
    IF NOT count_redeemed(p_project, p_promotion, p_code, 1, p_code_most, p_total_most) THEN
        RAISE EXCEPTION 'used up' USING ERRCODE = 'HV005';
    END IF;
END
$$
"""


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    for function in (REDEEM_FOR, COUNT_REDEEMED, REDEEM_TOGETHER, REDEEM_AT_ONCE):
        op.execute(function)
    # Codes lead to their promotion, which leads to the project: see `project_key` in database/tables.py.
    op.drop_constraint(op.f("fk_promotion_codes_project_id"), "promotion_codes", type_="foreignkey")
    # Each check would lock the promotion's row, for all who redeem it the same one; promotions are never deleted.
    op.drop_constraint(op.f("fk_promotion_uses_project_id"), "promotion_uses", type_="foreignkey")
    op.drop_constraint(op.f("fk_promotion_uses_project_id_promotion_id"), "promotion_uses", type_="foreignkey")
