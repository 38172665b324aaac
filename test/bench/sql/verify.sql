-- Breaks that the book itself finds; nothing where it has no verify() yet.
SELECT to_regprocedure(:'schema' || '.verify()') IS NOT NULL AS there \gset
\if :there
SELECT count(*) FROM :schema.verify();
\else
SELECT 0;
\endif
