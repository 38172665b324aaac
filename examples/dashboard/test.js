// Opens every page in Chromium and holds the figures on it against SQL. PG* points
// to a server with the demo book, as the owner of the book; CHROMIUM is the browser.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { chromium } from 'playwright-core';
import { start } from './server.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const ODD = { item: `<b>"6" & 'Ö'</b> 100%`, order: 'SO/1?a=b&c#<i>' };
const owner = new pg.Client({ options: '-c search_path=shop' });
let browser, shop, empty, odd, last;

before(async () => {
	await owner.connect();
	await owner.query(`SELECT bko.create_book('empty'), bko.create_book('odd')`);
	await owner.query('INSERT INTO odd.stock (item, on_hand) VALUES ($1, 1.5)', [ODD.item]);
	await owner.query('INSERT INTO odd.order_line (order_ref, item, qty_ordered, unit_price) VALUES ($1, $2, 1234567.000001, 2)', [ODD.order, ODD.item]);
	for (const book of ['empty', 'odd']) execFileSync('psql', ['-Xq', '-v', `book=${book}`, '-f', here('reader.sql')]);
	[shop, empty, odd] = await Promise.all(['shop', 'empty', 'odd'].map((book) => start({ book, user: 'bko_reader' })));
	browser = await chromium.launch({ executablePath: process.env.CHROMIUM });
});

after(async () => {
	await browser?.close();
	await Promise.all([shop, empty, odd].map((server) => server?.stop()));
	await owner.end();
});

// --- helpers -----------------------------------------------------------------

// Opens a page, and fails on whatever the browser complains about.
async function open({ url }, path) {
	await last?.close();
	const page = last = await browser.newPage({ viewport: { width: 1280, height: 900 } });
	const complaints = [];
	page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
	page.on('pageerror', (error) => complaints.push(error.message));
	page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
	page.on('request', (request) => /^(data:|blob:)/.test(request.url()) || request.url().startsWith(`${url}/`) || complaints.push(`elsewhere: ${request.url()}`));
	page.on('response', (response) => response.status() >= 400 && complaints.push(`${response.status()}: ${response.url()}`));
	assert.equal((await page.goto(url + path)).status(), 200, `status of ${path}`);
	await page.waitForSelector('html[data-charts=drawn]', { state: 'attached' });
	for (const chart of await page.locator('.chart').all()) {
		assert.ok(await chart.locator('svg path').count() > 3, `a chart of ${path} is empty`);
	}
	assert.deepEqual(complaints, [], `complaints of ${path}`);
	return page;
}

const figure = (page, name) => page.locator(`[data-figure="${name}"]`).innerText();
const rows = (page, name) => page.locator(`[data-table="${name}"] tbody tr`).evaluateAll((found) =>
	found.map((row) => [...row.cells].map((cell) => cell.textContent.trim())));

// The first column of the first row: SQL says how a figure is to be shown.
async function value(sql, parameters) {
	const { rows: [row] } = await owner.query({ text: sql, values: parameters, rowMode: 'array' });
	return row?.[0];
}
const whole = (sql) => `to_char(${sql}, 'FM999,999,999,990')`;
const amount = (sql) => `currency || ' ' || to_char(${sql}, 'FM999,999,999,990.00')`;
const share = (sql) => `to_char(100 * (${sql}), 'FM990.0') || '%'`;
const promise = `to_char(promised_on, 'FMDD Mon YYYY') || CASE WHEN promised_on < current_date THEN ' (passed)' ELSE '' END AS promise`;

async function same(page, figures) {
	for (const [name, sql, parameters] of figures) assert.equal(await figure(page, name), await value(sql, parameters), name);
}

async function screenshot(page, name) {
	if (!process.env.SCREENSHOTS) return;
	mkdirSync(here('../../doc/img'), { recursive: true });
	await page.screenshot({ path: here(`../../doc/img/dashboard-${name}.png`) });
}

// --- the pages ---------------------------------------------------------------

test('backlog and ageing', async () => {
	const page = await open(shop, '/');
	await screenshot(page, 'backlog');
	const waiting = 'FROM order_line WHERE qty_backordered > 0';
	await same(page, [
		['lines', `SELECT ${whole('count(*)')} ${waiting}`],
		['units', `SELECT ${whole('sum(qty_backordered)')} ${waiting}`],
		...['EUR', 'USD'].map((currency) => [`value-${currency}`,
			`SELECT ${amount('sum(qty_backordered * unit_price)')} ${waiting} AND currency = $1 GROUP BY currency`, [currency]]),
		['unpromised', `SELECT ${whole('count(*)')} FROM open_backorder WHERE promised_on IS NULL`],
		['late', `SELECT ${whole('count(*)')} FROM open_backorder WHERE days_late > 0`],
		['passed', `SELECT ${whole('count(*)')} FROM open_backorder WHERE promised_on < current_date`],
		['oldest', `SELECT extract(day FROM now() - min(queued_at)) || ' days' ${waiting}`],
	]);
	for (const [bucket, shown] of await rows(page, 'aging-lines-figures')) {
		const [from, to] = bucket.replace(' days', '').replace('+', '-100000').split('-');
		assert.equal(shown, await value(`SELECT ${whole('count(*)')} ${waiting} AND extract(day FROM now() - queued_at) BETWEEN $1 AND $2`, [from, to]), bucket);
	}
	assert.equal((await rows(page, 'trend-figures')).at(-1)[1], await value(`SELECT ${whole('count(*)')} ${waiting}`), 'the trend ends with what waits now');
	const [first] = await rows(page, 'lines');
	assert.equal(first[0], await value(`SELECT order_ref ${waiting} ORDER BY queued_at, line_id LIMIT 1`));
});

