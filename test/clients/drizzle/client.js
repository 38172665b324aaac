// Drizzle ORM, with node-postgres under it, on the tables of schema.sql.

import assert from 'node:assert/strict'
import { eq, sql, sum } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { bigint, integer, pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'

const ME = 'drizzle'
const skuOf = (item) => `${ME}-${item}`
const check = (what, found, expected) => {
  assert.deepEqual(found, expected, what)
  console.log(`ok - ${ME}: ${what}`)
}

// The application's own models. bko writes shipped and backordered, so they have no place in
// what is inserted, and update() names its columns.
const id = () => bigint('id', { mode: 'number' }).generatedByDefaultAsIdentity().primaryKey()
const product = pgTable('product', { sku: text().primaryKey(), inStock: integer('in_stock').notNull() })
const orders = pgTable('orders', { id: id(), customer: text().notNull() })
const orderItem = pgTable('order_item', {
  id: id(),
  orderId: bigint('order_id', { mode: 'number' }).notNull().references(() => orders.id),
  sku: text().notNull(),
  quantity: integer().notNull(),
  note: text(),
  shipped: integer().notNull().default(0),
  backordered: integer().notNull().default(0)
})
const delivery = pgTable('delivery', { id: id(), sku: text().notNull(), quantity: integer().notNull() })

// PG* in the environment say where to.
const pool = new pg.Pool()
const db = drizzle(pool)

const addItem = async (tx, orderId, item, quantity) =>
  (await tx.insert(orderItem).values({ orderId, sku: skuOf(item), quantity }).returning())[0]
const itemNumbered = async (id) => (await db.select().from(orderItem).where(eq(orderItem.id, id)))[0]
const remove = (tx, row) => tx.delete(orderItem).where(eq(orderItem.id, row.id))
const save = (tx, { id, ...rest }) => tx.update(orderItem).set(rest).where(eq(orderItem.id, id)).returning()
const split = (row) => [row.shipped, row.backordered]

// Drizzle wraps the server's error: code and hint are its cause's.
async function refused (what, code, work) {
  const error = await db.transaction(work).catch((error) => error)
  assert.ok(error.cause instanceof pg.DatabaseError && error.cause.hint, `${what}: ${error}`)
  check(`${what}: ${code}`, error.cause.code, code)
}

// What every client of a database in which several write needs: another try.
async function again (work, options) {
  for (;;) {
    try {
      return await db.transaction(work, options)
    } catch (error) {
      if (!['40001', '40P01'].includes(error.cause?.code)) throw error
    }
  }
}

// An order in a transaction of its own; returning() has the split.
let order, phone, cable, lens
await db.transaction(async (tx) => {
  [order] = await tx.insert(orders).values({ customer: 'Retailer' }).returning();
  [phone, cable] = await tx.insert(orderItem).values([
    { orderId: order.id, sku: skuOf('PHONE'), quantity: 6 },
    { orderId: order.id, sku: skuOf('CABLE'), quantity: 7 }
  ]).returning()
})
check('returning() shows what ships', split(phone), [6, 0])
check('returning() shows what waits', split(cable), [4, 3]);

// More of it, and an entity saved whole with what was read last.
[cable] = await db.update(orderItem).set({ quantity: 9 }).where(eq(orderItem.id, cable.id)).returning()
check('a larger quantity is split anew', split(cable), [4, 5])
await save(db, { ...cable, note: 'gift' })
check('an entity saved whole', await itemNumbered(cable.id), { ...cable, note: 'gift' })

// A delivery that somebody else commits shows in the row; what was read before is stale.
await db.insert(delivery).values({ sku: skuOf('CABLE'), quantity: 2 })
check('a delivery shows in the row', split(await itemNumbered(cable.id)), [6, 3])
await refused('a stale entity saved whole', 'BK003', (tx) => save(tx, cable))

// A line that waits can be deleted, one that has shipped can't.
lens = await addItem(db, order.id, 'LENS', 5)
await remove(db, lens)
check('a waiting line is deleted', await itemNumbered(lens.id), undefined)
await refused('deletion of what has shipped', 'BK004', (tx) => remove(tx, phone))
await refused('an unknown item', 'BK001', (tx) => addItem(tx, order.id, 'NOTHING', 1))
await refused('a backorder that is not allowed', 'BK002', (tx) => addItem(tx, order.id, 'RARE', 2))

// Rolled back, nothing was taken.
for (const when of ['before rollback()', 'after rollback() it is there again']) {
  await assert.rejects(db.transaction(async (tx) => {
    check(when, split(await addItem(tx, order.id, 'RARE', 1)), [1, 0])
    tx.rollback()
  }), { message: 'Rollback' })
}

// A nested transaction is a savepoint.
await db.transaction(async (tx) => {
  await assert.rejects(tx.transaction((inner) => addItem(inner, order.id, 'RARE', 2)),
    (error) => error.cause.code === 'BK002')
  lens = await addItem(tx, order.id, 'LENS', 2)
})
check('after a savepoint was rolled back', split(await itemNumbered(lens.id)), [0, 2])

// Many at once, and rows that are there already: insert or update.
const cases = await db.insert(orderItem)
  .values(Array(100).fill({ orderId: order.id, sku: skuOf('CASE'), quantity: 1 })).returning()
const [total] = await db.select({ shipped: sum(orderItem.shipped), backordered: sum(orderItem.backordered) })
  .from(orderItem).where(eq(orderItem.sku, skuOf('CASE')))
check('100 rows: 60 of 100', total, { shipped: '60', backordered: '40' })
const [more] = await db.insert(orderItem).values({ ...cases[99], quantity: 3 })
  .onConflictDoUpdate({ target: orderItem.id, set: { quantity: sql`excluded.quantity` } }).returning()
check('onConflictDoUpdate() splits anew', split(more), [0, 3])

// A statement that the server has prepared (it has a name), time and again.
const add = db.insert(orderItem).values({
  orderId: sql.placeholder('order'), sku: sql.placeholder('sku'), quantity: sql.placeholder('quantity')
}).returning().prepare('add_item')
let bag
for (let n = 0; n < 31; n++) {
  [bag] = await add.execute({ order: order.id, sku: skuOf('BAG'), quantity: n < 30 ? 30 : 130 })
}
check('a prepared statement, 31 times', split(bag), [100, 30])

// A transaction that has seen too old a book is tried again.
let tries = 0
lens = await again(async (tx) => {
  await tx.select().from(product).where(eq(product.sku, skuOf('LENS')))
  if (++tries === 1) {
    await db.update(product).set({ inStock: sql`${product.inStock} + 3` }).where(eq(product.sku, skuOf('LENS')))
  }
  return addItem(tx, order.id, 'LENS', 2)
}, { isolationLevel: 'repeatable read' })
check('after 40001, tried again', [...split(lens), tries], [1, 1, 2])

await pool.end()
