/* SPDX-License-Identifier: MIT */
/* FFSB profiles: a value's text, as each of the types that keys have. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "load/ffsb_profile_internal.h"

/* Decimal digits at *@text, which moves behind them. False if there are none or too many. */
static bool digits(const char **text, uint64_t *out)
{
	const char *at = *text;

	*out = 0;
	if (!isdigit((unsigned char)*at))
		return false;
	for (; isdigit((unsigned char)*at); at++) {
		const unsigned digit = (unsigned)(*at - '0');

		if (*out > (UINT64_MAX - digit) / 10)
			return false;
		*out = *out * 10 + digit;
	}
	*text = at;
	return true;
}

int ffsb_want(struct ffsb_reading *r, const char *key, const char *value, const char *expected)
{
	return ffsb_refuse(r, r->line, "%s: expected %s, found '%.60s'", key, expected, value);
}

int ffsb_value_u32(struct ffsb_reading *r, const char *key, const char *value, uint32_t *out)
{
	const char *at = value;
	uint64_t n;

	if (!digits(&at, &n) || n > UINT32_MAX)
		return ffsb_want(r, key, value, "a whole number from 0 to 4294967295");
	*out = (uint32_t)n; /* what follows the number is a remark */
	return 0;
}

/* k kb m mb g gb in any case; false for another word. */
static bool suffix_shift(const char *word, size_t length, unsigned *shift)
{
	static const char letters[] = "kmg";
	const char *found;

	if (!length || length > 2 || (length == 2 && tolower((unsigned char)word[1]) != 'b'))
		return false;
	found = strchr(letters, tolower((unsigned char)word[0]));
	if (!found || !*found)
		return false;
	*shift = 10 * (unsigned)(found - letters + 1);
	return true;
}

int ffsb_value_size(struct ffsb_reading *r, const char *key, const char *value, uint64_t max,
		    uint64_t *out)
{
	const char *at = value, *word;
	unsigned shift = 0;
	uint64_t n;
	int rc = 0;

	if (!digits(&at, &n))
		return ffsb_want(r, key, value, "a number of bytes, such as 4096 or 4k");
	if (*at == '.') {
		rc = ffsb_warn(r, r->line, "%s: the fraction of '%.60s' is cut off", key, value);
		for (at++; isdigit((unsigned char)*at);)
			at++;
	}
	for (word = at; isalpha((unsigned char)*at);)
		at++;
	if (at > word && !suffix_shift(word, (size_t)(at - word), &shift)) {
		/* 5.x took no suffix: whatever stood there was a remark. 6.0 took it for 0. */
		if (r->out->dialect == FFSB_6)
			return ffsb_want(r, key, value, "one of the suffixes k, kb, m, mb, g, gb");
		if (!rc)
			rc = ffsb_warn(r, r->line, "%s: '%.60s': text after the number is ignored",
				       key, value);
	}
	if (n > max >> shift)
		return ffsb_want(r, key, value,
				 max == UINT32_MAX ? "less than 4 GiB" : "less than 2^63 bytes");
	*out = n << shift;
	return rc;
}

/* A decimal fraction in units of 1 / @scale, what is finer cut off. */
bool ffsb_value_decimal(const char **text, uint64_t scale, uint64_t *out)
{
	const char *at = *text;
	uint64_t whole = 0, unit = scale;

	if (*at != '.' && !digits(&at, &whole))
		return false;
	if (whole > UINT64_MAX / 2 / scale)
		return false;
	*out = whole * scale;
	if (*at == '.') {
		if (at == *text && !isdigit((unsigned char)at[1]))
			return false;
		for (at++; isdigit((unsigned char)*at); at++) {
			unit /= 10;
			*out += unit * (uint64_t)(*at - '0');
		}
	}
	*text = at;
	return true;
}

int ffsb_value_fraction(struct ffsb_reading *r, const char *key, const char *value, uint32_t *out)
{
	const char *at = value;
	uint64_t ppm;

	if (!ffsb_value_decimal(&at, 1000000, &ppm) || ppm > 1000000)
		return ffsb_want(r, key, value, "a fraction from 0 to 1, such as 0.75");
	*out = (uint32_t)ppm;
	return 0;
}

int ffsb_value_text(struct ffsb_reading *r, const char *key, const char *value, char *out)
{
	size_t bytes = strlen(value);

	/* 5.x's names end at a blank; its callout is the rest of the line. */
	if (r->out->dialect != FFSB_6 && strcmp(key, "callout"))
		bytes = strcspn(value, " \t");
	if (!bytes)
		return ffsb_refuse(r, r->line, "%s: expected a value after the =", key);
	if (bytes >= FFSB_TEXT)
		return ffsb_refuse(r, r->line, "%s: expected at most %d bytes", key, FFSB_TEXT - 1);
	memcpy(out, value, bytes);
	out[bytes] = '\0';
	return 0;
}

int ffsb_value_flag(struct ffsb_reading *r, const char *key, const char *value, bool truth,
		    bool *out)
{
	const char *at = value;
	uint64_t n;

	if (!digits(&at, &n) || (!truth && n > 1))
		return ffsb_want(r, key, value, truth ? "a whole number" : "0 or 1");
	*out = n != 0;
	return 0;
}
