# How vendors delivered, worked out twice: by the view supplier_performance, from a
# book in which every purchase order of AdventureWorks was received as it was, and
# here, in Perl, from the files alone.
#
# A purchase order line is a supply line of its own, ordered on OrderDate, promised
# for DueDate. ReceivedQty came on ShipDate; of every fifth line in two parts, the
# second three days later. RejectedQty goes back to the vendor, the last part first.
# Of status 3 and 4 (rejected, complete) what is missing will not come: closed three
# days after all that came. The others stay open, and are overdue by now.
#
# Not in the files but made from them: every 50th line comes ten days late. Every
# 70th is cancelled before anything came, on the day it was promised for; every 71st
# a day later, which is too late. Every 73rd never comes and nobody closes it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use BkoTest;
use Time::Local 'timegm';
use PostgreSQL::Test::Utils;
use Test::More;

my $data = ($ENV{BKO_SHARED} // "$FindBin::RealBin/../../../shared") . '/data/adventureworks';
plan skip_all => 'the folder adventureworks is missing' unless -r "$data/PurchaseOrderDetail.csv";

# Days since 1970, and back.
sub day_of { my ($y, $m, $d) = $_[0] =~ /^(\d+)-(\d+)-(\d+)/; return timegm(0, 0, 0, $d, $m - 1, $y) / 86400; }
sub date_of { my @t = gmtime($_[0] * 86400); return sprintf '%04d-%02d-%02d', $t[5] + 1900, $t[4] + 1, $t[3]; }
sub rows { return map { s/\r?$//r } split /\n/, slurp_file("$data/$_[0].csv"); }

# ---- the files ----

my %order;
for (rows('PurchaseOrderHeader'))
{
	my ($id, undef, $status, undef, $vendor, undef, $ordered, $shipped) = split /\t/;
	$order{$id} = { status => $status, vendor => "Vendor $vendor", ordered => day_of($ordered), shipped => day_of($shipped) };
}
my @lines;
for (rows('PurchaseOrderDetail'))
{
	my ($order, $id, $due, $qty, $product, undef, undef, $received, $rejected) = split /\t/;
	my $o = $order{$order};
	my $due_day = day_of($due);
	my $arrives = $o->{shipped} + ($id % 50 == 0 ? 10 : 0);
	my $second = $id % 5 == 0 ? int($received / 2) : 0;
	my @parts = ({ day => $arrives, qty => $received - $second }, $second ? { day => $arrives + 3, qty => $second } : ());
	my $closed_on = $o->{status} >= 3 && $received - $rejected < $qty ? $arrives + 3 : undef;
	if ($id % 70 == 0 || $id % 71 == 0 || $id % 73 == 0)
	{
		@parts = ();
		$closed_on = $id % 70 == 0 ? $due_day : $id % 71 == 0 ? $due_day + 1 : undef;
	}
	for my $part (reverse @parts)
	{
		$part->{back} = $rejected < $part->{qty} ? $rejected : $part->{qty};
		$rejected -= $part->{back};
	}
	push @lines, { %$o, id => $id, item => "P-$product", qty => $qty, due => $due_day, parts => \@parts, closed_on => $closed_on };
}
is(scalar @lines, 8845, 'all purchase order lines are there');

# ---- the book ----

my $node = new_node('main');
$node->safe_psql('postgres', 'CREATE DATABASE works');
sub works { return $node->safe_psql('works', $_[0]); }

works("CREATE EXTENSION bko; SELECT bko.create_book('shop');
	CREATE TABLE line (id int, supplier text, item text, qty numeric, ordered_on date, due date, closed_on date);
	CREATE TABLE part (document text, id int, item text, day date, qty numeric, back numeric);
	UPDATE shop.book SET time_zone = 'America/Los_Angeles'");
works(join '', "COPY line FROM stdin (NULL '');\n",
	(map { join("\t", $_->{id}, $_->{vendor}, $_->{item}, $_->{qty}, date_of($_->{ordered}), date_of($_->{due}), defined $_->{closed_on} ? date_of($_->{closed_on}) : '') . "\n" } @lines), "\\.\n");
works(join '', "COPY part FROM stdin;\n",
	(map { my $l = $_; my $n = 0; map { join("\t", "$l->{id}/" . ++$n, $l->{id}, $l->{item}, date_of($_->{day}), $_->{qty}, $_->{back}) . "\n" } @{ $l->{parts} } } @lines), "\\.\n");
works(<<'SQL');
INSERT INTO shop.stock (item) SELECT DISTINCT item FROM line;
INSERT INTO shop.supply (supply_ref, supplier, item, qty_expected, ordered_on, promised_on) SELECT 'PO-' || id, supplier, item, qty, ordered_on, due FROM line ORDER BY id;
ANALYZE;
-- at half past eleven in the evening, which is tomorrow elsewhere
INSERT INTO shop.receipt (item, qty, supply_ref, received_at, document) SELECT item, qty, 'PO-' || id, (day + time '23:30') AT TIME ZONE 'America/Los_Angeles', document FROM part ORDER BY day, id;
SELECT count(r) FROM part JOIN shop.receipt USING (document), shop.reverse_receipt(receipt_id, back, 'rejected') r WHERE back > 0;
UPDATE shop.supply SET closed = true, closed_on = line.closed_on FROM line WHERE supply_ref = 'PO-' || id AND line.closed_on IS NOT NULL;
SQL
is_sound($node, 'works', 'shop', 'the book is sound');
my $today = day_of(works('SELECT (now() AT TIME ZONE time_zone)::date FROM shop.book'));

# ---- the same in Perl ----

my %vendor;
my %kinds;
for my $l (@lines)
{
	my ($came, $delivered, $last) = (0);
	for my $part (@{ $l->{parts} })
	{
		my $stays = $part->{qty} - $part->{back};
		$came += $stays;
		$last = $part->{day} if $stays > 0;
		$delivered //= $part->{day} if $came >= $l->{qty};
	}
	$delivered //= $last;
	my $closed = defined $l->{closed_on};
	my $full = $came >= $l->{qty};
	my $overdue = !$closed && !$full && $l->{due} < $today;
	if ($closed && $came == 0 && $l->{closed_on} <= $l->{due})
	{
		$kinds{cancelled}++;
		next;
	}
	next unless $full || $closed || $overdue;
	my $on_time = !$overdue && defined $delivered && $delivered <= $l->{due};
	my $end = $overdue ? $today : $delivered // $l->{closed_on};
	my $v = $vendor{ $l->{vendor} } //= { overdue => 0, late => 0, time => 0, full => 0, otif => 0, lead => [] };
	$v->{lines}++;
	$v->{time}++ if $on_time;
	$v->{full}++ if $full;
	$v->{otif}++ if $on_time && $full;
	$v->{late} += $end - $l->{due} if $end > $l->{due};
	$v->{overdue} += $l->{qty} - $came if $overdue;
	push @{ $v->{lead} }, $delivered - $l->{ordered} if defined $delivered;
	$kinds{ join ' ', $overdue ? 'overdue' : (), $on_time ? 'on time' : 'late', $full ? 'in full' : $came ? 'short' : 'nothing' }++;
}
is(join(', ', sort keys %kinds), 'cancelled, late in full, late nothing, late short, on time in full, on time short, overdue late nothing, overdue late short',
	'the story has lines of every kind');

# As PostgreSQL rounds: half up; without zeros at the end.
sub decimals { my ($value, $n) = @_; return 0 + sprintf("%.${n}f", int($value * 10**$n + 0.5 + 1e-7) / 10**$n); }

my @expected;
for (sort keys %vendor)
{
	my $v = $vendor{$_};
	my @lead = @{ $v->{lead} };
	my ($mean, $sd) = ('', '');
	if (@lead)
	{
		my $sum = 0;
		$sum += $_ for @lead;
		$mean = $sum / @lead;
		my $squares = 0;
		$squares += ($_ - $mean)**2 for @lead;
		$sd = decimals(sqrt($squares / (@lead - 1)), 2) if @lead > 1;
		$mean = decimals($mean, 2);
	}
	push @expected, join '|', $_, $v->{lines}, $v->{time}, $v->{full}, $v->{otif},
	  (map { decimals($_ / $v->{lines}, 4) } $v->{time}, $v->{full}, $v->{otif}), $mean, $sd, decimals($v->{late} / $v->{lines}, 2), $v->{overdue};
}
cmp_ok(scalar @expected, '>', 80, 'most vendors have delivered');
same_lines(works('SELECT * FROM shop.supplier_performance'), join("\n", @expected), 'each vendor is judged as the files say');

# In another session's time zone too.
same_lines(works("SET timezone = 'Asia/Tokyo'; SELECT * FROM shop.supplier_performance"), join("\n", @expected), 'whatever the time zone of the reader');

$node->stop;
done_testing();