test('fill rate', async () => {
	const page = await open(shop, '/fill-rate');
	await screenshot(page, 'fill-rate');
	const recent = 'WHERE day > current_date - 30';
	await same(page, [
		['line', `SELECT ${share('sum(lines_filled) / sum(lines)')} FROM fill_rate ${recent}`],
		['unit', `SELECT ${share('sum(units_filled) / sum(units)')} FROM fill_rate ${recent}`],
		['order', `SELECT ${share('sum(orders_filled) / sum(orders)')} FROM order_fill_rate ${recent}`],
		['otif', `SELECT ${share('sum(orders_otif) / sum(orders)')} FROM order_fill_rate ${recent}`],
	]);
	const [[item, location, , , missing]] = await rows(page, 'items');
	assert.equal(missing, await value(`
		SELECT ${whole('sum(units - units_filled)')} FROM fill_rate
		 WHERE item = $1 AND location = $2 AND day > current_date - 90`, [item, location]));
});

test('suppliers', async () => {
	const page = await open(shop, '/suppliers');
	await screenshot(page, 'suppliers');
	await same(page, [
		['lines', `SELECT ${whole('sum(lines)')} FROM supplier_performance`],
		['on-time', `SELECT ${share('sum(lines_on_time) / sum(lines)')} FROM supplier_performance`],
		['otif', `SELECT ${share('sum(lines_otif) / sum(lines)')} FROM supplier_performance`],
		['overdue', `SELECT ${whole('sum(qty_overdue)')} FROM supplier_performance`],
	]);
	const suppliers = await rows(page, 'suppliers');
	assert.deepEqual(suppliers.map(([supplier]) => supplier).sort(), ['Acme', 'Borealis', 'Corvo']);
	assert.equal(suppliers[0][0], 'Borealis', 'the supplier that is often late comes first');
	for (const [supplier, , onTime] of suppliers) {
		assert.equal(onTime, await value(`SELECT ${share('on_time_rate')} FROM supplier_performance WHERE supplier = $1`, [supplier]));
	}
});

test('cash flow', async () => {
	const page = await open(shop, '/cash-flow');
	await screenshot(page, 'cash-flow');
	for (const currency of ['EUR', 'USD']) {
		const forecast = (column, which) => `
			SELECT ${amount(`sum(${column})`)} FROM cash_flow_forecast WHERE currency = $1 AND ${which} GROUP BY currency`;
		await same(page, [
			[`coming-${currency}`, forecast('value', 'week IS NOT NULL'), [currency]],
			[`soon-${currency}`, forecast('value', 'week - current_date < 28'), [currency]],
			[`late-${currency}`, forecast('value_late', 'week IS NOT NULL'), [currency]],
			[`stuck-${currency}`, forecast('value', 'week IS NULL'), [currency]],
		]);
		const weeks = await rows(page, `weeks-${currency}`);
		assert.ok(weeks.length > 3 && weeks.every((week) => week[2].startsWith(`${currency} `)));
	}
});

test('one item', async () => {
	const { rows: [key] } = await owner.query('SELECT item, location FROM stock ORDER BY backordered DESC LIMIT 1');
	const page = await open(shop, `/item?${new URLSearchParams(key)}`);
	await screenshot(page, 'item');
	const { item, location } = key;
	const stock = 'FROM stock WHERE item = $1 AND location = $2';
	await same(page, [
		...[['on-hand', 'on_hand'], ['available', 'available'], ['backordered', 'backordered']].map(([name, column]) =>
			[name, `SELECT ${whole(column)} ${stock}`, [item, location]]),
		['expected', `SELECT ${whole('sum(qty_expected - qty_received)')} FROM supply
		               WHERE item = $1 AND location = $2 AND NOT closed AND qty_expected > qty_received`, [item, location]],
	]);
	const queue = await rows(page, 'queue');
	const { rows: lines } = await owner.query(`
		SELECT position::text, order_ref, ${whole('qty_backordered')} AS units, ${whole('qty_ahead')} AS ahead, ${promise}
		  FROM open_backorder WHERE item = $1 AND location = $2 ORDER BY open_backorder.position LIMIT 50`, [item, location]);
	assert.deepEqual(queue.map((row) => [row[0], row[1], row[4], row[5], row[9]]),
		lines.map((line) => [line.position, line.order_ref, line.units, line.ahead, line.promise ?? '–']));
});

