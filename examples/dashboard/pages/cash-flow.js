import { html, section, tiles, table, chart } from '../lib/html.js';
import { number, day, money, percent } from '../lib/format.js';

export const path = '/cash-flow';
export const name = 'Cash flow';

export async function render(sql) {
	const weeks = await sql(`
		SELECT week, currency, lines, value, value_late FROM cash_flow_forecast
		 WHERE value IS NOT NULL ORDER BY currency, week NULLS LAST`);
	const totals = await sql(`
		SELECT currency, coalesce(sum(value) FILTER (WHERE week IS NOT NULL), 0) AS coming,
		       coalesce(sum(value) FILTER (WHERE week < current_date + 28), 0) AS soon,
		       coalesce(sum(value_late) FILTER (WHERE week IS NOT NULL), 0) AS late,
		       coalesce(sum(value) FILTER (WHERE week IS NULL), 0) AS stuck
		  FROM cash_flow_forecast WHERE value IS NOT NULL GROUP BY currency ORDER BY currency`);
	return {
		title: totals.length === 0 ? 'No money waits in backorders'
			: `${totals.map(({ currency, soon }) => money(soon, currency)).join(' and ')} should come in within four weeks`,
		body: html`
		<p class="definition">When waiting lines will be paid: at the price of the line, in the week of its promise plus its days to pay. Currencies are never added.</p>
		${totals.map(({ currency, coming, soon, late, stuck }) => {
			const own = weeks.filter((row) => row.currency === currency);
			const dated = own.filter((row) => row.week !== null);
			const label = currency ?? 'no currency';
			return html`
			${section(`${label}: ${percent(coming > 0 ? late / coming : null)} of what is coming is for lines promised late`,
				'In time is for lines promised by the day that the customer asked for (or who asked for none), late for the others. Weeks begin on Monday.',
				tiles([
					[`coming-${currency}`, 'Coming', money(coming, currency), 'Value of waiting lines that have a promise.'],
					[`soon-${currency}`, 'Within four weeks', money(soon, currency), 'The part of it in weeks that begin within 28 days.'],
					[`late-${currency}`, 'For late lines', money(late, currency), 'The part of it whose lines are promised after the day asked for.'],
					[`stuck-${currency}`, 'Without a date', money(stuck, currency), 'Value of waiting lines that nothing on its way completes.'],
				]),
				chart(`weeks-${currency}`, `Expected payments in ${label}, week by week`, {
					kind: 'bar', unit: currency ?? '', stack: true, x: dated.map((row) => day(row.week)), format: (value) => money(value, currency),
					series: [
						{ name: 'In time', data: dated.map((row) => Number(row.value) - Number(row.value_late)) },
						{ name: 'Late', data: dated.map((row) => Number(row.value_late)) },
					],
				}, 'Nothing that has a date.'),
				table(`weeks-${currency}`, [
					['Week from', (row) => (row.week === null ? 'nothing on its way' : day(row.week))],
					['Lines', (row) => number(row.lines), 'number'], ['Value', (row) => money(row.value, currency), 'number'],
					['For late lines', (row) => money(row.value_late, currency), 'number'],
				], own))}`;
		})}
		${totals.length === 0 && html`<p class="empty">Nothing that has a price waits.</p>`}`,
	};
}
