INSERT INTO receipt (item, qty) SELECT item, qty FROM bench_src.receipts;
