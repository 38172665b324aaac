// Pieces of pages. What html`` is given is escaped, unless it comes from html``.
class Html {
	constructor(text) { this.text = text; }
	toString() { return this.text; }
}

const ENTITY = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(value) {
	if (value instanceof Html) return value.text;
	if (Array.isArray(value)) return value.map(escape).join('');
	return value == null || value === false ? '' : String(value).replace(/[&<>"']/g, (c) => ENTITY[c]);
}

export const html = (strings, ...values) => new Html(String.raw({ raw: strings }, ...values.map(escape)));

export const section = (title, definition, ...body) => html`
	<section>
		<h2>${title}</h2>
		<p class="definition">${definition}</p>
		${body}
	</section>`;

// Figures: [name, label, what is shown, definition]; the tests find them by name.
export const tiles = (figures) => html`
	<dl class="tiles">${figures.map(([name, label, shown, definition]) => html`
		<div>
			<dt>${label}</dt>
			<dd class="figure" data-figure="${name}">${shown}</dd>
			<dd class="definition">${definition}</dd>
		</div>`)}
	</dl>`;

// Columns: [heading, row => what is shown, 'number' to be set right].
export function table(name, columns, rows, empty) {
	if (rows.length === 0) return html`<p class="empty" data-table="${name}">${empty}</p>`;
	return html`
	<div class="scroll"><table data-table="${name}">
		<thead><tr>${columns.map(([head, , kind]) => html`<th scope="col" class="${kind}">${head}</th>`)}</tr></thead>
		<tbody>${rows.map((row) => html`
			<tr>${columns.map(([, show, kind]) => html`<td class="${kind}">${show(row)}</td>`)}</tr>`)}
		</tbody>
	</table></div>`;
}

// A chart, drawn by public/charts.js, and the same figures as a table for who
// can't see it. Spec: kind (bar, line), x (labels), series ([{name, data}]), unit,
// format (value => what the table shows), stack (bars upon each other).
export function chart(name, label, { format = (value) => value, ...spec }, empty) {
	if (spec.x.length === 0) return html`<p class="empty" data-chart-name="${name}">${empty}</p>`;
	const columns = [['', (i) => spec.x[i]], ...spec.series.map((s) => [s.name, (i) => format(s.data[i]), 'number'])];
	return html`
	<figure data-chart-name="${name}">
		<div class="chart" role="img" aria-label="${label}" data-chart="${JSON.stringify(spec)}"></div>
		<details><summary>The figures of this chart</summary>${table(`${name}-figures`, columns, [...spec.x.keys()], empty)}</details>
	</figure>`;
}

export const itemLink = ({ item, location }) =>
	html`<a href="/item?${new URLSearchParams({ item, location })}">${item}</a>`;
export const orderLink = ({ order_ref }) =>
	order_ref == null ? '–' : html`<a href="/order?${new URLSearchParams({ order_ref })}">${order_ref}</a>`;

export const layout = ({ title, body, pages, path, book, asOf }) => html`<!DOCTYPE html>
<html lang="en">
<head>
	<meta charset="utf-8">
	<meta name="viewport" content="width=device-width, initial-scale=1">
	<title>${title} – ${book}</title>
	<link rel="icon" href="data:,">
	<link rel="stylesheet" href="/style.css">
	<script type="module" src="/charts.js"></script>
</head>
<body>
	<header>
		<p class="book">Backorders of <strong>${book}</strong></p>
		<nav aria-label="Pages">${pages.map((page) => html`
			<a href="${page.path}" ${page.path === path ? html`aria-current="page"` : ''}>${page.name}</a>`)}
		</nav>
		${asOf && html`<p class="as-of">Data of <time data-as-of>${asOf}</time></p>`}
	</header>
	<main>
		<h1>${title}</h1>
		${body}
	</main>
</body>
</html>
`;
