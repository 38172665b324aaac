-- What tables and indexes take, and how they were updated: a line for each table.
SELECT c.relname, pg_relation_size(c.oid) / 1024, pg_indexes_size(c.oid) / 1024,
       s.n_tup_upd, s.n_tup_hot_upd, s.autovacuum_count
  FROM pg_class c
  JOIN pg_stat_user_tables s ON s.relid = c.oid
 WHERE c.relnamespace = :'schema'::regnamespace AND c.relname IN ('stock', 'order_line', 'movement', 'receipt', 'shortage', 'supply')
 ORDER BY c.relname;
