/* The PostgreSQL JDBC driver on the tables of schema.sql. */

import java.io.StringReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.Objects;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

public class Client {
	static final String ME = "jdbc";

	record Item(long id, long orderId, String sku, int quantity, String note, int shipped, int backordered) {
		String split() { return shipped + " | " + backordered; }
		Item withNote(String note) { return new Item(id, orderId, sku, quantity, note, shipped, backordered); }
	}

	interface Action<T> { T run() throws SQLException; }

	static Connection connection;

	/* Statements are prepared on the server from the first time on; batches of INSERT become
	   one statement. Both are the driver's options. */
	static Connection connect() throws SQLException {
		Connection c = DriverManager.getConnection(
			"jdbc:postgresql://127.0.0.1:" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE")
			+ "?prepareThreshold=1&reWriteBatchedInserts=true",
			System.getenv("PGUSER"), System.getenv("PGPASSWORD"));
		c.setAutoCommit(false);
		return c;
	}

	static void check(String what, Object found, Object expected) {
		if (!Objects.equals(found, expected))
			throw new AssertionError(what + ": " + found + ", not " + expected);
		System.out.println("ok - " + ME + ": " + what);
	}

	static String sku(String item) { return ME + "-" + item; }

	static PreparedStatement statement(String sql, Object... values) throws SQLException {
		PreparedStatement s = connection.prepareStatement(sql);
		for (int i = 0; i < values.length; i++)
			s.setObject(i + 1, values[i]);
		return s;
	}

	static Item itemOf(ResultSet r) throws SQLException {
		return r.next() ? new Item(r.getLong("id"), r.getLong("order_id"), r.getString("sku"), r.getInt("quantity"),
			r.getString("note"), r.getInt("shipped"), r.getInt("backordered")) : null;
	}

	static Item itemNumbered(long id) throws SQLException {
		try (PreparedStatement s = statement("SELECT * FROM order_item WHERE id = ?", id)) {
			return itemOf(s.executeQuery());
		}
	}

	/* By getGeneratedKeys(): the columns that the database fills in. */
	static Item addItem(long order, String item, int quantity) throws SQLException {
		try (PreparedStatement s = connection.prepareStatement(
				"INSERT INTO order_item (order_id, sku, quantity) VALUES (?, ?, ?)",
				new String[] {"id", "order_id", "sku", "quantity", "note", "shipped", "backordered"})) {
			s.setLong(1, order);
			s.setString(2, sku(item));
			s.setInt(3, quantity);
			s.executeUpdate();
			return itemOf(s.getGeneratedKeys());
		}
	}

	static Void save(Item i) throws SQLException {
		try (PreparedStatement s = statement("UPDATE order_item SET order_id = ?, sku = ?, quantity = ?, note = ?,"
				+ " shipped = ?, backordered = ? WHERE id = ?",
				i.orderId, i.sku, i.quantity, i.note, i.shipped, i.backordered, i.id)) {
			s.executeUpdate();
			return null;
		}
	}

	static Void delete(Item i) throws SQLException {
		try (PreparedStatement s = statement("DELETE FROM order_item WHERE id = ?", i.id)) {
			s.executeUpdate();
			return null;
		}
	}

	static void refused(String what, String code, Action<?> action) throws SQLException {
		try {
			action.run();
		} catch (PSQLException e) {
			connection.rollback();
			Objects.requireNonNull(e.getServerErrorMessage().getHint(), e.toString());
			check(what + ": " + code, e.getSQLState(), code);
			return;
		}
		throw new AssertionError(what + ": not refused");
	}

	/* What every client of a database in which several write needs: another try. */
	static <T> T again(Action<T> transaction) throws SQLException {
		while (true) {
			try {
				T result = transaction.run();
				connection.commit();
				return result;
			} catch (SQLException e) {
				connection.rollback();
				if (!e.getSQLState().equals("40001") && !e.getSQLState().equals("40P01"))
					throw e;
			}
		}
	}

	static void elsewhere(String sql) throws SQLException {
		try (Connection other = connect(); PreparedStatement s = other.prepareStatement(sql)) {
			s.executeUpdate();
			other.commit();
		}
	}

