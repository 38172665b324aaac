-- What the bulk cases read. The bare SQL is spared the thinking: its lines come
-- already split (got), computed here, outside of any measurement.
-- psql variables: many (lines over 10,000 items), one and one_plsql (lines of one item)

DROP SCHEMA IF EXISTS bench_src CASCADE;
CREATE SCHEMA bench_src;

CREATE FUNCTION bench_src.qty(n bigint) RETURNS numeric LANGUAGE sql IMMUTABLE
    RETURN 1 + abs(hashint8extended(n, 42) % 5);

CREATE FUNCTION bench_src.make(name text, lines bigint, items bigint, on_hand numeric) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($sql$
        CREATE TABLE bench_src.%I AS
        SELECT n, 'SO-' || 1000000 + n AS order_ref, 'Customer ' || n %% 997 AS customer, item, qty, 79.90 AS unit_price,
               greatest(0, least(qty, %s - sum(qty) OVER (PARTITION BY item ORDER BY n) + qty)) AS got
          FROM (SELECT n, (100001 + abs(hashint8extended(n, 7) %% %s))::text AS item, bench_src.qty(n) AS qty
                  FROM generate_series(1, %s) n) l
         ORDER BY n
    $sql$, name, on_hand, items, lines);
    EXECUTE format('ANALYZE bench_src.%I', name);
END $$;

-- Processor time in milliseconds, which other users of the machine disturb less
-- than time by the clock: of this backend, and of all sessions that have ended
-- (a server's sessions are children of one process). 0 where the system has no /proc.
CREATE FUNCTION bench_src.cpu() RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    RETURN split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1000000;
EXCEPTION WHEN OTHERS THEN
    RETURN 0;
END $$;

CREATE FUNCTION bench_src.cpu_of_ended_sessions() RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    parent text := split_part(substring(pg_read_file('/proc/self/stat') FROM '\) (.*)'), ' ', 2);
    fields text[] := string_to_array(substring(pg_read_file('/proc/' || parent || '/stat') FROM '\) (.*)'), ' ');
BEGIN
    RETURN (fields[14]::numeric + fields[15]::numeric) * 10;
EXCEPTION WHEN OTHERS THEN
    RETURN 0;
END $$;

-- Stock for about half of what is ordered: lines that ship, lines that wait, and a few of both.
SELECT bench_src.make('many', :many, 10000, ceil(1.5 * :many / 10000)) \g /dev/null
SELECT bench_src.make('one_' || :one, :one, 1, ceil(1.5 * :one)) \g /dev/null
SELECT bench_src.make('one_' || :one_plsql, :one_plsql, 1, ceil(1.5 * :one_plsql)) \g /dev/null

-- Deliveries: to odd items less than what waits there, to even ones more.
CREATE TABLE bench_src.receipts AS
SELECT i::text AS item, CASE WHEN i % 2 = 1 THEN 7 ELSE 12 END::numeric AS qty
  FROM generate_series(100001, 110000) i
 ORDER BY hashint4(i);
ANALYZE bench_src.receipts;

\copy (SELECT order_ref, customer, item, qty, unit_price FROM bench_src.many ORDER BY n) TO 'many.trigger.copy'
\copy (SELECT order_ref, customer, item, qty, unit_price, got, qty - got, got, CASE WHEN got = qty THEN now() END FROM bench_src.many ORDER BY n) TO 'many.floor.copy'
