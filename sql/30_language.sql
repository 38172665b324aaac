-- The language of those functions of a book that are called too often for their
-- body to be planned at each call: it names what to call in C. Trusted: whoever
-- makes or restores a book makes functions in it.

CREATE FUNCTION bko.call_handler() RETURNS language_handler
    AS 'MODULE_PATHNAME', 'bko_call_handler' LANGUAGE C;
COMMENT ON FUNCTION bko.call_handler() IS 'Calls what a function of the language "bko" names, for the book in whose schema it is';

CREATE FUNCTION bko.call_validator(oid) RETURNS void
    AS 'MODULE_PATHNAME', 'bko_call_validator' LANGUAGE C STRICT;
COMMENT ON FUNCTION bko.call_validator(oid) IS 'Refuses functions of the language "bko" that bko doesn''t make';

CREATE TRUSTED LANGUAGE bko HANDLER bko.call_handler VALIDATOR bko.call_validator;
COMMENT ON LANGUAGE bko IS 'Functions of a book whose body names what bko calls for them';
