/*-------------------------------------------------------------------------
 *
 * split.c
 *	  The arithmetic of splitting and filling.  Knows numbers alone: no
 *	  tables, no SPI.  A step of 0 means that any quantity goes.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

/* The largest multiple of step that is no more than qty; 0 below zero. */
BkoQty
bko_whole_steps(BkoQty qty, BkoQty step)
{
	if (qty <= 0)
		return 0;
	return step > 0 ? qty - qty % step : qty;
}

/* The smallest multiple of step that is no less than qty; 0 below zero. */
BkoQty
bko_steps_up(BkoQty qty, BkoQty step)
{
	if (qty <= 0)
		return 0;
	if (step > 0 && qty % step != 0)
		return qty - qty % step + step;
	return qty;
}

/* What a line that wants "open" takes of what is available. */
BkoQty
bko_take(BkoQty open, BkoQty available, BkoQty step)
{
	return Min(open, bko_whole_steps(available, step));
}

/*
 * What a line gives up of "held" when "needed" must be freed: whole steps, so
 * that what stays with it can still be shipped as ordered.
 */
BkoQty
bko_give_up(BkoQty held, BkoQty needed, BkoQty step)
{
	return Min(held, bko_steps_up(needed, step));
}
