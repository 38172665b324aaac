import { html, section, tiles, table, chart, itemLink } from '../lib/html.js';
import { number, percent, day } from '../lib/format.js';

export const path = '/fill-rate';
export const name = 'Fill rate';

const RATES = [
	['line', 'Line fill rate', 'Lines filled in full when they came in, of all lines.'],
	['unit', 'Unit fill rate', 'Units filled when their line came in, of all units ordered.'],
	['order', 'Order fill rate', 'Orders of which every line was filled in full at entry.'],
	['otif', 'On time and in full', 'Orders that left whole by the day that the customer asked for.'],
];

// Rates of a longer time are made from the counts, never from rates of days.
const COUNTS = `
	SELECT day, lines, lines_filled, units, units_filled, 0 AS orders, 0 AS orders_filled, 0 AS orders_otif FROM fill_rate
	UNION ALL
	SELECT day, 0, 0, 0, 0, orders, orders_filled, orders_otif FROM order_fill_rate`;
const QUOTIENTS = `
	sum(lines_filled)::numeric / nullif(sum(lines), 0) AS line, sum(units_filled) / nullif(sum(units), 0) AS unit,
	sum(orders_filled)::numeric / nullif(sum(orders), 0) AS "order", sum(orders_otif)::numeric / nullif(sum(orders), 0) AS otif`;

export async function render(sql) {
	const [recent] = await sql(`SELECT ${QUOTIENTS} FROM (${COUNTS}) c WHERE day > current_date - 30`);
	const [before] = await sql(`SELECT ${QUOTIENTS} FROM (${COUNTS}) c WHERE day > current_date - 60 AND day <= current_date - 30`);
	const weeks = await sql(`
		SELECT date_trunc('week', day)::date AS week, ${QUOTIENTS} FROM (${COUNTS}) c
		 WHERE day >= date_trunc('week', current_date)::date - 26 * 7 GROUP BY 1 ORDER BY 1`);
	const items = await sql(`
		SELECT item, location, sum(lines) AS lines, sum(units) AS units, sum(units) - sum(units_filled) AS units_short,
		       sum(lines_filled)::numeric / sum(lines) AS line, sum(units_filled) / sum(units) AS unit
		  FROM fill_rate WHERE day > current_date - 90
		 GROUP BY item, location HAVING sum(units_filled) < sum(units)
		 ORDER BY units_short DESC, item, location LIMIT 15`);

	const against = (key) => (before[key] == null ? 'No orders in the 30 days before.' : `${percent(before[key])} in the 30 days before.`);
	return {
		title: recent.unit == null ? 'No orders in the last 30 days'
			: `${percent(recent.unit)} of the units ordered in the last 30 days were there`,
		body: html`
		${tiles(RATES.map(([key, label, definition]) => [key, label, percent(recent[key]), html`${definition} Last 30 days. ${against(key)}`]))}
		${section('Fill rates week by week', 'By the week in which the order came in (weeks begin on Monday); the last one is not over yet. What happens to a line later changes no fill rate; on time and in full of recent orders can still fall or rise.',
			chart('weeks', 'Fill rates week by week', {
				kind: 'line', unit: '%', max: 100, x: weeks.map((row) => day(row.week)), format: (value) => percent(value == null ? null : value / 100),
				series: RATES.map(([key, label]) => ({ name: label, data: weeks.map((row) => (row[key] == null ? null : row[key] * 100)) })),
			}, 'No orders yet.'))}
		${section('The items that most units were missing of', 'Orders of the last 90 days, fifteen items at most; missing is what was backordered at entry.',
			table('items', [
				['Item', itemLink], ['Location', (row) => row.location], ['Lines', (row) => number(row.lines), 'number'],
				['Units ordered', (row) => number(row.units), 'number'], ['Units missing', (row) => number(row.units_short), 'number'],
				['Line fill rate', (row) => percent(row.line), 'number'], ['Unit fill rate', (row) => percent(row.unit), 'number'],
			], items, 'Every line of the last 90 days was filled in full.'))}`,
	};
}
