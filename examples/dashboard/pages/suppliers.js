import { html, section, tiles, table, chart } from '../lib/html.js';
import { number, mean, percent, days, monthOf, plural } from '../lib/format.js';

export const path = '/suppliers';
export const name = 'Suppliers';

const RATES = [['on_time_rate', 'On time'], ['in_full_rate', 'In full'], ['otif_rate', 'On time and in full']];
const CAUSES = [['supplier_delay', 'Supplier late'], ['production_delay', 'Production late'],
	['demand_above_forecast', 'Demand above forecast'], ['planning', 'Planning']];

export async function render(sql) {
	const suppliers = await sql('SELECT * FROM supplier_performance ORDER BY otif_rate, supplier');
	const [all] = await sql(`
		SELECT sum(lines) AS lines, sum(lines_on_time)::numeric / nullif(sum(lines), 0) AS on_time,
		       sum(lines_otif)::numeric / nullif(sum(lines), 0) AS otif, coalesce(sum(qty_overdue), 0) AS overdue
		  FROM supplier_performance`);
	const causes = await sql(`
		SELECT month, sum(qty_short) AS qty_short, ${CAUSES.map(([key]) => `sum(${key}) AS ${key}`)}
		  FROM shortage_cause WHERE month > current_date - interval '12 months' GROUP BY month ORDER BY month`);
	const blamed = await sql(`
		SELECT supplier, sum(qty_short) AS qty_short, sum(supplier_delay) AS supplier_delay
		  FROM shortage_cause WHERE month > current_date - interval '12 months'
		 GROUP BY supplier ORDER BY supplier_delay DESC, supplier LIMIT 12`);

	const supplierOf = (row) => row.supplier ?? 'not named';
	const worst = suppliers[0];
	const short = causes.reduce((sum, row) => sum + Number(row.qty_short), 0);
	const late = causes.reduce((sum, row) => sum + Number(row.supplier_delay), 0);
	return {
		title: !worst ? 'No supplier has delivered yet'
			: `${supplierOf(worst)} delivers ${percent(worst.otif_rate)} of its lines on time and in full`,
		body: html`
		${tiles([
			['lines', 'Supply lines', number(all.lines ?? 0), 'Lines that were delivered or should have been by now.'],
			['on-time', 'On time', percent(all.on_time), 'Lines delivered by the day first promised; overdue lines count as late.'],
			['otif', 'On time and in full', percent(all.otif), 'Lines whose whole quantity was there by the day first promised.'],
			['overdue', 'Units overdue', number(all.overdue), 'Units that should have come by now and have not.'],
		])}
		${section('Who delivers on time and in full', 'Share of supply lines, by supplier: on time is by the day first promised, in full is the whole quantity. The least reliable come first.',
			chart('suppliers', 'Delivery of suppliers', {
				kind: 'bar', unit: '%', max: 100, x: suppliers.map(supplierOf), format: (value) => percent(value == null ? null : value / 100),
				series: RATES.map(([key, label]) => ({ name: label, data: suppliers.map((row) => (row[key] == null ? null : row[key] * 100)) })),
			}, 'No supplier has delivered yet.'),
			table('suppliers', [
				['Supplier', supplierOf], ['Lines', (row) => number(row.lines), 'number'],
				...RATES.map(([key, label]) => [label, (row) => percent(row[key]), 'number']),
				['Lead time, mean', (row) => days(row.lead_days_mean), 'number'], ['± one sd', (row) => mean(row.lead_days_sd), 'number'],
				['Late by, mean', (row) => days(row.days_late_mean), 'number'], ['Units overdue', (row) => number(row.qty_overdue), 'number'],
			], suppliers, 'No supplier has delivered yet.'),
			html`<p class="definition">Lead time runs from the day of our order to the delivery; sd is the standard deviation, in days.</p>`)}
		<div class="two">
		${section(short > 0 ? `Late suppliers explain ${percent(late / short)} of what was short` : 'Why goods were short',
			'Units backordered at entry in the last twelve months, by the cause found for each.',
			chart('causes', 'Units short by cause and month', {
				kind: 'bar', unit: 'units', stack: true, x: causes.map((row) => monthOf(row.month)), format: number,
				series: CAUSES.map(([key, label]) => ({ name: label, data: causes.map((row) => row[key]) })),
			}, 'Nothing was short.'))}
		${section('Whose delays left goods short', 'Units short in the last twelve months of what a supplier delivers, and how many of them its delays explain.',
			table('blamed', [
				['Supplier', supplierOf], ['Units short', (row) => number(row.qty_short), 'number'],
				['Because of delay', (row) => number(row.supplier_delay), 'number'],
				['Share', (row) => percent(row.qty_short > 0 ? row.supplier_delay / row.qty_short : null), 'number'],
			], blamed, 'Nothing was short.'))}
		</div>`,
	};
}
