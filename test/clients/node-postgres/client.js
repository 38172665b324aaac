// node-postgres (package pg) on the tables of schema.sql.

import assert from 'node:assert/strict'
import pg from 'pg'

const ME = 'node-postgres'
const sku = (item) => `${ME}-${item}`
const check = (what, found, expected) => {
  assert.deepEqual(found, expected, what)
  console.log(`ok - ${ME}: ${what}`)
}

// PG* in the environment say where to. An order and its lines belong to one transaction, so to
// one client: pool.query() may take another each time.
const pool = new pg.Pool()
const client = await pool.connect()
const one = async (...query) => (await client.query(...query)).rows[0]

const addItem = (order, item, quantity) => one(
  'INSERT INTO order_item (order_id, sku, quantity) VALUES ($1, $2, $3) RETURNING *', [order, sku(item), quantity])
const itemNumbered = (id) => one('SELECT * FROM order_item WHERE id = $1', [id])
const remove = (row) => client.query('DELETE FROM order_item WHERE id = $1', [row.id])
const save = (row) => client.query(
  `UPDATE order_item SET order_id = $2, sku = $3, quantity = $4, note = $5, shipped = $6, backordered = $7
    WHERE id = $1`, [row.id, row.order_id, row.sku, row.quantity, row.note, row.shipped, row.backordered])
const split = (row) => [row.shipped, row.backordered]

async function transaction (work, begin = 'BEGIN') {
  await client.query(begin)
  try {
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

async function refused (what, code, work) {
  const error = await transaction(work).catch((error) => error)
  assert.ok(error instanceof pg.DatabaseError && error.hint, `${what}: ${error}`)
  check(`${what}: ${code}`, error.code, code)
}

// What every client of a database in which several write needs: another try.
async function again (work, begin) {
  for (;;) {
    try {
      return await transaction(work, begin)
    } catch (error) {
      if (!['40001', '40P01'].includes(error.code)) throw error
    }
  }
}

// An order in a transaction of its own; RETURNING has the split.
let order, phone, cable, lens
await transaction(async () => {
  order = (await one('INSERT INTO orders (customer) VALUES ($1) RETURNING id', ['Retailer'])).id
  phone = await addItem(order, 'PHONE', 6)
  cable = await addItem(order, 'CABLE', 7)
})
check('RETURNING shows what ships', split(phone), [6, 0])
check('RETURNING shows what waits', split(cable), [4, 3])

// More of it, and a row saved whole with what was read last.
cable = await one('UPDATE order_item SET quantity = $1 WHERE id = $2 RETURNING *', [9, cable.id])
check('a larger quantity is split anew', split(cable), [4, 5])
await save({ ...cable, note: 'gift' })
check('a row saved whole', await itemNumbered(cable.id), { ...cable, note: 'gift' })

// A delivery that somebody else commits shows in the row; what was read before is stale.
await pool.query('INSERT INTO delivery (sku, quantity) VALUES ($1, $2)', [sku('CABLE'), 2])
check('a delivery shows in the row', split(await itemNumbered(cable.id)), [6, 3])
await refused('a stale row saved whole', 'BK003', () => save(cable))

// A line that waits can be deleted, one that has shipped can't.
lens = await addItem(order, 'LENS', 5)
await remove(lens)
check('a waiting line is deleted', await itemNumbered(lens.id), undefined)
await refused('deletion of what has shipped', 'BK004', () => remove(phone))
await refused('an unknown item', 'BK001', () => addItem(order, 'NOTHING', 1))
await refused('a backorder that is not allowed', 'BK002', () => addItem(order, 'RARE', 2))

// Rolled back, nothing was taken.
for (const when of ['before ROLLBACK', 'after ROLLBACK it is there again']) {
  await client.query('BEGIN')
  check(when, split(await addItem(order, 'RARE', 1)), [1, 0])
  await client.query('ROLLBACK')
}

// Back to a savepoint, and on.
await transaction(async () => {
  await client.query('SAVEPOINT before_rare')
  await assert.rejects(addItem(order, 'RARE', 2), { code: 'BK002' })
  await client.query('ROLLBACK TO SAVEPOINT before_rare')
  lens = await addItem(order, 'LENS', 2)
})
check('after ROLLBACK TO SAVEPOINT', split(await itemNumbered(lens.id)), [0, 2])

// Many at once: one statement with an array for each column, and one with many rows.
await transaction(async () => {
  await client.query('INSERT INTO order_item (order_id, sku, quantity) SELECT * FROM unnest($1::bigint[], $2::text[], $3::int[])',
    [Array(70).fill(order), Array(70).fill(sku('CASE')), Array(70).fill(1)])
  const marks = Array.from({ length: 30 }, (_, n) => `($${3 * n + 1}, $${3 * n + 2}, $${3 * n + 3})`)
  await client.query(`INSERT INTO order_item (order_id, sku, quantity) VALUES ${marks}`,
    Array(30).fill([order, sku('CASE'), 1]).flat())
})
check('70 rows and 30 rows: 60 of 100', await one(
  'SELECT sum(shipped)::int AS shipped, sum(backordered)::int AS backordered FROM order_item WHERE sku = $1', [sku('CASE')]),
{ shipped: 60, backordered: 40 })

// A statement that the server has prepared (it has a name), time and again.
let bag
for (let n = 0; n < 31; n++) {
  bag = await one({
    name: 'add item',
    text: 'INSERT INTO order_item (order_id, sku, quantity) VALUES ($1, $2, $3) RETURNING *',
    values: [order, sku('BAG'), n < 30 ? 30 : 130]
  })
}
check('a prepared statement, 31 times', split(bag), [100, 30])

// A transaction that has seen too old a book is tried again.
let tries = 0
lens = await again(async () => {
  await one('SELECT in_stock FROM product WHERE sku = $1', [sku('LENS')])
  if (++tries === 1) await pool.query('UPDATE product SET in_stock = in_stock + 3 WHERE sku = $1', [sku('LENS')])
  return addItem(order, 'LENS', 2)
}, 'BEGIN ISOLATION LEVEL REPEATABLE READ')
check('after 40001, tried again', [...split(lens), tries], [1, 1, 2])

client.release()
await pool.end()
