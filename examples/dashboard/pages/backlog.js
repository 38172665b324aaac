import { html, section, tiles, table, chart, itemLink, orderLink } from '../lib/html.js';
import { number, percent, day, days, money, lateBy, plural, promise, text } from '../lib/format.js';

export const path = '/';
export const name = 'Backlog and ageing';

const BUCKETS = ['0-7', '8-14', '15-30', '31-60', '61+'];

export async function render(sql) {
	const [all] = await sql(`
		SELECT count(*) AS lines, coalesce(sum(qty_backordered), 0) AS units, count(DISTINCT order_ref) AS orders,
		       count(*) FILTER (WHERE promised_on IS NULL) AS unpromised, count(*) FILTER (WHERE days_late > 0) AS late,
		       count(*) FILTER (WHERE promised_on < current_date) AS passed,
		       count(*) FILTER (WHERE days_waiting > 30) AS old, max(days_waiting) AS oldest
		  FROM open_backorder`);
	const values = await sql(`
		SELECT currency, sum(value) AS value FROM open_backorder WHERE value IS NOT NULL GROUP BY currency ORDER BY currency`);
	const aging = await sql(`
		SELECT currency, bucket, sum(lines) AS lines, sum(units) AS units, sum(value) AS value
		  FROM backorder_aging GROUP BY currency, bucket`);
	const trend = await sql(`
		SELECT day, sum(lines_waiting) AS lines, sum(units_waiting) AS units
		  FROM backorder_trend WHERE day > current_date - 90 GROUP BY day ORDER BY day`);
	const items = await sql(`
		SELECT item, location, count(*) AS lines, sum(qty_backordered) AS units, max(days_waiting) AS oldest,
		       count(*) FILTER (WHERE promised_on IS NULL) AS unpromised, max(promised_on) AS last_promise
		  FROM open_backorder GROUP BY item, location ORDER BY lines DESC, item, location LIMIT 12`);
	const lines = await sql(`
		SELECT *, promised_on < current_date AS promise_passed FROM open_backorder ORDER BY queued_at, line_id LIMIT 12`);

	const inBucket = (what, of) => BUCKETS.map((bucket) =>
		aging.filter((row) => row.bucket === bucket && of(row)).reduce((sum, row) => sum + Number(row[what] ?? 0), 0));
	const change = trend.length > 30 ? trend.at(-1).lines - trend.at(-31).lines : undefined;

	return {
		title: all.lines === '0' ? 'Nothing waits' : `${plural(all.lines, 'line waits', 'lines wait')}, ${number(all.old)} of them for more than 30 days`,
		body: html`
		${tiles([
			['lines', 'Lines waiting', number(all.lines), `Order lines with a backordered quantity; they belong to ${plural(all.orders, 'order', 'orders')}.`],
			['units', 'Units waiting', number(all.units), 'What these lines wait for, of all items together.'],
			...values.map(({ currency, value }) =>
				[`value-${currency}`, `Value waiting, ${currency ?? 'no currency'}`, money(value, currency), 'Units waiting at the price of their line.']),
			['late', 'Promised late', number(all.late), 'Lines whose promise is after the day that the customer asked for.'],
			['unpromised', 'Without a promise', number(all.unpromised), 'Lines that nothing on its way will complete.'],
			['passed', 'Promise has passed', number(all.passed), 'Lines whose supply should have come by now and has not.'],
			['oldest', 'Longest wait', days(all.oldest), 'Days since the line that has waited longest joined its queue.'],
		])}
		<div class="two">
		${section(`${percent(all.lines > 0 ? all.old / all.lines : null)} of the waiting lines are older than 30 days`,
			'Waiting lines by days since they joined the queue.',
			chart('aging-lines', 'Waiting lines by age', {
				kind: 'bar', unit: 'lines', x: all.lines > 0 ? BUCKETS.map((bucket) => `${bucket} days`) : [],
				series: [{ name: 'lines', data: inBucket('lines', () => true) }], format: number,
			}, 'Nothing waits.'))}
		${section(change === undefined ? 'The backlog day by day' : `The backlog ${change < 0 ? 'shrank' : 'grew'} by ${plural(Math.abs(change), 'line', 'lines')} in 30 days`,
			'Lines waiting at the close of each of the last 90 days; today as it stands.',
			chart('trend', 'Lines waiting, day by day', {
				kind: 'line', unit: 'lines', x: trend.map((row) => day(row.day)),
				series: [{ name: 'lines waiting', data: trend.map((row) => row.lines) }], format: number,
			}, 'Nothing has happened yet.'))}
		${values.map(({ currency, value }) => {
			const data = inBucket('value', (row) => row.currency === currency);
			return section(`${money(data[3] + data[4], currency)} of ${money(value, currency)} have waited more than 30 days`,
				`Value waiting in ${currency ?? 'no currency'} by days since the line joined the queue.`,
				chart(`aging-value-${currency}`, `Value waiting in ${currency} by age`, {
					kind: 'bar', unit: currency ?? '', x: BUCKETS.map((bucket) => `${bucket} days`),
					series: [{ name: currency ?? 'value', data }], format: (amount) => money(amount, currency),
				}));
		})}
		</div>
		${section('The items that most lines wait for', 'Twelve at most. A promise is the day of the expected supply that completes a line; it moves when the supply does.',
			table('items', [
				['Item', itemLink], ['Location', (row) => row.location],
				['Lines', (row) => number(row.lines), 'number'], ['Units', (row) => number(row.units), 'number'],
				['Longest wait', (row) => days(row.oldest), 'number'], ['Without a promise', (row) => number(row.unpromised), 'number'],
				['Last promise', (row) => day(row.last_promise), 'number'],
			], items, 'Nothing waits.'))}
		${section('The lines that have waited longest', 'Twelve at most, by the day they joined the queue; place is the place in the queue of the item and location.',
			table('lines', [
				['Order', orderLink], ['Customer', (row) => text(row.customer)], ['Item', itemLink], ['Location', (row) => row.location],
				['Units', (row) => number(row.qty_backordered), 'number'], ['Value', (row) => money(row.value, row.currency), 'number'],
				['Waiting', (row) => days(row.days_waiting), 'number'], ['Place', (row) => number(row.position), 'number'],
				['Promise', promise, 'number'], ['Late by', lateBy, 'number'],
			], lines, 'Nothing waits.'))}`,
	};
}
