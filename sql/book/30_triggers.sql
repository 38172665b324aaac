-- Row triggers fire in the order of their names: zz_ lets the application's
-- own BEFORE triggers finish the row before it is split. Statement triggers
-- come first, so that AFTER ones of the application see a settled book.

CREATE TRIGGER a_bko_open BEFORE INSERT OR UPDATE OR DELETE ON order_line
    FOR EACH STATEMENT EXECUTE FUNCTION bko.frame_open('order_line');
CREATE TRIGGER zz_bko_insert BEFORE INSERT ON order_line
    FOR EACH ROW EXECUTE FUNCTION bko.line_insert_row();
CREATE TRIGGER a_bko_insert_done AFTER INSERT ON order_line
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION bko.line_insert_done();
CREATE TRIGGER zz_bko_update BEFORE UPDATE OR DELETE ON order_line
    FOR EACH ROW EXECUTE FUNCTION bko.line_update_row();
CREATE TRIGGER a_bko_update_done AFTER UPDATE OR DELETE ON order_line
    FOR EACH STATEMENT EXECUTE FUNCTION bko.line_update_done();
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON order_line
    FOR EACH STATEMENT EXECUTE FUNCTION bko.truncate_guard();

-- Lines of a book that allocates at commit are split when the transaction ends.
CREATE CONSTRAINT TRIGGER bko_split AFTER INSERT ON order_line
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (new.pending IS NOT NULL) EXECUTE FUNCTION bko.line_split();

CREATE TRIGGER a_bko_open BEFORE INSERT OR UPDATE OR DELETE ON stock
    FOR EACH STATEMENT EXECUTE FUNCTION bko.frame_open('stock');
CREATE TRIGGER zz_bko_row BEFORE INSERT OR UPDATE OR DELETE ON stock
    FOR EACH ROW EXECUTE FUNCTION bko.stock_row();
CREATE TRIGGER a_bko_insert_done AFTER INSERT ON stock
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION bko.stock_done();
CREATE TRIGGER a_bko_done AFTER UPDATE OR DELETE ON stock
    FOR EACH STATEMENT EXECUTE FUNCTION bko.stock_done();
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON stock
    FOR EACH STATEMENT EXECUTE FUNCTION bko.truncate_guard();

CREATE TRIGGER a_bko_open BEFORE INSERT ON receipt
    FOR EACH STATEMENT EXECUTE FUNCTION bko.frame_open('receipt');
CREATE TRIGGER zz_bko_insert BEFORE INSERT ON receipt
    FOR EACH ROW EXECUTE FUNCTION bko.receipt_row();
CREATE TRIGGER a_bko_insert_done AFTER INSERT ON receipt
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION bko.receipt_done();
CREATE TRIGGER zz_bko_append_only BEFORE UPDATE OR DELETE ON receipt
    FOR EACH ROW EXECUTE FUNCTION bko.append_only();
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON receipt
    FOR EACH STATEMENT EXECUTE FUNCTION bko.append_only();

CREATE TRIGGER zz_bko_row BEFORE INSERT OR UPDATE OR DELETE ON supply
    FOR EACH ROW EXECUTE FUNCTION bko.supply_row();
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON supply
    FOR EACH STATEMENT EXECUTE FUNCTION bko.append_only();

CREATE TRIGGER zz_bko_row BEFORE INSERT OR UPDATE ON cap
    FOR EACH ROW EXECUTE FUNCTION bko.limit_row('cap');
CREATE TRIGGER a_bko_done AFTER UPDATE OR DELETE ON cap
    FOR EACH ROW EXECUTE FUNCTION bko.limit_done('cap');
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON cap
    FOR EACH STATEMENT EXECUTE FUNCTION bko.append_only();

CREATE TRIGGER zz_bko_row BEFORE INSERT OR UPDATE ON protection
    FOR EACH ROW EXECUTE FUNCTION bko.limit_row('protection');
CREATE TRIGGER a_bko_done AFTER UPDATE OR DELETE ON protection
    FOR EACH ROW EXECUTE FUNCTION bko.limit_done('protection');
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON protection
    FOR EACH STATEMENT EXECUTE FUNCTION bko.append_only();

CREATE TRIGGER zz_bko_row BEFORE INSERT OR UPDATE ON customer_group
    FOR EACH ROW EXECUTE FUNCTION bko.group_row();
CREATE TRIGGER a_bko_done AFTER INSERT OR UPDATE OR DELETE ON customer_group
    FOR EACH ROW EXECUTE FUNCTION bko.group_done();
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON customer_group
    FOR EACH STATEMENT EXECUTE FUNCTION bko.append_only();

CREATE TRIGGER a_bko_guard BEFORE INSERT ON movement
    FOR EACH STATEMENT EXECUTE FUNCTION bko.journal_guard();
CREATE TRIGGER zz_bko_append_only BEFORE UPDATE OR DELETE ON movement
    FOR EACH ROW EXECUTE FUNCTION bko.append_only();
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON movement
    FOR EACH STATEMENT EXECUTE FUNCTION bko.append_only();

CREATE TRIGGER a_bko_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON stock_lane
    FOR EACH STATEMENT EXECUTE FUNCTION bko.lane_guard();
CREATE TRIGGER a_bko_guard BEFORE INSERT ON archived_line
    FOR EACH STATEMENT EXECUTE FUNCTION bko.journal_guard();
CREATE TRIGGER zz_bko_append_only BEFORE UPDATE OR DELETE ON archived_line
    FOR EACH ROW EXECUTE FUNCTION bko.append_only();
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON archived_line
    FOR EACH STATEMENT EXECUTE FUNCTION bko.append_only();

CREATE TRIGGER a_bko_guard BEFORE INSERT ON archived_movement
    FOR EACH STATEMENT EXECUTE FUNCTION bko.journal_guard();
CREATE TRIGGER zz_bko_append_only BEFORE UPDATE OR DELETE ON archived_movement
    FOR EACH ROW EXECUTE FUNCTION bko.append_only();
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON archived_movement
    FOR EACH STATEMENT EXECUTE FUNCTION bko.append_only();

CREATE TRIGGER a_bko_guard BEFORE INSERT ON archived_total
    FOR EACH STATEMENT EXECUTE FUNCTION bko.journal_guard();
CREATE TRIGGER zz_bko_append_only BEFORE UPDATE OR DELETE ON archived_total
    FOR EACH ROW EXECUTE FUNCTION bko.append_only();
CREATE TRIGGER a_bko_truncate BEFORE TRUNCATE ON archived_total
    FOR EACH STATEMENT EXECUTE FUNCTION bko.append_only();

CREATE TRIGGER bko_book_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON book
    FOR EACH STATEMENT EXECUTE FUNCTION bko.book_changed();
CREATE TRIGGER bko_attached_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON attached
    FOR EACH STATEMENT EXECUTE FUNCTION bko.book_changed();
CREATE TRIGGER bko_book_row BEFORE INSERT ON book
    FOR EACH ROW EXECUTE FUNCTION bko.book_row();

-- Orders that ship as a whole are looked at when the transaction ends, so that
-- the first line doesn't leave before the second is known.
CREATE CONSTRAINT TRIGGER bko_order_due AFTER INSERT ON order_due
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION bko.order_due();
