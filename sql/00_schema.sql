-- The extension makes its schema itself and by plain CREATE: a schema or an
-- object of that name which somebody laid out beforehand stops the script
-- instead of being taken for ours.
CREATE SCHEMA bko;
COMMENT ON SCHEMA bko IS 'bko: the code behind backorder books; the data live in the books themselves';
GRANT USAGE ON SCHEMA bko TO PUBLIC;
