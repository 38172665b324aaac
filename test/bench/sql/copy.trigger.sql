\copy order_line (order_ref, customer, item, qty_ordered, unit_price) FROM 'many.trigger.copy'
