-- What people have today: row triggers in PL/pgSQL, written with care. Stock is
-- locked first and read by its key, every statement uses a cached plan and an
-- index, nothing is read twice, and the rules are the same as bko's as far as
-- the bench meets them (quantity, step, limit, ships_at_once). They run with
-- the caller's rights: SECURITY DEFINER would cost them more.

CREATE FUNCTION bench_plsql.line_split() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_available   numeric;
    v_backordered numeric;
    v_step        numeric;
    v_limit       numeric;
    v_ships       boolean;
    v_last        timestamptz;
    v_got         numeric;
    v_rest        numeric;
BEGIN
    IF NEW.qty_ordered <= 0 OR NEW.qty_ordered >= 1000000000000 OR scale(NEW.qty_ordered) > 6 THEN
        RAISE EXCEPTION 'quantity % of item % is out of range', NEW.qty_ordered, NEW.item;
    END IF;

    SELECT s.available, s.backordered, s.qty_step, s.backorder_limit, s.ships_at_once, s.last_queued_at
      INTO v_available, v_backordered, v_step, v_limit, v_ships, v_last
      FROM bench_plsql.stock s
     WHERE s.item = NEW.item AND s.location = NEW.location
       FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'item % is not stocked at %', NEW.item, NEW.location;
    END IF;

    IF v_step IS NOT NULL THEN
        IF mod(NEW.qty_ordered, v_step) <> 0 THEN
            RAISE EXCEPTION 'quantity % of item % is not a multiple of %', NEW.qty_ordered, NEW.item, v_step;
        END IF;
        v_available := v_available - mod(v_available, v_step);
    END IF;

    v_got := least(v_available, NEW.qty_ordered);
    v_rest := NEW.qty_ordered - v_got;
    IF v_rest > 0 AND v_backordered + v_rest > v_limit THEN
        RAISE EXCEPTION 'item % at %: backorder limit % exceeded', NEW.item, NEW.location, v_limit;
    END IF;

    NEW.queued_at := greatest(clock_timestamp(), v_last + interval '1 microsecond');
    NEW.qty_filled_first := v_got;
    NEW.qty_backordered := v_rest;
    NEW.qty_cancelled := 0;
    NEW.qty_returned := 0;
    IF v_ships THEN
        NEW.qty_shipped := v_got;
        NEW.qty_allocated := 0;
        IF v_rest = 0 THEN
            NEW.closed_at := NEW.queued_at;
        END IF;
        UPDATE bench_plsql.stock s
           SET on_hand = s.on_hand - v_got, backordered = s.backordered + v_rest, last_queued_at = NEW.queued_at
         WHERE s.item = NEW.item AND s.location = NEW.location;
    ELSE
        NEW.qty_shipped := 0;
        NEW.qty_allocated := v_got;
        UPDATE bench_plsql.stock s
           SET allocated = s.allocated + v_got, backordered = s.backordered + v_rest, last_queued_at = NEW.queued_at
         WHERE s.item = NEW.item AND s.location = NEW.location;
    END IF;

    IF v_got > 0 THEN
        INSERT INTO bench_plsql.movement (at, kind, to_state, item, location, qty, line_id, by_role)
        VALUES (NEW.queued_at, CASE WHEN v_ships THEN 'ship' ELSE 'allocate' END, CASE WHEN v_ships THEN 's' ELSE 'a' END,
                NEW.item, NEW.location, v_got, NEW.line_id, session_user);
    END IF;
    IF v_rest > 0 THEN
        INSERT INTO bench_plsql.movement (at, kind, to_state, item, location, qty, line_id, by_role)
        VALUES (NEW.queued_at, 'backorder', 'b', NEW.item, NEW.location, v_rest, NEW.line_id, session_user);
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER line_split BEFORE INSERT ON bench_plsql.order_line
    FOR EACH ROW EXECUTE FUNCTION bench_plsql.line_split();

CREATE FUNCTION bench_plsql.receipt_fill() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_available numeric;
    v_step      numeric;
    v_ships     boolean;
    v_left      numeric;
    v_take      numeric;
    v_at        timestamptz := clock_timestamp();
    -- a declared cursor is planned for its first rows: it reads the queue from its front instead of sorting all of it
    waiting CURSOR FOR
        SELECT o.line_id, o.qty_backordered, o.qty_allocated
          FROM bench_plsql.order_line o
         WHERE o.item = NEW.item AND o.location = NEW.location AND @waiting@
         ORDER BY o.priority, o.queued_at, o.line_id;
BEGIN
    IF NEW.qty <= 0 OR NEW.qty >= 1000000000000 OR scale(NEW.qty) > 6 THEN
        RAISE EXCEPTION 'quantity % of item % is out of range', NEW.qty, NEW.item;
    END IF;

    SELECT s.available, s.qty_step, s.ships_at_once
      INTO v_available, v_step, v_ships
      FROM bench_plsql.stock s
     WHERE s.item = NEW.item AND s.location = NEW.location
       FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'item % is not stocked at %', NEW.item, NEW.location;
    END IF;

    INSERT INTO bench_plsql.movement (at, kind, item, location, qty, receipt_id, by_role)
    VALUES (v_at, 'receive', NEW.item, NEW.location, NEW.qty, NEW.receipt_id, session_user);

    v_left := v_available + NEW.qty;
    IF v_step IS NOT NULL THEN
        v_left := v_left - mod(v_left, v_step);
    END IF;
    NEW.qty_to_backorders := 0;

    FOR l IN waiting LOOP
        EXIT WHEN v_left <= 0;
        v_take := least(v_left, l.qty_backordered);
        v_left := v_left - v_take;
        NEW.qty_to_backorders := NEW.qty_to_backorders + v_take;
        IF v_ships THEN
            UPDATE bench_plsql.order_line o
               SET qty_shipped = o.qty_shipped + v_take,
                   qty_backordered = o.qty_backordered - v_take,
                   closed_at = CASE WHEN v_take = l.qty_backordered AND l.qty_allocated = 0 THEN v_at END
             WHERE o.line_id = l.line_id AND o.item = NEW.item;
        ELSE
            UPDATE bench_plsql.order_line o
               SET qty_allocated = o.qty_allocated + v_take,
                   qty_backordered = o.qty_backordered - v_take
             WHERE o.line_id = l.line_id AND o.item = NEW.item;
        END IF;
        INSERT INTO bench_plsql.movement (at, kind, from_state, to_state, item, location, qty, line_id, receipt_id, by_role)
        VALUES (v_at, CASE WHEN v_ships THEN 'ship' ELSE 'allocate' END, 'b', CASE WHEN v_ships THEN 's' ELSE 'a' END,
                NEW.item, NEW.location, v_take, l.line_id, NEW.receipt_id, session_user);
    END LOOP;

    NEW.qty_to_stock := NEW.qty - NEW.qty_to_backorders;
    UPDATE bench_plsql.stock s
       SET on_hand = s.on_hand + NEW.qty - CASE WHEN v_ships THEN NEW.qty_to_backorders ELSE 0 END,
           allocated = s.allocated + CASE WHEN v_ships THEN 0 ELSE NEW.qty_to_backorders END,
           backordered = s.backordered - NEW.qty_to_backorders
     WHERE s.item = NEW.item AND s.location = NEW.location;
    RETURN NEW;
END $$;

CREATE TRIGGER receipt_fill BEFORE INSERT ON bench_plsql.receipt
    FOR EACH ROW EXECUTE FUNCTION bench_plsql.receipt_fill();
