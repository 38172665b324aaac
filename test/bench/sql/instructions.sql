-- What the bulk cases read where instructions are counted.
-- psql variables: n (lines, receipts), items (of the lines)

SELECT bench_src.make('cg_' || :n, :n, :items, 1000000);

\set receipts 'bench_src.cg_receipts_' :n

-- To odd items less than the 10 units that wait there, to even ones more.
CREATE TABLE :receipts AS
SELECT (2000000 + i)::text AS item, CASE WHEN i % 2 = 1 THEN 7 ELSE 12 END::numeric AS qty
  FROM generate_series(1, :n) i
 ORDER BY hashint4(i);
ANALYZE :receipts;

-- COPY of a single-user backend reads a file of the server's.
\set source 'bench_src.cg_' :n
\set trigger_file 'cg_' :n '.trigger.copy'
\set floor_file 'cg_' :n '.floor.copy'
\o :trigger_file
COPY (SELECT order_ref, customer, item, qty, unit_price FROM :source ORDER BY n) TO STDOUT;
\o :floor_file
COPY (SELECT order_ref, customer, item, qty, unit_price, got, qty - got, got, CASE WHEN got = qty THEN now() END
        FROM :source ORDER BY n) TO STDOUT;
\o
