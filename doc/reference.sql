-- Writes doc/reference.md from the comments of a book made just now:
--   psql -XAtq -v ON_ERROR_STOP=1 -f doc/reference.sql > doc/reference.md
-- in a database that has the extension. test/t/007_reference.pl compares.

BEGIN;
SELECT bko.create_book('reference_book') \g /dev/null
SET LOCAL search_path = reference_book, pg_temp;
SET LOCAL quote_all_identifiers = off;

\echo '# Reference'
\echo
\echo 'Made from the comments in the database by `doc/reference.sql`: the tables, views and functions of a'
\echo 'book, and those of the extension itself. How they behave: [rules.md](rules.md).'

SELECT format(E'\n## %s `%s`\n\n%s.\n\n| column | type | |\n|---|---|---|\n%s',
              CASE c.relkind WHEN 'r' THEN 'Table' WHEN 'm' THEN 'Materialized view' ELSE 'View' END, c.relname,
              obj_description(c.oid, 'pg_class'),
              (SELECT string_agg(format('| `%s` | %s%s | %s |', a.attname,
                                        format_type(a.atttypid, a.atttypmod),
                                        CASE WHEN c.relkind = 'r' AND a.attnotnull THEN ', not null' ELSE '' END,
                                        replace(col_description(c.oid, a.attnum), '|', '\|')),
                                 E'\n' ORDER BY a.attnum)
                 FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
  FROM pg_class c
 WHERE c.relnamespace = 'reference_book'::regnamespace AND c.relkind IN ('r', 'v', 'm')
 ORDER BY array_position(ARRAY['r', 'v', 'm'], c.relkind::text), array_position(ARRAY['stock', 'order_line', 'supply', 'receipt', 'movement', 'sourcing', 'book'],
                                    c.relname::text), c.relname;

\echo
\echo '## Functions of a book'
SELECT format(E'\n### `%s(%s)`\n\nReturns %s. %s.%s', p.proname, pg_get_function_arguments(p.oid),
              replace(pg_get_function_result(p.oid), 'reference_book.', ''),
              obj_description(p.oid, 'pg_proc'),
              CASE WHEN has_function_privilege('public', p.oid, 'EXECUTE') THEN ''
                   ELSE ' The owner grants EXECUTE.' END)
  FROM pg_proc p
 WHERE p.pronamespace = 'reference_book'::regnamespace
 ORDER BY p.proname;

\echo
\echo '## Functions of the extension'
SELECT format(E'\n### `bko.%s(%s)`\n\nReturns %s. %s.', p.proname, pg_get_function_arguments(p.oid),
              pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc'))
  FROM pg_proc p
 WHERE p.pronamespace = 'bko'::regnamespace AND p.proname IN ('create_book', 'upgrade_book')
 ORDER BY p.proname;

\echo
\echo '## Forecasts and formulas, for any query'
SELECT format(E'\n### `bko.%s(%s)`\n\nReturns %s. %s.', p.proname, pg_get_function_arguments(p.oid),
              pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc'))
  FROM pg_proc p
 WHERE p.pronamespace = 'bko'::regnamespace
   AND (p.prokind = 'a' OR p.proname IN ('service_factor', 'standard_normal_loss', 'safety_stock', 'reorder_point',
                                         'expected_fill_rate', 'economic_order_quantity', 'shortage_shares'))
 ORDER BY p.proname, pg_get_function_arguments(p.oid);
ROLLBACK;
