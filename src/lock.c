/*-------------------------------------------------------------------------
 *
 * lock.c
 *	  Waiting for the lock of a stock row.
 *
 * Transactions that lock rows in one order never wait for each other in a
 * circle.  What users insert comes in any order, so circles come about, and each
 * holds up everybody who wants what is locked in it until the server looks for
 * it: deadlock_timeout, a second, after the wait began that closed it.  Here it
 * looks sooner.  Nothing else changes: who is in no circle waits as ever.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/xact.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/memutils.h"

/*
 * Milliseconds after which a wait is looked at: soon where a row is wanted
 * before one that is locked, as there is in every circle; else it mostly is
 * over by then, and costs nothing.
 */
#define LOOK_BACK 1
#define LOOK_AHEAD 10

/* The last in order of the stock rows that a transaction has locked. */
static struct
{
	TransactionId xid;
	BkoStock	last;			/* of it, item and location */
}			locked = {InvalidTransactionId};

/* Has the transaction locked a row behind this one? */
static bool
goes_back(const BkoStock *stock)
{
	TransactionId xid = GetTopTransactionIdIfAny();

	return TransactionIdIsValid(xid) && locked.xid == xid &&
		bko_stock_compare(stock, &locked.last) < 0;
}

static void
note_locked(const BkoStock *stock)
{
	TransactionId xid = GetTopTransactionIdIfAny();
	MemoryContext old;

	if (locked.xid == xid && bko_stock_compare(stock, &locked.last) <= 0)
		return;
	if (locked.xid == xid)
	{
		pfree(locked.last.item);
		pfree(locked.last.location);
	}
	old = MemoryContextSwitchTo(TopTransactionContext);
	locked.last.item = DatumGetTextPCopy(PointerGetDatum(stock->item));
	locked.last.location = DatumGetTextPCopy(PointerGetDatum(stock->location));
	locked.xid = xid;
	MemoryContextSwitchTo(old);
}

/*
 * Call what may wait for a lock, and let the server look soon whether it waits
 * in a circle: very soon where the transaction has locked what comes later in the
 * order.  One that has no number yet has locked no row, so no such circle goes
 * through it, and to look would be in vain.  Where log_lock_waits is on, the server's own time counts: a wait is
 * logged when it is looked at.
 */
uint64
bko_wait(bool back, uint64 (*lock) (void *arg), void *arg)
{
	int			save_timeout = DeadlockTimeout;
	uint64		n = 0;

	if (!log_lock_waits && TransactionIdIsValid(GetTopTransactionIdIfAny()))
		DeadlockTimeout = Min(save_timeout, back ? LOOK_BACK : LOOK_AHEAD);
	PG_TRY();
	{
		n = lock(arg);
	}
	PG_FINALLY();
	{
		DeadlockTimeout = save_timeout;
	}
	PG_END_TRY();
	return n;
}

/* A statement that locks rows. */
typedef struct Locking
{
	const BkoRun *run;
	BkoPlanId	plan;
	Datum	   *args;
} Locking;

static uint64
run_locking(void *arg)
{
	Locking    *locking = arg;

	return bko_run(locking->run, locking->plan, locking->args, NULL, 0);
}

/*
 * Run a statement that locks rows, SPI being connected; see bko_wait().  Returns
 * the number of rows, which bko_result() reads.
 */
uint64
bko_run_locking(const BkoRun *run, BkoPlanId plan, Datum *args, bool back)
{
	Locking		locking = {run, plan, args};

	return bko_wait(back, run_locking, &locking);
}

/*
 * Lock a stock row by the query made for it, SPI being connected; args are its
 * item and location.  Returns the number of rows, which bko_result() reads: 0 or
 * 1.
 */
uint64
bko_lock_stock(BkoFrame *frame, const BkoStock *stock, Datum *args)
{
	uint64		n = bko_run_locking(&frame->run, PLAN_STOCK_LOCK, args, goes_back(stock));

	if (n > 0)
		note_locked(stock);
	return n;
}
