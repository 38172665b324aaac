CREATE FUNCTION bko.create_book(name name) RETURNS void
    AS 'MODULE_PATHNAME', 'bko_create_book' LANGUAGE C STRICT;
COMMENT ON FUNCTION bko.create_book(name) IS 'Makes a schema with the tables, triggers, views and functions of a book, owned by the caller';

CREATE FUNCTION bko.upgrade_book(name name) RETURNS integer
    AS 'MODULE_PATHNAME', 'bko_upgrade_book' LANGUAGE C STRICT;
COMMENT ON FUNCTION bko.upgrade_book(name) IS 'Brings an older book up to the version that the installed bko serves, and returns that version';

-- The functions behind those of a book. A book's own functions call them with
-- its table "book", which names the book whatever its schema is called.

CREATE FUNCTION bko.receive(book regclass, item text, qty numeric, location text,
                            supply_ref text, unit_cost numeric, note text)
    RETURNS SETOF bko.fill
    AS 'MODULE_PATHNAME', 'bko_receive' LANGUAGE C;
COMMENT ON FUNCTION bko.receive(regclass, text, numeric, text, text, numeric, text) IS 'Behind receive() of a book';
