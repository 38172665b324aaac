/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  What differs between the PostgreSQL versions that bko is built for
 *	  (15 to 18).  Every PG_VERSION_NUM of the project stands here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BKO_COMPAT_H
#define BKO_COMPAT_H

#include "postgres.h"

#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "utils/acl.h"

#if PG_VERSION_NUM < 150000
#error "bko needs PostgreSQL 15 or later"
#endif

/* 18 has pg_noreturn, which stands before a declaration, in its place. */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* Is roleid the owner of the relation, or a member of its owner? */
static inline bool
bko_owns_relation(Oid relid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relid, roleid);
#else
	return pg_class_ownercheck(relid, roleid);
#endif
}

/* Index entries for a new row, as ExecInsertIndexTuples() makes them. */
static inline List *
bko_insert_index_tuples(ResultRelInfo *target, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL, false);
#else
	return ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL);
#endif
}

/*
 * Which indexes want entries for a new version of a row, as table_tuple_update()
 * tells, and those entries.
 */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes BkoIndexesToUpdate;
#define BKO_NO_INDEXES TU_None
#else
typedef bool BkoIndexesToUpdate;
#define BKO_NO_INDEXES false
#endif

static inline List *
bko_update_index_tuples(ResultRelInfo *target, TupleTableSlot *slot, EState *estate,
						BkoIndexesToUpdate indexes)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(target, slot, estate, true, false, NULL, NIL,
								 indexes == TU_Summarizing);
#else
	return ExecInsertIndexTuples(target, slot, estate, true, false, NULL, NIL);
#endif
}

/* 18 has constraints that nobody asks. */
#if PG_VERSION_NUM >= 180000
#define BKO_CHECK_ENFORCED(check) ((check)->ccenforced)
#else
#define BKO_CHECK_ENFORCED(check) true
#endif

/* getIdentitySequence() takes the relation from 17 on. */
#if PG_VERSION_NUM >= 170000
#define BKO_SEQUENCE_ARGS(rel, attnum) (rel), (attnum), true
#else
#define BKO_SEQUENCE_ARGS(rel, attnum) RelationGetRelid(rel), (attnum), true
#endif

/* RelationGetPrimaryKeyIndex() is asked about deferrable ones from 18 on. */
#if PG_VERSION_NUM >= 180000
#define bko_primary_key(rel) RelationGetPrimaryKeyIndex(rel, false)
#else
#define bko_primary_key(rel) RelationGetPrimaryKeyIndex(rel)
#endif

#endif							/* BKO_COMPAT_H */
