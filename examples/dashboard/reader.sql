-- A role that sees the views of a book and nothing else. A view runs with its
-- owner's rights, so its reader needs no right on a table. To be run by a role that
-- may make roles and owns the book; again when a view has been added.
--
--   psql -v book=shop -f reader.sql
--
-- It may log in, but has no password: give it one (\password bko_reader), or let
-- pg_hba.conf say who may be it.
\set ON_ERROR_STOP on
\set QUIET on

SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bko_reader') AS role_is_missing \gset
\if :role_is_missing
    CREATE ROLE bko_reader LOGIN;
\endif
ALTER ROLE bko_reader SET default_transaction_read_only = on;
ALTER ROLE bko_reader SET statement_timeout = '15s';

GRANT USAGE ON SCHEMA :"book" TO bko_reader;
SELECT format('GRANT SELECT ON %I.%I TO bko_reader', :'book', relname)
  FROM pg_class WHERE relnamespace = format('%I', :'book')::regnamespace AND relkind IN ('v', 'm')
 ORDER BY relname \gexec
