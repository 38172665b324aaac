# bko: build with PGXS. The extension's SQL script is put together from sql/.

EXTENSION = bko
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(srcdir)/bko.control)

srcdir ?= .
MODULE_big = bko
OBJS = $(patsubst $(srcdir)/%.c,%.o,$(sort $(wildcard $(srcdir)/src/*.c)))
DATA_built = sql/bko--$(EXTVERSION).sql
PG_CPPFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wno-cast-function-type $(COPT)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

MODULES_SQL = $(sort $(wildcard $(srcdir)/sql/[0-9]*.sql))
BOOK_SQL = $(sort $(wildcard $(srcdir)/sql/book/*.sql))

# What create_book() runs is kept inside the extension as the body of a
# function, so that a book is always made by the code that will serve it.
sql/bko--$(EXTVERSION).sql: $(MODULES_SQL) $(BOOK_SQL) $(srcdir)/bko.control
	mkdir -p sql
	{ echo '-- made by make from sql/*.sql and sql/book/*.sql'; \
	  echo '\echo Use "CREATE EXTENSION bko" to load this file. \quit'; \
	  cat $(MODULES_SQL); \
	  echo 'CREATE FUNCTION bko.book_definition() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE'; \
	  echo "    RETURN \$$book\$$"; \
	  cat $(BOOK_SQL); \
	  echo "\$$book\$$;"; \
	  echo "COMMENT ON FUNCTION bko.book_definition() IS 'The SQL that bko.create_book() runs under the search_path of the new book';"; \
	} > $@

$(OBJS): $(wildcard $(srcdir)/src/*.h)
