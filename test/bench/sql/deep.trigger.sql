INSERT INTO receipt (item, qty) VALUES (:item, 5);
