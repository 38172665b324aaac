/*-------------------------------------------------------------------------
 *
 * qty.c
 *	  Quantities: numeric outside, millionths in an int64 inside.
 *
 * A quantity has at most 12 digits before the point and 6 after, so its
 * millionths fit an int64 with room for a few sums.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "common/int.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define NBASE				10000
#define NUMERIC_SIGN_NEG	0x4000
#define NUMERIC_SIGN_POS	0x0000

/*
 * Turn num into millionths.  False where it can't be said exactly: NaN, an
 * infinity, more than 12 digits before the point or 6 after.
 *
 * Read from numeric's wire format, which is documented and stable, unlike
 * its storage format: base-10000 digits, the first of weight 10000^weight.
 */
bool
bko_qty_from_numeric(Numeric num, BkoQty *qty)
{
	StringInfoData buf;
	bytea	   *wire;
	int			ndigits;
	int			weight;
	int			sign;
	int64		value = 0;

	wire = DatumGetByteaPP(DirectFunctionCall1(numeric_send, NumericGetDatum(num)));
	buf.data = VARDATA_ANY(wire);
	buf.len = buf.maxlen = VARSIZE_ANY_EXHDR(wire);
	buf.cursor = 0;

	ndigits = pq_getmsgint(&buf, 2);
	weight = (int16) pq_getmsgint(&buf, 2);
	sign = pq_getmsgint(&buf, 2);
	(void) pq_getmsgint(&buf, 2);	/* display scale: zeros only */

	if (sign != NUMERIC_SIGN_POS && sign != NUMERIC_SIGN_NEG)
		return false;
	if (weight > 2)
		return false;

	for (int i = 0; i < ndigits; i++)
	{
		int			digit = pq_getmsgint(&buf, 2);
		int			power = weight - i;

		/* 12 digits before the point are the powers 2, 1, 0; 6 after are -1, -2 */
		if (power >= -1)
		{
			int64		scale = 100;

			for (int p = -1; p < power; p++)
				scale *= NBASE;
			value += digit * scale;
		}
		else if (power == -2 && digit % 100 == 0)
			value += digit / 100;
		else if (digit != 0)
			return false;
	}
	pfree(wire);
	*qty = (sign == NUMERIC_SIGN_NEG) ? -value : value;
	return true;
}

/* The numeric for a number of millionths, without padding zeros. */
Numeric
bko_qty_to_numeric(BkoQty qty)
{
	if (qty % BKO_UNIT == 0)
		return int64_to_numeric(qty / BKO_UNIT);
	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale,
											   NumericGetDatum(int64_div_fast_to_numeric(qty, 6))));
}

/* A quantity as a person writes it, palloc'd. */
char *
bko_qty_text(BkoQty qty)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(bko_qty_to_numeric(qty))));
}

/* *sum = a + b; false where that is out of a quantity's range. */
bool
bko_qty_add(BkoQty a, BkoQty b, BkoQty *sum)
{
	return !pg_add_s64_overflow(a, b, sum) &&
		*sum <= BKO_QTY_MAX && *sum >= -BKO_QTY_MAX;
}
