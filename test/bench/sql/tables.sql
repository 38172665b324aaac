-- A schema with the tables of a book and nothing behind them: the same
-- columns, indexes, constraints and storage settings, copied from a real book,
-- so that a change of the book's tables can't favour a contestant.
-- psql variables: schema (to make), like (the book to copy)

DROP SCHEMA IF EXISTS :schema CASCADE;
CREATE SCHEMA :schema;

CREATE TABLE :schema.stock      (LIKE :like.stock      INCLUDING ALL);
CREATE TABLE :schema.order_line (LIKE :like.order_line INCLUDING ALL);
CREATE TABLE :schema.supply     (LIKE :like.supply     INCLUDING ALL);
CREATE TABLE :schema.receipt    (LIKE :like.receipt    INCLUDING ALL);
CREATE TABLE :schema.movement   (LIKE :like.movement   INCLUDING ALL);

-- LIKE leaves storage parameters (fillfactor) behind.
SELECT format('ALTER TABLE %I.%I SET (%s)', :'schema', c.relname, array_to_string(c.reloptions, ', '))
  FROM pg_class c
 WHERE c.relnamespace = :'like'::regnamespace AND c.relkind = 'r' AND c.reloptions IS NOT NULL
   AND c.relname IN ('stock', 'order_line', 'supply', 'receipt', 'movement')
\gexec

-- What the engine fills in has no default in a book. Here it gets one, so that
-- the bare SQL need not carry constants, least of all through COPY. A column
-- that is required and that this bench doesn't know becomes visible at once: the insert fails.
ALTER TABLE :schema.stock
    ALTER allocated SET DEFAULT 0, ALTER backordered SET DEFAULT 0;
ALTER TABLE :schema.order_line
    ALTER qty_allocated SET DEFAULT 0, ALTER qty_cancelled SET DEFAULT 0, ALTER qty_returned SET DEFAULT 0,
    ALTER queued_at SET DEFAULT clock_timestamp();
ALTER TABLE :schema.movement
    ALTER at SET DEFAULT now(), ALTER by_role SET DEFAULT session_user, ALTER location SET DEFAULT 'main';
