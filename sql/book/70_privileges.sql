-- What no right on a table allows is for the owner to grant.
REVOKE EXECUTE ON FUNCTION ship(bigint, numeric), cancel(bigint, numeric, text),
    return_goods(bigint, numeric, boolean, text), reverse_receipt(bigint, numeric, text),
    count_stock(text, numeric, text, text), hold_line(bigint, text), release_line(bigint),
    hold_order(text, text), release_order(text), cancel_transfer(text, text),
    preview(text, numeric, text),
    reallocate(text, text, text, jsonb, text, boolean, text),
    explain(bigint), rebuild(text), available_to_promise(text, numeric, text, integer),
    preview_supply(text, date, numeric, text, text), publish_promises(),
    fill_waiting(text), refresh_reports(text), set_lanes(text, text, integer),
    gather_lanes(text, text), archive(timestamptz, integer) FROM PUBLIC;