test('one order', async () => {
	const order = await value(`
		SELECT order_ref FROM order_line GROUP BY order_ref
		 ORDER BY count(*) FILTER (WHERE qty_backordered > 0) DESC, count(*) FILTER (WHERE qty_shipped > 0) DESC, order_ref LIMIT 1`);
	const page = await open(shop, `/order?${new URLSearchParams({ order_ref: order })}`);
	await screenshot(page, 'order');
	await same(page, [
		['ordered', `SELECT ${whole('sum(qty_ordered)')} FROM order_line WHERE order_ref = $1`, [order]],
		['shipped', `SELECT ${whole('sum(qty_shipped)')} FROM order_line WHERE order_ref = $1`, [order]],
		['backordered', `SELECT ${whole('sum(qty_backordered)')} FROM order_line WHERE order_ref = $1`, [order]],
	]);
	assert.equal((await rows(page, 'lines')).length, Number(await value('SELECT count(*) FROM order_line WHERE order_ref = $1', [order])));
	const { rows: waiting } = await owner.query(`
		SELECT item, position::text, ${whole('qty_ahead')} AS ahead, ${promise}, supply_ref
		  FROM open_backorder WHERE order_ref = $1 ORDER BY promised_on NULLS LAST, line_id`, [order]);
	assert.deepEqual((await rows(page, 'waiting')).map((row) => [row[0], row[4], row[5], row[6], row[7]]),
		waiting.map((line) => [line.item, line.position, line.ahead, line.promise ?? '–', line.supply_ref ?? '–']));
});

test('from page to page by links and forms', async () => {
	const page = await open(shop, '/');
	for (const name of await page.locator('nav a').allInnerTexts()) {
		await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
		assert.equal(await page.locator('nav a[aria-current=page]').innerText(), name);
	}
	await page.goto(shop.url);
	const item = page.locator('[data-table=items] a').first();
	const name = await item.innerText();
	await item.click();
	assert.match(await page.locator('h1').innerText(), new RegExp(`^${name} at `));
	const order = page.locator('[data-table=queue] a').first();
	const ref = await order.innerText();
	await order.click();
	assert.match(await page.locator('h1').innerText(), new RegExp(`^${ref}: `));
	await page.goto(`${shop.url}/order`);
	await page.getByLabel('Order').fill(ref);
	await page.getByRole('button', { name: 'Show' }).click();
	assert.match(await page.locator('h1').innerText(), new RegExp(`^${ref}: `));
});

test('the demo book is sound', async () => {
	assert.deepEqual((await owner.query('SELECT * FROM verify()')).rows, []);
});

// --- what isn't in the demo --------------------------------------------------

test('an empty book', async () => {
	for (const path of ['/', '/fill-rate', '/suppliers', '/cash-flow', '/item', '/order']) {
		const page = await open(empty, path);
		assert.ok(await page.locator('.empty').count() > 0, `${path} says that there is nothing`);
		assert.doesNotMatch(await page.locator('main').innerText(), /NaN|undefined|null|Infinity/, path);
	}
});

test('names that look like markup, exact quantities, no currency', async () => {
	for (const path of ['/', '/fill-rate', '/suppliers', '/cash-flow', '/item', '/order']) await open(odd, path);
	const page = await open(odd, `/item?${new URLSearchParams({ item: ODD.item })}`);
	assert.ok((await page.locator('h1').innerText()).startsWith(`${ODD.item} at main`));
	assert.equal(await figure(page, 'backordered'), '1,234,565.500001');
	await page.locator('[data-table=queue] a').first().click();
	assert.ok((await page.locator('h1').innerText()).startsWith(`${ODD.order}: 1 line waits, not all of it promised`));
	assert.match(await figure(page, 'value-null'), /^no currency 2,469,131\.00$/);
	assert.equal(await page.locator('main b, main i').count(), 0);
});

test('what is not there', async () => {
	for (const path of ['/nothing', '/item?item=NOTHING', '/order?order_ref=NOTHING', '/../package.json', '/server.js']) {
		assert.equal((await fetch(shop.url + path)).status, 404, path);
	}
	assert.equal((await fetch(shop.url, { method: 'POST' })).status, 405);
});

test('a name that points here from elsewhere gets nothing', async () => {
	const { port } = new URL(shop.url);
	const status = await new Promise((resolve, reject) =>
		http.get({ port, host: '127.0.0.1', headers: { Host: 'elsewhere.example' } }, (response) => resolve(response.resume().statusCode)).on('error', reject));
	assert.equal(status, 421);
});

test('bko_reader reads the views and nothing else', async () => {
	const reader = new pg.Client({ user: 'bko_reader', options: '-c search_path=shop' });
	await reader.connect();
	await reader.query('SELECT count(*) FROM open_backorder');
	await reader.query('SET default_transaction_read_only = off');
	const { rows: tables } = await owner.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'shop'`);
	for (const { tablename } of tables) {
		await assert.rejects(reader.query(`SELECT FROM shop.${tablename}`), { code: '42501' }, tablename);
		await assert.rejects(reader.query(`INSERT INTO shop.${tablename} DEFAULT VALUES`), { code: '42501' }, tablename);
	}
	await assert.rejects(reader.query('DELETE FROM open_backorder'), { code: /42501|55000/ });
	await reader.end();
});
