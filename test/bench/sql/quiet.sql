-- Autovacuum would wake up in the middle of one contestant's turn and not of
-- another's: off for the tables of all three. The state before each measurement
-- is vacuumed and analyzed by hand.
SELECT format('ALTER TABLE %I.%I SET (autovacuum_enabled = off)', :'schema', c.relname)
  FROM pg_class c
 WHERE c.relnamespace = :'schema'::regnamespace AND c.relkind = 'r'
\gexec
