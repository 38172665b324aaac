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
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

/*
 * numeric's storage format, which numeric.c keeps to itself but which is fixed
 * by pg_upgrade: a header of one or two int16, then base-10000 digits, the
 * first of weight 10000^weight.  Reading it here takes no memory and a tenth
 * of the time of its wire format; test/sql/t_split.sql has every shape of it.
 */
#define NBASE			10000
#define SIGN_MASK		0xC000
#define SIGN_NEG		0x4000
#define SIGN_SHORT		0x8000
#define SIGN_SPECIAL	0xC000
#define SHORT_NEG		0x2000
#define SHORT_WEIGHT_SIGN 0x0040
#define SHORT_WEIGHT_MASK 0x003F

/* Header of a numeric: false for NaN and the infinities. */
static bool
read_header(const uint16 *words, bool *negative, int *weight, int *header_words)
{
	uint16		header = words[0];

	switch (header & SIGN_MASK)
	{
		case SIGN_SPECIAL:
			return false;
		case SIGN_SHORT:
			*negative = (header & SHORT_NEG) != 0;
			*weight = ((header & SHORT_WEIGHT_SIGN) ? ~SHORT_WEIGHT_MASK : 0) |
				(header & SHORT_WEIGHT_MASK);
			*header_words = 1;
			return true;
		default:
			*negative = (header & SIGN_MASK) == SIGN_NEG;
			*weight = (int16) words[1];
			*header_words = 2;
			return true;
	}
}

/*
 * Turn num into millionths.  False where it can't be said exactly: NaN, an
 * infinity, more than 12 digits before the point or 6 after.
 */
bool
bko_qty_from_numeric(Numeric num, BkoQty *qty)
{
	const uint16 *words = (const uint16 *) VARDATA_ANY(num);
	int			nwords = VARSIZE_ANY_EXHDR(num) / sizeof(uint16);
	int			header_words;
	int			weight;
	bool		negative;
	int64		value = 0;

	if (!read_header(words, &negative, &weight, &header_words))
		return false;
	if (nwords > header_words && weight > 2)
		return false;

	for (int i = header_words; i < nwords; i++)
	{
		int			digit = (int16) words[i];
		int			power = weight - (i - header_words);

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
	*qty = negative ? -value : value;
	return true;
}

/* Most quantities are zero: they share one numeric, made once per session. */
static Numeric
zero(void)
{
	static Numeric numeric = NULL;

	if (numeric == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		numeric = int64_to_numeric(0);
		MemoryContextSwitchTo(old);
	}
	return numeric;
}

/*
 * The numeric for a number of millionths, without padding zeros; not to be
 * freed.
 */
Numeric
bko_qty_to_numeric(BkoQty qty)
{
	if (qty == 0)
		return zero();
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
