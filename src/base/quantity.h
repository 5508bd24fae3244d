/* SPDX-License-Identifier: MIT */
/*
 * Numbers with units as a person writes them: "130 ns", "44 cycles", "2 MiB", "1.5 Gb/s". A
 * quantity is kept as a whole number of its kind's base unit, by exact integer arithmetic: text
 * that is finer than the base unit or too large for 64 bits is refused, never rounded.
 */
#ifndef IOTOLL_BASE_QUANTITY_H
#define IOTOLL_BASE_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Each with its base unit and the units understood. */
enum quantity_kind {
	QUANTITY_TIME,      /* picosecond: ps ns us ms s */
	QUANTITY_CYCLES,    /* 1/1000 cycle: cycles cycle */
	QUANTITY_BYTES,     /* byte: B KiB MiB GiB */
	QUANTITY_RATE,      /* bit/s: b/s kb/s Mb/s Gb/s B/s kB/s MB/s GB/s, all decimal */
	QUANTITY_FREQUENCY, /* hertz: Hz kHz MHz GHz */
	QUANTITY_COUNT,     /* one: no unit */
	QUANTITY_PERCENT,   /* 1/10000 %: % percent */
	QUANTITY_KINDS,
};

/* A set of kinds, for quantity_parse(). */
#define QUANTITY_MASK(kind) (1u << (kind))

struct quantity {
	enum quantity_kind kind;
	uint64_t value;   /* in the base unit of @kind */
	const char *unit; /* the unit's name as this module spells it, "" for a count; static */
};

/*
 * Read all of @text: an unsigned decimal number, a fraction if wanted, blanks if wanted, a unit of
 * one of the kinds in the mask @kinds (not 0). Surrounding blanks are ignored. 0, or -EINVAL
 * with @err saying what was found and what was expected.
 */
int quantity_parse(struct quantity *out, const char *text, unsigned kinds,
		   struct err *err) MUST_CHECK;

/*
 * Write @value of @kind exactly ("1.18 ns"), so that parsing gives the same value back: in the
 * largest unit in which it is at least 1 and has at most three decimals, else in the smallest.
 * @to is always terminated if @bytes > 0; 40 suffice.
 */
void quantity_format(char *to, size_t bytes, enum quantity_kind kind, uint64_t value);

#endif
