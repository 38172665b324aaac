/*-------------------------------------------------------------------------
 *
 * bko.c
 *	  The module: magic block and what is set up once per session.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	bko_book_init();
	bko_attach_init();
	bko_attach_stock_init();
	bko_frame_init();
	bko_lane_init();
}
