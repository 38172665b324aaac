# Cases about a book that lives long; read by run.
# shellcheck shell=bash disable=SC2154,SC2034 # what they use and set is run's

# The median latency of a transaction in milliseconds, and its mean time of the
# server's processor: latency CONTESTANT FILE TRANSACTIONS [pgbench options]
latency() {
    local who=$1 file=$2 n=$3 warm cpu
    shift 3
    warm=$((n / 10 + 5))
    rm -f "$tmp"/log.*
    (cd "$tmp" && PGOPTIONS="-c search_path=bench_$who" pgbench -n -M prepared -c 1 -t $warm "$@" -f "$file" "$db") >/dev/null 2> "$tmp/error" || return 1
    cpu=$(ended_cpu) || return 1
    (cd "$tmp" && PGOPTIONS="-c search_path=bench_$who" pgbench -n -M prepared -c 1 -t "$n" -l --log-prefix=log "$@" -f "$file" "$db") >/dev/null 2> "$tmp/error" || return 1
    cpu=$(($(ended_cpu) - cpu))
    cat "$tmp"/log.* | awk '{ print $3 / 1000 }' | sort -g |
        awk -v cpu=$cpu -v n="$n" '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)], cpu / n }'
}

# An empty book and one with a long life behind it, in the same database, in turns.
case_long_life() {
    local names=("a line in stock" "a line that waits" "a receipt that fills one line") files=(line.trigger wait deep.trigger)
    local n=($life_n $life_n $((life_n / 4))) rep i who few
    few=$((reps * (n[2] + n[2] / 10 + 5) + 10))
    [ ${#contestants[@]} = 3 ] || { say "  long_life skipped: no bko here"; return; }
    for who in new old; do
        say "  long_life: the $who book gets its lines"
        run_sql $who -c "SELECT bko.create_book('bench_$who')" >/dev/null 2> "$tmp/error" &&
            run_sql $who -f "$sql/quiet.sql" >/dev/null 2> "$tmp/error" &&
            if [ $who = new ]; then run_sql $who -v closed=0 -v waiting=0 -v few=$few -f "$sql/long_life.sql"; else
                run_sql $who -v closed="$life_closed" -v waiting="$life_waiting" -v few=$few -f "$sql/long_life.sql"; fi \
                >/dev/null 2> "$tmp/error" || { broke "set-up of long_life"; return; }
    done
    run_sql old -c "SELECT pg_size_pretty(sum(pg_total_relation_size(oid))) FROM pg_class WHERE relnamespace = 'bench_old'::regnamespace AND relkind = 'r'" > "$tmp/life.size"
    : > "$tmp/life"
    : > "$tmp/life.cpu"
    for ((rep = 1; rep <= reps; rep++)); do
        for i in 0 1 2; do
            local -A ms=() cpu=()
            for who in $( ((rep % 2)) && echo new old || echo old new); do
                read -r "ms[$who]" "cpu[$who]" < <(latency $who "$sql/${files[i]}.sql" "${n[i]}" -D n=$((rep * 100000)) -D item=LONG) &&
                    [ -n "${ms[$who]}" ] || { broke "$who"; return; }
            done
            say "  long_life $rep/$reps ${names[i]}: ${ms[new]} ms, ${ms[old]} ms; processor ${cpu[new]}, ${cpu[old]}"
            printf '%s\t%s\t%s\t%s\n' "${names[i]}" $rep "${ms[new]}" "${ms[old]}" >> "$tmp/life"
            printf '%s\t%s\t%s\t%s\n' "${names[i]}, processor time" $rep "${cpu[new]}" "${cpu[old]}" >> "$tmp/life"
        done
    done
    life_archive
    for who in new old; do
        [ "$(run_sql $who -f "$sql/verify.sql" 2> "$tmp/error")" = 0 ] || { say "    WRONG: verify() finds breaks in the $who book"; failed=1; }
        run_sql $who -c "DROP SCHEMA bench_$who CASCADE" 2>/dev/null
    done
}

# archive() in the long-lived book: calls of 10,000 lines, then what it was for.
life_archive() {
    local calls=$((life_closed / 40000 + 1)) i
    echo "SELECT archive('infinity');" > "$tmp/archive.sql"
    for ((i = 0; i < (calls < 20 ? calls : 20); i++)); do timed old "$tmp/archive.sql"; done | awk '{ print $1 }' | sort -g |
        awk '{ v[NR] = $1 } END { if (NR) printf "%.0f (%.0f–%.0f)", v[int((NR + 1) / 2)], v[1], v[NR] }' > "$tmp/life.archive"
    say "  long_life archive(), 10,000 lines a call: $(cat "$tmp/life.archive") ms"
}

report_long_life() {
    printf '\nA book with %s closed and %s waiting lines (%s) against an empty one; milliseconds, medians of %s transactions:\n\n' \
        "$(grouped "$life_closed")" "$(grouped "$life_waiting")" "$(cat "$tmp/life.size")" "$(grouped "$life_n")"
    python3 "$here/pairs.py" "$tmp/life" "one a transaction" empty "long life"
    printf '\narchive() there, 10,000 lines a call: %s ms a call.\n' "$(cat "$tmp/life.archive")"
}

# A day's churn in minutes, under several settings of the tables. How large the
# tables get, how many updates are HOT. Autovacuum is at the server's defaults, but
# looks once a second instead of once a minute, since the day is as much shorter.
case_churn() {
    local variant name settings rep tps before
    [ ${#contestants[@]} = 3 ] || { say "  churn skipped: no bko here"; return; }
    : > "$tmp/churn"
    run_sql churn -c "ALTER SYSTEM SET autovacuum_naptime = '1s'" -c "SELECT pg_reload_conf()" >/dev/null 2> "$tmp/error"
    for variant in "${churn_variants[@]}"; do
        name=${variant%%|*} settings=${variant#*|}
        run_sql churn -c "SELECT bko.create_book('bench_churn')" >/dev/null 2> "$tmp/error" &&
            { [ -z "$settings" ] || run_sql churn -c "$settings" 2> "$tmp/error"; } &&
            run_sql churn -v closed="$churn_closed" -v waiting=0 -v few=0 -f "$sql/long_life.sql" >/dev/null 2> "$tmp/error" &&
            run_sql churn -c "UPDATE stock SET on_hand = 0" -c "VACUUM FULL stock" -c "VACUUM (ANALYZE) movement" >/dev/null 2> "$tmp/error" &&
            sleep 1 && before=$(run_sql churn -f "$sql/churn_state.sql" 2> "$tmp/error") || { broke "set-up of churn"; return; }
        tps=$(cd "$tmp" && PGOPTIONS="-c search_path=bench_churn" pgbench -n -M prepared -c 2 -j 2 -t $((churn_n / 2)) --random-seed=1 -D n=0 \
            -f "$sql/churn.sql" "$db" 2> "$tmp/error" | sed -n 's/^tps = \([0-9]*\).*/\1/p')
        [ -n "$tps" ] || { broke "churn $name"; return; }
        sleep 1         # until the statistics are told
        say "  churn $name: $tps tps"
        paste -d '|' <(echo "$before") <(run_sql churn -f "$sql/churn_state.sql") |
            awk -F '|' -v name="$name" -v tps="$tps" '{
                updates = $10 - $4
                printf "| %s | %s | %s | %s → %s | %s → %s | %s | %s | %s |\n", name, tps, $1, $2, $8, $3, $9, updates,
                    updates ? sprintf("%.1f %%", 100 * ($11 - $5) / updates) : "–", $12 - $6 }' >> "$tmp/churn"
        [ "$(run_sql churn -f "$sql/verify.sql" 2> "$tmp/error")" = 0 ] || { say "    WRONG: verify() finds breaks"; failed=1; }
        run_sql churn -c "DROP SCHEMA bench_churn CASCADE" 2>/dev/null
    done
    run_sql churn -c "ALTER SYSTEM RESET autovacuum_naptime" -c "SELECT pg_reload_conf()" >/dev/null 2> "$tmp/error"
}

report_churn() {
    printf '\n%s transactions, 2 clients, in a book of %s closed lines: 70 %% orders, 25 %% receipts, the rest counts and changes, each eighth also a purchase and the receipt of an older one; 7 of 10 on 20 hot items, the others on 10,000. KB:\n\n' \
        "$(grouped "$churn_n")" "$(grouped "$churn_closed")"
    printf '| settings | tps | table | heap | indexes | updates | HOT | autovacuums |\n|---|---|---|---|---|---|---|---|\n'
    cat "$tmp/churn"
}

# The most memory of its own that the backend had while it ran a COPY: what it
# shares with others is not counted.
peak_of_copy() {
    local n=$1 items=$2 on_hand=$3 pid peak
    run_sql memory -c "SELECT bko.create_book('bench_memory')" \
        -c "INSERT INTO bench_memory.stock (item, on_hand) SELECT (100000 + i)::text, $on_hand FROM generate_series(1, $items) i" >/dev/null 2> "$tmp/error" || return 1
    (
        run_sql memory -c "COPY (SELECT 'SO-' || i, 'Customer ' || i % 997, (100001 + i % $items)::text, 1 + i % 5 FROM generate_series(1, $n) i) TO STDOUT" |
            PGAPPNAME=bench_memory run_sql memory -c "COPY order_line (order_ref, customer, item, qty_ordered) FROM STDIN" 2> "$tmp/error" || : > "$tmp/memory.failed"
    ) &
    local job=$!
    while [ -z "${pid:-}" ] && kill -0 $job 2>/dev/null; do
        pid=$(psql -XqAt -d "$db" -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'bench_memory'")
    done
    peak=$(while [ -r "/proc/$pid/status" ]; do sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"; sleep 0.05; done 2>/dev/null | sort -n | tail -1)
    wait $job
    [ ! -e "$tmp/memory.failed" ] && [ -n "$peak" ] || return 1
    [ "$(run_sql memory -c "SELECT count(*) = $n FROM order_line")" = t ] || return 1
    run_sql memory -c "DROP SCHEMA bench_memory CASCADE" 2>/dev/null
    echo $((peak / 1024))
}

case_memory() {
    local kinds=("over 10,000 items, in stock|10000|1000000000" "of one item, all waiting|1|0" "over as many items as a fifth of the lines, in stock||1000000000")
    local kind name items on_hand small large
    [ ${#contestants[@]} = 3 ] || { say "  memory skipped: no bko here"; return; }
    : > "$tmp/memory"
    for kind in "${kinds[@]}"; do
        IFS='|' read -r name items on_hand <<< "$kind"
        small=$(peak_of_copy $((copy_n / 5)) "${items:-$((copy_n / 25))}" "$on_hand") &&
            large=$(peak_of_copy "$copy_n" "${items:-$((copy_n / 5))}" "$on_hand") || { broke "memory $name"; return; }
        say "  memory $name: $small MB, $large MB"
        printf '%s\t1\t%s\t%s\n' "$name" "$small" "$large" >> "$tmp/memory"
    done
}

report_memory() {
    printf '\nOne COPY, the most memory of its own that the backend had, MB:\n\n'
    python3 "$here/pairs.py" "$tmp/memory" "lines" "$(grouped $((copy_n / 5)))" "$(grouped "$copy_n")"
}
