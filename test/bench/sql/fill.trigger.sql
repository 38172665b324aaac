INSERT INTO receipt (item, qty) VALUES ('HOT', :qty);
