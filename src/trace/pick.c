// SPDX-License-Identifier: MIT
/* Which events are wanted: see pick.h. */
#include "trace/pick.h"

#include <errno.h>
#include <string.h>

#include "trace/cut.h"

int pick_kinds(struct pick *p, const char *text, struct err *err)
{
	for (const char *at = text, *end; at; at = *end ? end + 1 : NULL) {
		unsigned kind = 0;
		const char *name;

		end = strchrnul(at, ',');
		while ((name = trace_kind_name(kind)) &&
		       (strncmp(name, at, (size_t)(end - at)) != 0 || name[end - at]))
			kind++;
		if (!name)
			return err_set(err, -EINVAL,
				       "--kind: '%.*s' is no kind of event: expected map, unmap, "
				       "access, api-map, qi-submit, ... with commas between them",
				       (int)(end - at), at);
		p->kinds |= UINT64_C(1) << kind;
	}
	return 0;
}

static bool pick_address(struct cut *c, uint64_t *out)
{
	return cut_hex(c, out) || cut_decimal(c, UINT64_MAX, out);
}

int pick_iova(struct pick *p, const char *text, struct err *err)
{
	struct cut c = {text, text + strlen(text)};

	p->iova_set = true;
	if (!pick_address(&c, &p->iova_first))
		goto wrong;
	p->iova_last = p->iova_first;
	if (cut_text(&c, "-") && !pick_address(&c, &p->iova_last))
		goto wrong;
	if (c.at == c.end && p->iova_first <= p->iova_last)
		return 0;
wrong:
	return err_set(err, -EINVAL,
		       "--iova: '%s': expected an address or FIRST-LAST, such as "
		       "0xffe00000-0xffffffff",
		       text);
}

int pick_seconds(uint64_t *ns, const char *option, const char *text, struct err *err)
{
	struct cut c = {text, text + strlen(text)};
	uint64_t seconds, fraction = 0;
	const char *point;
	ptrdiff_t digits = 0;

	if (!cut_decimal(&c, 1000000000, &seconds))
		goto wrong;
	if (cut_text(&c, ".")) {
		point = c.at;
		if (!cut_decimal(&c, 999999999, &fraction))
			goto wrong;
		digits = c.at - point;
	}
	if (c.at != c.end || digits > 9)
		goto wrong;
	for (; digits < 9; digits++)
		fraction *= 10;
	*ns = seconds * 1000000000u + fraction;
	return 0;
wrong:
	return err_set(err, -EINVAL, "--%s: '%s': expected seconds, such as 1.5", option, text);
}

int pick_until(struct pick *p, const char *text, struct err *err)
{
	const int rc = pick_seconds(&p->to_ns, "until", text, err);

	if (rc || p->to_ns)
		return rc;
	return err_set(err, -EINVAL, "--until %s: nothing comes before that; expected more than 0",
		       text);
}

int pick_check(const struct pick *p, struct err *err)
{
	if (p->to_ns && p->from_ns >= p->to_ns)
		return err_set(
			err, -EINVAL,
			"--from %.9g, --until %.9g: nothing lies between; expected --from to "
			"be less",
			(double)p->from_ns / 1e9, (double)p->to_ns / 1e9);
	if (p->last && p->first > p->last)
		return err_set(
			err, -EINVAL,
			"--first %llu, --last %llu: nothing lies between; expected --first to "
			"be no more",
			(unsigned long long)p->first, (unsigned long long)p->last);
	return 0;
}

static bool pick_same(const char *wanted, const char *at, size_t bytes)
{
	return !wanted || (strlen(wanted) == bytes && memcmp(wanted, at, bytes) == 0);
}

static bool pick_place(const struct pick *p, const struct trace_event *ev)
{
	uint64_t last;

	if (!p->iova_set)
		return true;
	if (!trace_has(ev, TRACE_F_IOVA))
		return false;
	last = ev->iova;
	if (trace_has(ev, TRACE_F_BYTES) && ev->bytes)
		last += ev->bytes - 1;
	return ev->iova <= p->iova_last && last >= p->iova_first;
}

bool pick_wants(const struct pick *p, const struct trace_event *ev, uint64_t number,
		uint64_t since_ns)
{
	if (ev->kind == TRACE_LOST || ev->kind == TRACE_STEP)
		return true;
	if (p->kinds && !(p->kinds >> ev->kind & 1))
		return false;
	if (number < p->first || (p->last && number > p->last))
		return false;
	if (since_ns < p->from_ns || (p->to_ns && since_ns >= p->to_ns))
		return false;
	if (p->cpu_set && ev->cpu != p->cpu)
		return false;
	if (p->tag_set && (!trace_has(ev, TRACE_F_TAG) || ev->tag != p->tag))
		return false;
	if (p->dev &&
	    (!trace_has(ev, TRACE_F_DEV) || !pick_same(p->dev, ev->dev.at, ev->dev.bytes)))
		return false;
	if (p->task &&
	    (!trace_has(ev, TRACE_F_TASK) || !pick_same(p->task, ev->task.at, ev->task.bytes)))
		return false;
	return pick_same(p->name, ev->name, ev->name_bytes) && pick_place(p, ev);
}
