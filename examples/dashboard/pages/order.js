import { html, section, tiles, table, itemLink, orderLink } from '../lib/html.js';
import { number, day, days, money, lateBy, plural, promise, text } from '../lib/format.js';

export const path = '/order';
export const name = 'One order';

const form = (order) => html`
	<form action="/order">
		<label>Order <input name="order_ref" required value="${order ?? ''}"></label>
		<button>Show</button>
	</form>`;

export async function render(sql, { order_ref: order }) {
	if (!order) return overview(sql);
	const lines = await sql(`
		SELECT * FROM order_position WHERE order_ref = $1 ORDER BY line_no, line_id`, [order]);
	if (lines.length === 0) {
		return { status: 404, title: `There is no order ${order}`, body: html`${form(order)}<p class="empty">The book has no line of such an order.</p>` };
	}
	const waiting = await sql(`
		SELECT *, promised_on < current_date AS promise_passed FROM open_backorder
		 WHERE order_ref = $1 ORDER BY promised_on NULLS LAST, line_id`, [order]);
	const pegs = await sql('SELECT * FROM pegging WHERE order_ref = $1 ORDER BY expected_on, supply_id, line_id', [order]);
	const shipped = await sql(`
		SELECT p.item, o.location, p.qty, p.shipped_at, p.supply_ref, p.supplier
		  FROM provenance p JOIN order_position o ON o.line_id = p.line_id AND o.item = p.item
		 WHERE o.order_ref = $1 ORDER BY p.shipped_at, p.line_id`, [order]);
	const [sum] = await sql(`
		SELECT sum(qty_ordered) AS ordered, sum(qty_shipped) AS shipped, sum(qty_backordered) AS backordered,
		       string_agg(DISTINCT customer, ', ') AS customer, min(ordered_at) AS ordered_at
		  FROM order_position WHERE order_ref = $1`, [order]);
	const values = await sql(`
		SELECT currency, sum(value) AS value FROM open_backorder WHERE order_ref = $1 AND value IS NOT NULL GROUP BY currency ORDER BY currency`, [order]);

	const promised = waiting.every((row) => row.promised_on !== null);
	const complete = promised ? waiting.at(-1)?.promised_on : null;
	return {
		title: waiting.length === 0 ? `${order}: no line waits`
			: `${order}: ${plural(waiting.length, 'line waits', 'lines wait')}, ${promised ? `all promised by ${day(complete)}` : 'not all of it promised'}`,
		body: html`
		${form(order)}
		${tiles([
			['customer', 'Customer', text(sum.customer), `Ordered on ${day(sum.ordered_at)}.`],
			['ordered', 'Units ordered', number(sum.ordered), `In ${plural(lines.length, 'line', 'lines')}.`],
			['shipped', 'Units shipped', number(sum.shipped), 'What has left, returned or not.'],
			['backordered', 'Units waiting', number(sum.backordered), 'What its lines wait for.'],
			...values.map(({ currency, value }) =>
				[`value-${currency}`, `Value waiting, ${currency ?? 'no currency'}`, money(value, currency), 'Units waiting at the price of their line.']),
			['complete', 'Complete by', waiting.length === 0 ? 'nothing waits' : promised ? day(complete) : 'not promised', 'The last promise of its lines; none while nothing on its way completes one of them.'],
		])}
		${section('Its lines', 'Ordered is always shipped + allocated + waiting + cancelled.',
			table('lines', [
				['Line', (row) => text(row.line_no)], ['Item', itemLink], ['Location', (row) => row.location],
				['Ordered', (row) => number(row.qty_ordered), 'number'], ['Shipped', (row) => number(row.qty_shipped), 'number'],
				['Allocated', (row) => number(row.qty_allocated), 'number'], ['Waiting', (row) => number(row.qty_backordered), 'number'],
				['Cancelled', (row) => number(row.qty_cancelled), 'number'], ['Returned', (row) => number(row.qty_returned), 'number'],
				['Price', (row) => money(row.unit_price, row.currency), 'number'], ['Asked for', (row) => day(row.requested_on), 'number'],
			], lines))}
		${section('Their places and promises', 'Place is the place in the queue of the item and location, ahead what the lines before it wait for; a promise is the day of the supply that completes the line.',
			table('waiting', [
				['Item', itemLink], ['Location', (row) => row.location], ['Waiting for', (row) => number(row.qty_backordered), 'number'],
				['Since', (row) => day(row.queued_at), 'number'], ['Place', (row) => number(row.position), 'number'],
				['Ahead', (row) => number(row.qty_ahead), 'number'], ['Promise', promise, 'number'],
				['From', (row) => text(row.supply_ref)], ['Late by', lateBy, 'number'],
			], waiting, 'No line of this order waits.'))}
		<div class="two">
		${section('What will fill them', 'Expected supply, laid against the queue.',
			table('pegs', [
				['Item', itemLink], ['Units', (row) => number(row.qty), 'number'], ['Supply', (row) => row.supply_ref],
				['Expected', (row) => day(row.expected_on), 'number'],
			], pegs, waiting.length === 0 ? 'No line of this order waits.' : 'Nothing is on its way.'))}
		${section('Where shipped units came from', 'The delivery that each shipped unit came in with.',
			table('shipped', [
				['Item', itemLink], ['Units', (row) => number(row.qty), 'number'], ['Shipped', (row) => day(row.shipped_at), 'number'],
				['Supply', (row) => row.supply_ref ?? 'none named'], ['Supplier', (row) => text(row.supplier)],
			], shipped, 'Nothing has shipped.'))}
		</div>`,
	};
}

async function overview(sql) {
	const orders = await sql(`
		SELECT order_ref, string_agg(DISTINCT customer, ', ') AS customer, count(*) AS lines, sum(qty_backordered) AS units,
		       max(days_waiting) AS days_waiting, count(*) FILTER (WHERE promised_on IS NULL) AS unpromised, max(promised_on) AS promised_on
		  FROM open_backorder WHERE order_ref IS NOT NULL
		 GROUP BY order_ref ORDER BY days_waiting DESC, order_ref LIMIT 100`);
	return {
		title: 'Which order?',
		body: html`${form()}
		${section('Orders that wait', 'Those that have waited longest come first, one hundred at most.',
			table('orders', [
				['Order', orderLink], ['Customer', (row) => text(row.customer)], ['Lines', (row) => number(row.lines), 'number'],
				['Units', (row) => number(row.units), 'number'], ['Waiting', (row) => days(row.days_waiting), 'number'],
				['Last promise', (row) => day(row.promised_on), 'number'], ['Lines without one', (row) => number(row.unpromised), 'number'],
			], orders, 'No order waits.'))}`,
	};
}
