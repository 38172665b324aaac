// A page reads in one transaction, so that all its figures are of one moment.
import pg from 'pg';

// Dates, times and numbers stay the text that PostgreSQL sends: exact, and of no
// time zone but the server's.
const asText = { getTypeParser: () => (value) => value };

export function connect(settings = {}) {
	const pool = new pg.Pool({ max: 4, user: process.env.PGUSER ?? 'bko_reader', types: asText, ...settings });
	pool.on('error', (error) => console.error(`connection lost: ${error.message}`));
	return pool;
}

// Calls read(sql), where sql(text, parameters) returns rows; the names of a
// statement are found in the schema of the book.
export async function snapshot(pool, book, read) {
	const client = await pool.connect();
	let broken;
	try {
		await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
		await client.query("SELECT set_config('search_path', quote_ident($1), true)", [book]);
		const answer = await read(async (text, parameters) => (await client.query(text, parameters)).rows);
		await client.query('COMMIT');
		return answer;
	} catch (error) {
		broken = await client.query('ROLLBACK').then(() => undefined, (lost) => lost);
		throw error;
	} finally {
		client.release(broken);
	}
}
