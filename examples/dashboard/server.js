// Serves the dashboard on loopback. PGHOST and the like say where the database is,
// BKO_BOOK which book to show (shop), PORT where to listen (8080).
import http from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { connect, snapshot } from './lib/db.js';
import { html, layout } from './lib/html.js';
import * as backlog from './pages/backlog.js';
import * as fillRate from './pages/fill-rate.js';
import * as suppliers from './pages/suppliers.js';
import * as cashFlow from './pages/cash-flow.js';
import * as item from './pages/item.js';
import * as order from './pages/order.js';

const LOOPBACK = '127.0.0.1';
const pages = [backlog, fillRate, suppliers, cashFlow, item, order];
const files = {
	'/style.css': ['public/style.css', 'text/css'],
	'/charts.js': ['public/charts.js', 'text/javascript'],
	'/echarts.js': ['node_modules/echarts/dist/echarts.esm.min.mjs', 'text/javascript'],
};
const headers = {
	'Cache-Control': 'no-store',
	'Content-Security-Policy': "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
	'X-Content-Type-Options': 'nosniff',
	'Referrer-Policy': 'no-referrer',
};

async function answer(request, pool, book) {
	const url = new URL(request.url, `http://${LOOPBACK}`);
	const show = (status, content) =>
		[status, 'text/html', layout({ pages, path: url.pathname, book, ...content }).toString()];
	if (request.method !== 'GET' && request.method !== 'HEAD') return [405, 'text/plain', 'This server only reads.\n'];
	if (Object.hasOwn(files, url.pathname)) {
		const [file, type] = files[url.pathname];
		return [200, type, await readFile(new URL(file, import.meta.url))];
	}
	const page = pages.find((one) => one.path === url.pathname);
	if (!page) return show(404, { title: 'There is no such page', body: html`<p>The pages of this dashboard stand above.</p>` });
	return snapshot(pool, book, async (sql) => {
		const [{ as_of: asOf }] = await sql(`SELECT to_char(now(), 'FMDD Mon YYYY, HH24:MI ') || current_setting('TimeZone') AS as_of`);
		const { status = 200, ...content } = await page.render(sql, Object.fromEntries(url.searchParams));
		return show(status, { asOf, ...content });
	});
}

export function start({ port = 0, book = 'shop', ...connection } = {}) {
	const pool = connect(connection);
	const server = http.createServer(async (request, response) => {
		let status, type, body;
		try {
			// A name that somebody else has made to point here is not ours.
			const ours = [LOOPBACK, 'localhost'].map((name) => `${name}:${server.address().port}`);
			[status, type, body] = ours.includes(request.headers.host)
				? await answer(request, pool, book)
				: [421, 'text/plain', 'This server answers on loopback only.\n'];
		} catch (error) {
			console.error(`${request.url}: ${error.message}`);
			[status, type, body] = [500, 'text/plain', 'The page could not be made; the server has written down why.\n'];
		}
		response.writeHead(status, { ...headers, 'Content-Type': `${type}; charset=utf-8` });
		response.end(request.method === 'HEAD' ? undefined : body);
	});
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, LOOPBACK, () => resolve({
			url: `http://${LOOPBACK}:${server.address().port}`,
			stop: async () => {
				server.closeAllConnections();
				await new Promise((closed) => server.close(closed));
				await pool.end();
			},
		}));
	});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const port = Number(process.env.PORT ?? 8080);
	const { url, stop } = await start({ port, book: process.env.BKO_BOOK }).catch((error) => {
		console.error(error.code === 'EADDRINUSE' ? `Port ${port} is taken; PORT says another.` : error.message);
		process.exit(1);
	});
	console.log(`The dashboard is at ${url}/ (Ctrl-C ends it).`);
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop().then(() => process.exit(0)));
}
