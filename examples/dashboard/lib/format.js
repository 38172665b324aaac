// How values are shown. They come as PostgreSQL's text; none is null.
const LOCALE = 'en-GB';
const NONE = '–';

const quantity = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 6 });
const rounded = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(LOCALE, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
const amount = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const unlessNull = (show) => (value) => (value == null ? NONE : show(value));

export const number = unlessNull((value) => quantity.format(value));
export const mean = unlessNull((value) => rounded.format(value));
export const percent = unlessNull((value) => share.format(value));
export const monthOf = unlessNull((value) => `${MONTHS[value.slice(5, 7) - 1]} ${value.slice(0, 4)}`);
export const day = unlessNull((value) => `${Number(value.slice(8, 10))} ${monthOf(value)}`);
export const days = unlessNull((value) => `${mean(value)} ${Number(value) === 1 ? 'day' : 'days'}`);
export const text = unlessNull(String);

// A promise of supply that should have come by now still stands, but not for long.
export const promise = (row) => (row.promise_passed === 't' ? `${day(row.promised_on)} (passed)` : day(row.promised_on));

// A line without a promise, or that nobody asked a day for, is neither late nor in time.
export const lateBy = (row) => (row.promised_on == null || row.requested_on == null ? NONE : days(row.days_late));

// An amount is always shown with its currency; amounts of two are never added.
export const money = (value, currency) => (value == null ? 'no price' : `${currency ?? 'no currency'} ${amount.format(value)}`);

export const plural = (n, one, many) => `${number(n)} ${Number(n) === 1 ? one : many}`;
