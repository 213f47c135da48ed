"""sqlite3 on our malloc: a workload in memory and in a file, whose results are computed here as well.

    sqlite_test LIBRARY SQLITE3
"""

import os
import sys

import program

ROWS = 40000

# Numbers that both sides can compute: x -> (48271 x) mod (2^31 - 1) (Park and Miller, 1988).
SCRIPT = """
pragma journal_mode = wal;
pragma cache_size = 4000;
create table item (id integer primary key, number integer, text text, body blob);
with recursive draw (id, number) as (
    select 1, 48271 union all select id + 1, (number * 48271) %% 2147483647 from draw where id < %(rows)d)
insert into item select id, number, 'item ' || number, zeroblob(number %% 700) from draw;
create index by_number on item (number);
create index by_text on item (text, number);
select count(*), sum(number), sum(length(body)), max(length(text)) from item;
update item set body = zeroblob(id %% 9000) where id %% 10 = 0;
delete from item where number %% 3 = 0;
select count(*), sum(length(body)) from item;
select count(*) from item a join item b on b.number = a.number + 2 * (a.id - a.id) where a.text < 'item 5';
select group_concat(kind || ':' || many, ' ') from
    (select number %% 7 as kind, count(*) as many from item group by kind order by kind);
select sum(length(grown)) from (select group_concat(text) over (order by id rows 20 preceding) as grown from item);
vacuum;
pragma integrity_check;
"""


def expected():
    items = {}
    number = 1
    for key in range(1, ROWS + 1):
        number = number * 48271 % 2147483647
        items[key] = [number, "item %d" % number, number % 700]
    yield "wal"
    yield "%d|%d|%d|%d" % (
        ROWS,
        sum(item[0] for item in items.values()),
        sum(item[2] for item in items.values()),
        max(len(item[1]) for item in items.values()),
    )
    for key, item in items.items():
        item[2] = key % 9000 if key % 10 == 0 else item[2]
    items = {key: item for key, item in items.items() if item[0] % 3 != 0}
    yield "%d|%d" % (len(items), sum(item[2] for item in items.values()))
    yield str(sum(item[1] < "item 5" for item in items.values()))
    kinds = [sum(item[0] % 7 == kind for item in items.values()) for kind in range(7)]
    yield " ".join("%d:%d" % pair for pair in enumerate(kinds) if pair[1])
    texts = [item[1] for _, item in sorted(items.items())]
    windows = (texts[max(0, at - 20) : at + 1] for at in range(len(texts)))
    yield str(sum(len(",".join(window)) for window in windows))
    yield "ok"


def main():
    library, sqlite3 = sys.argv[1:]
    with program.Programs(library) as run:
        for database in (":memory:", run.path("items.db")):
            answer = run.run(os.path.abspath(sqlite3), "-batch", database, input=SCRIPT % {"rows": ROWS}).split("\n")
            wanted = list(expected())
            wanted[0] = "memory" if database == ":memory:" else wanted[0]
            if answer[: len(wanted)] != wanted:
                sys.exit("%s: sqlite3 says\n%s\nand it should\n%s" % (database, "\n".join(answer), "\n".join(wanted)))
        run.evidence(allocations=200000, processes=2)


if __name__ == "__main__":
    main()
