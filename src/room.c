/*-------------------------------------------------------------------------
 *
 * room.c
 *	  What caps and protected quantities leave for a line.  Knows numbers
 *	  alone: no tables, no SPI.
 *
 * A cap is the most that a group of lines may get in a period.  A protected
 * quantity is kept on the shelf for a group, against lines that are less
 * urgent.  Both bind: a line gets the lesser of what its caps leave and what
 * is available above all that is kept from it.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "utils/datetime.h"

/* Is a line one of those that a limit is made for? */
bool
bko_room_is_for(const BkoLimit *limit, int32 priority, const text *group)
{
	if (limit->group)
		return group && bko_same_text(limit->group, group);
	return limit->kind == BKO_CAP ? priority == limit->priority : priority <= limit->priority;
}

/*
 * Is a protected quantity kept from a line?  One of a customer group is kept
 * from every line outside it that is not more urgent than the group.
 */
static bool
is_kept_from(const BkoLimit *limit, int32 priority, const text *group)
{
	if (limit->kind != BKO_PROTECTION || bko_room_is_for(limit, priority, group))
		return false;
	return limit->group == NULL || priority >= limit->priority;
}

/* What the caps leave of qty for a line: for goods that were bought for it. */
BkoQty
bko_room_bought(const BkoLimit *limits, int n, int32 priority, const text *group, BkoQty qty)
{
	for (int i = 0; i < n; i++)
		if (limits[i].kind == BKO_CAP && bko_room_is_for(&limits[i], priority, group))
			qty = Min(qty, limits[i].qty - limits[i].used);
	return Max(qty, 0);
}

/* What is kept from a line. */
BkoQty
bko_room_kept(const BkoLimit *limits, int n, int32 priority, const text *group)
{
	BkoQty		kept = 0;

	for (int i = 0; i < n; i++)
		if (is_kept_from(&limits[i], priority, group))
			kept += limits[i].qty;
	return kept;
}

/* What a line may take where "available" is there. */
BkoQty
bko_room(const BkoLimit *limits, int n, int32 priority, const text *group, BkoQty available)
{
	return bko_room_bought(limits, n, priority, group,
						   available - bko_room_kept(limits, n, priority, group));
}

/* A line has taken qty, or given it back below zero: its caps have it used. */
void
bko_room_take(BkoLimit *limits, int n, int32 priority, const text *group, BkoQty qty)
{
	for (int i = 0; i < n; i++)
		if (limits[i].kind == BKO_CAP && bko_room_is_for(&limits[i], priority, group))
		{
			limits[i].used += qty;
			limits[i].taken += qty;
		}
}

/* The period that a day belongs to: the first day of it. */
DateADT
bko_room_period(char period, DateADT day)
{
	int			year;
	int			month;
	int			mday;

	if (period == 'e')
		return DATEVAL_NOBEGIN;
	if (period == 'd' || DATE_NOT_FINITE(day))
		return day;
	if (period == 'w')
		return day - (j2day(day + POSTGRES_EPOCH_JDATE) + 6) % 7;
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	if (period == 'q')
		month -= (month - 1) % 3;
	else if (period == 'y')
		month = 1;
	return date2j(year, month, 1) - POSTGRES_EPOCH_JDATE;
}

/*
 * The day has come: caps whose period is over begin anew.  Days may come in
 * any order, a period that is over never comes back; the day after all days
 * stands for one that nobody knows, and begins no period.
 */
void
bko_room_day(BkoLimit *limits, int n, DateADT day)
{
	for (int i = 0; i < n; i++)
	{
		DateADT		begins;

		if (limits[i].kind != BKO_CAP || DATE_NOT_FINITE(day))
			continue;
		begins = bko_room_period(limits[i].period, day);
		if (begins > limits[i].begins)
		{
			limits[i].begins = begins;
			limits[i].used = 0;
			limits[i].rolled = true;
		}
	}
}
