import { html, section, tiles, table, chart, itemLink, orderLink } from '../lib/html.js';
import { number, mean, percent, day, days, money, lateBy, monthOf, plural, promise, text } from '../lib/format.js';

export const path = '/item';
export const name = 'One item';

const COLUMNS = [
	['Item', itemLink], ['Location', (row) => row.location],
	['On hand', (row) => number(row.on_hand), 'number'], ['Allocated', (row) => number(row.allocated), 'number'],
	['Available', (row) => number(row.available), 'number'], ['Backordered', (row) => number(row.backordered), 'number'],
	['Expected', (row) => number(row.expected), 'number'], ['Next expected', (row) => day(row.next_expected_on), 'number'],
	['Cover', (row) => days(row.days_of_cover), 'number'],
];

const form = (item, location) => html`
	<form action="/item">
		<label>Item <input name="item" required value="${item ?? ''}"></label>
		<label>Location <input name="location" required value="${location ?? 'main'}"></label>
		<button>Show</button>
	</form>`;

export async function render(sql, { item, location = 'main' }) {
	if (!item) return overview(sql);
	const key = [item, location];
	const [position] = await sql('SELECT * FROM item_position WHERE item = $1 AND location = $2', key);
	if (!position) {
		return { status: 404, title: `${item} is not stocked at ${location}`, body: html`${form(item, location)}
			<p class="empty">The book has no such item at this location.</p>` };
	}
	const queue = await sql(`
		SELECT *, promised_on < current_date AS promise_passed FROM open_backorder
		 WHERE item = $1 AND location = $2 ORDER BY position LIMIT 50`, key);
	const coming = await sql(`
		SELECT supply_ref, expected_on, sum(qty) AS qty, count(*) AS lines, expected_on < current_date AS overdue
		  FROM pegging WHERE item = $1 AND location = $2
		 GROUP BY supply_id, supply_ref, expected_on ORDER BY expected_on, supply_id`, key);
	const trend = await sql(`
		SELECT day, sum(units_waiting) AS units_waiting FROM backorder_trend
		 WHERE item = $1 AND location = $2 AND day > current_date - 90 GROUP BY day ORDER BY day`, key);
	const weeks = await sql(`
		SELECT date_trunc('week', day)::date AS week, coalesce(sum(units) FILTER (WHERE demand = 'customer'), 0) AS customer,
		       coalesce(sum(units) FILTER (WHERE demand = 'internal'), 0) AS internal
		  FROM demand_history
		 WHERE item = $1 AND location = $2 AND day >= date_trunc('week', current_date)::date - 26 * 7 GROUP BY 1 ORDER BY 1`, key);
	const [fill] = await sql(`
		SELECT sum(units_filled) / nullif(sum(units), 0) AS unit FROM fill_rate
		 WHERE item = $1 AND location = $2 AND day > current_date - 90`, key);
	const [advice] = await sql('SELECT * FROM reorder_advice WHERE item = $1 AND location = $2', key);
	const [cycle] = await sql('SELECT * FROM replenishment_cycle WHERE item = $1 AND location = $2', key);
	const turnover = await sql(`
		SELECT * FROM inventory_turnover
		 WHERE item = $1 AND location = $2 AND month > current_date - interval '12 months' ORDER BY month DESC`, key);
	const waiting = Number(position.backordered) > 0;

	return {
		title: waiting ? `${item} at ${location}: ${plural(position.backordered, 'unit is', 'units are')} waited for, ${number(position.expected)} on their way`
			: `${item} at ${location}: nobody waits, ${plural(position.available, 'unit is', 'units are')} available`,
		body: html`
		${form(item, location)}
		${tiles([
			['on-hand', 'On hand', number(position.on_hand), `Physically there; ${number(position.allocated)} of it held for orders.`],
			['available', 'Available', number(position.available), 'What the next order can take.'],
			['backordered', 'Backordered', number(position.backordered), 'What order lines wait for.'],
			['expected', 'Expected', number(position.expected), `On open supply; next on ${day(position.next_expected_on)}.`],
			['cover', 'Cover', days(position.days_of_cover), 'How long what is available lasts at the mean demand.'],
			['unit-fill', 'Unit fill rate', percent(fill.unit), 'Units filled when their line came in, of those ordered in 90 days.'],
		])}
		${section(waiting ? 'The queue: who is next, and when' : 'Nobody is in the queue',
			'In the order in which the next receipt will be given out, fifty lines at most. Ahead is what the lines before it wait for.',
			table('queue', [
				['Place', (row) => number(row.position), 'number'], ['Order', orderLink], ['Customer', (row) => text(row.customer ?? row.demand)],
				['Priority', (row) => number(row.priority), 'number'], ['Units', (row) => number(row.qty_backordered), 'number'],
				['Ahead', (row) => number(row.qty_ahead), 'number'], ['Value', (row) => money(row.value, row.currency), 'number'],
				['Waiting', (row) => days(row.days_waiting), 'number'], ['Asked for', (row) => day(row.requested_on), 'number'],
				['Promise', promise, 'number'], ['From', (row) => text(row.supply_ref)],
				['Late by', lateBy, 'number'],
			], queue, 'No line waits for this item here.'))}
		<div class="two">
		${section('What the waiting lines will be filled from', 'Expected supply laid against the queue; supply that nobody waits for is not listed.',
			table('coming', [
				['Supply', (row) => row.supply_ref], ['Expected', (row) => html`${day(row.expected_on)}${row.overdue === 't' && ' (overdue)'}`, 'number'],
				['Units for waiting lines', (row) => number(row.qty), 'number'], ['Lines', (row) => number(row.lines), 'number'],
			], coming, waiting ? 'Nothing is on its way.' : 'No line waits.'))}
		${section(advice && Number(advice.advised_qty) > 0 ? `Order ${number(advice.advised_qty)}` : 'No need to order',
			'Position is available − backordered + expected. It should not fall below the reorder point: the demand of the lead time and the safety stock.',
			table('advice', [['', ([label]) => label], ['', ([, value]) => value, 'number']], advice ? [
				['Position', number(advice.position)], ['Reorder point', number(advice.reorder_point)],
				['Safety stock', html`${number(advice.safety_stock)} for ${percent(advice.service_level)}`],
				['Demand a day', html`${mean(advice.demand_mean)} ± ${mean(advice.demand_sd)}`],
				['Lead time', html`${days(advice.lead_days)} ± ${mean(advice.lead_sd)}`],
			] : [], 'Too little has happened to advise.'))}
		${section('Units waiting, day by day', 'At the close of each of the last 90 days; today as it stands.',
			chart('trend', `Units of ${item} waiting`, { kind: 'line', unit: 'units', x: trend.map((row) => day(row.day)), format: number,
				series: [{ name: 'units waiting', data: trend.map((row) => row.units_waiting) }] }, 'Nothing has happened yet.'))}
		${section('Demand, week by week', 'Units ordered in each of the last 26 weeks, filled or not; the last week is not over yet.',
			chart('demand', `Units of ${item} ordered`, { kind: 'bar', unit: 'units', stack: true, x: weeks.map((row) => day(row.week)), format: number,
				series: [{ name: 'customers', data: weeks.map((row) => row.customer) }, { name: 'own use', data: weeks.map((row) => row.internal) }] },
			'Nobody has ordered it.'))}
		${section('How it is replenished', 'Over all receipts of this item here.',
			table('cycle', [
				['Receipts', (row) => number(row.receipts), 'number'], ['Days between', (row) => mean(row.days_between_mean), 'number'],
				['Days from order to receipt', (row) => mean(row.order_to_receipt_days_mean), 'number'],
				['Days out of stock', (row) => number(row.days_out_of_stock), 'number'],
			], cycle ? [cycle] : [], 'Nothing has come in.'))}
		${section('How fast the stock turns', 'Cost of goods shipped in a month over the mean value of the stock, at unit cost, in the currency of the book.',
			table('turnover', [
				['Month', (row) => monthOf(row.month)], ['Cost of goods', (row) => number(Number(row.cogs).toFixed(2)), 'number'],
				['Mean stock', (row) => number(row.average_value === null ? null : Number(row.average_value).toFixed(2)), 'number'],
				['Turnover', (row) => mean(row.turnover), 'number'], ['Days of stock', (row) => mean(row.days_of_inventory), 'number'],
			], turnover, 'Nothing has shipped.'))}
		</div>`,
	};
}

async function overview(sql) {
	const items = await sql('SELECT * FROM item_position ORDER BY backordered DESC, item, location LIMIT 200');
	return {
		title: 'Which item?',
		body: html`${form()}
		${section('Items', 'Those that most units are waited for come first, two hundred at most. Cover is how long what is available lasts at the mean demand.',
			table('items', COLUMNS, items, 'The book has no items yet.'))}`,
	};
}
