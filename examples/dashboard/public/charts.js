// Draws every element that has a data-chart; lib/html.js says what stands in it.
import * as echarts from '/echarts.js';

// Told apart by people who see fewer colours, and 3:1 against white at least.
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#aa4499'];
const DASHES = ['solid', 'dashed', 'dotted', [8, 3, 2, 3]];

const shown = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat('en-GB', { notation: 'compact' });

function option({ kind, x, series, unit, stack, max }) {
	const several = series.length > 1;
	return {
		animation: false,
		color: COLOURS,
		aria: { enabled: true, label: { enabled: false }, decal: { show: several && kind === 'bar' } },
		textStyle: { fontFamily: 'inherit' },
		grid: { left: 8, right: 16, top: several ? 40 : 28, bottom: 8, containLabel: true },
		legend: { show: several, top: 0, left: 0 },
		tooltip: {
			trigger: 'axis',
			axisPointer: { type: kind === 'bar' ? 'shadow' : 'line' },
			valueFormatter: (value) => (value == null ? '–' : `${shown.format(value)} ${unit}`),
		},
		xAxis: { type: 'category', data: x, axisTick: { show: false }, axisLabel: { hideOverlap: true, alignMinLabel: kind === 'line' ? 'left' : undefined, color: '#444' } },
		yAxis: { type: 'value', name: several ? '' : unit, max, minInterval: unit === '%' ? undefined : 1,
			nameTextStyle: { align: 'left', color: '#444' }, axisLabel: { formatter: (value) => short.format(value), color: '#444' } },
		series: series.map((one, i) => ({
			type: kind,
			name: one.name,
			data: one.data.map((value) => (value == null ? null : Number(value))),
			stack: stack && 'all',
			barMaxWidth: 48,
			showSymbol: x.length < 20,
			lineStyle: { type: DASHES[i], width: 2 },
		})),
	};
}

for (const element of document.querySelectorAll('[data-chart]')) {
	const chart = echarts.init(element, null, { renderer: 'svg' });
	chart.setOption(option(JSON.parse(element.dataset.chart)));
	new ResizeObserver(() => chart.resize()).observe(element);
}
document.documentElement.dataset.charts = 'drawn';