	public static void main(String[] args) throws Exception {
		connection = connect();

		// An order in a transaction of its own; the generated keys have the split.
		long order;
		try (PreparedStatement s = connection.prepareStatement("INSERT INTO orders (customer) VALUES (?)",
				new String[] {"id"})) {
			s.setString(1, "Retailer");
			s.executeUpdate();
			ResultSet keys = s.getGeneratedKeys();
			keys.next();
			order = keys.getLong(1);
		}
		final long ofOrder = order;
		Item phone = addItem(order, "PHONE", 6), cable = addItem(order, "CABLE", 7);
		connection.commit();
		check("getGeneratedKeys shows what ships", phone.split(), "6 | 0");
		check("getGeneratedKeys shows what waits", cable.split(), "4 | 3");

		// More of it, and a row saved whole with what was read last.
		try (PreparedStatement s = statement("UPDATE order_item SET quantity = ? WHERE id = ? RETURNING *", 9, cable.id)) {
			cable = itemOf(s.executeQuery());
		}
		check("a larger quantity is split anew", cable.split(), "4 | 5");
		save(cable.withNote("gift"));
		connection.commit();
		check("a row saved whole", itemNumbered(cable.id), cable.withNote("gift"));
		connection.commit();

		// A delivery that somebody else commits shows in the row; what was read before is stale.
		elsewhere("INSERT INTO delivery (sku, quantity) VALUES ('jdbc-CABLE', 2)");
		check("a delivery shows in the row", itemNumbered(cable.id).split(), "6 | 3");
		connection.commit();
		final Item stale = cable;
		refused("a stale row saved whole", "BK003", () -> save(stale));

		// A line that waits can be deleted, one that has shipped can't.
		Item lens = addItem(order, "LENS", 5);
		delete(lens);
		connection.commit();
		check("a waiting line is deleted", itemNumbered(lens.id), null);
		refused("deletion of what has shipped", "BK004", () -> delete(phone));
		refused("an unknown item", "BK001", () -> addItem(ofOrder, "NOTHING", 1));
		refused("a backorder that is not allowed", "BK002", () -> addItem(ofOrder, "RARE", 2));

		// Rolled back, nothing was taken.
		check("before rollback()", addItem(order, "RARE", 1).split(), "1 | 0");
		connection.rollback();
		check("after rollback() it is there again", addItem(order, "RARE", 1).split(), "1 | 0");
		connection.rollback();

		// Back to a savepoint, and on.
		Savepoint savepoint = connection.setSavepoint();
		try {
			addItem(order, "RARE", 2);
			throw new AssertionError("not refused");
		} catch (PSQLException e) {
			connection.rollback(savepoint);
		}
		lens = addItem(order, "LENS", 2);
		connection.commit();
		check("after rollback(savepoint)", itemNumbered(lens.id).split(), "0 | 2");
		connection.commit();

		// Many at once: addBatch(), and COPY.
		try (PreparedStatement s = connection.prepareStatement(
				"INSERT INTO order_item (order_id, sku, quantity) VALUES (?, ?, ?)")) {
			for (int i = 0; i < 70; i++) {
				s.setLong(1, order);
				s.setString(2, sku("CASE"));
				s.setInt(3, 1);
				s.addBatch();
			}
			s.executeBatch();
		}
		connection.unwrap(PGConnection.class).getCopyAPI().copyIn("COPY order_item (order_id, sku, quantity) FROM STDIN",
			new StringReader((order + "\t" + sku("CASE") + "\t1\n").repeat(30)));
		try (PreparedStatement s = statement("SELECT sum(shipped) || ' | ' || sum(backordered) FROM order_item WHERE sku = ?",
				sku("CASE"))) {
			ResultSet r = s.executeQuery();
			r.next();
			check("addBatch, COPY: 60 of 100", r.getString(1), "60 | 40");
		}
		connection.commit();

		// A statement that the server has prepared, time and again.
		try (PreparedStatement s = connection.prepareStatement(
				"INSERT INTO order_item (order_id, sku, quantity) VALUES (?, ?, ?) RETURNING *")) {
			Item bag = null;
			for (int i = 0; i < 31; i++) {
				s.setLong(1, order);
				s.setString(2, sku("BAG"));
				s.setInt(3, i < 30 ? 30 : 130);
				bag = itemOf(s.executeQuery());
			}
			check("a prepared statement, 31 times", bag.split(), "100 | 30");
		}
		connection.commit();

		// A transaction that has seen too old a book is tried again.
		int[] tries = {0};
		connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
		lens = again(() -> {
			try (PreparedStatement s = statement("SELECT in_stock FROM product WHERE sku = ?", sku("LENS"))) {
				s.executeQuery();
			}
			if (tries[0]++ == 0)
				elsewhere("UPDATE product SET in_stock = in_stock + 3 WHERE sku = 'jdbc-LENS'");
			return addItem(ofOrder, "LENS", 2);
		});
		check("after 40001, tried again", lens.split() + ", " + tries[0], "1 | 1, 2");
		connection.close();
	}
}
