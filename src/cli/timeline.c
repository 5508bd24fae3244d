/* SPDX-License-Identifier: MIT */
/* What run and replay share of --timeline. */
#include "cli/timeline.h"

#include <errno.h>
#include <string.h>

#include "base/quantity.h"

void cli_timeline_defaults(struct cli_timeline *c)
{
	*c = (struct cli_timeline){.most = TIMELINE_EVENTS};
}

error_t cli_timeline_take(struct cli_timeline *c, int key, const char *arg, struct err *err)
{
	struct quantity from;

	switch (key) {
	case CLI_TIMELINE:
		c->file = arg;
		return 0;
	case CLI_TIMELINE_FROM:
		c->details = true;
		if (quantity_parse(&from, arg, QUANTITY_MASK(QUANTITY_TIME), err)) {
			err_prefix(err, -EINVAL, "--timeline-from: ");
			return EINVAL;
		}
		c->from_ps = from.value;
		return 0;
	case CLI_TIMELINE_EVENTS:
		c->details = true;
		return cli_take_number(&c->most, "timeline-events", arg, 1, 1u << 30, err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cli_timeline_check(const struct cli_timeline *c, struct err *err)
{
	const struct cli_format file = {.file = c->file};

	if (!c->file && c->details)
		return err_set(err, -EINVAL,
			       "--timeline-from, --timeline-events: expected --timeline FILE, too");
	return c->file ? cli_output_possible(&file, err) : 0;
}

struct job {
	const struct cli_timeline *c;
	int (*run)(void *ctx, struct timeline *t, struct err *err);
	void *ctx;
	struct err *err; /* of the run */
	bool cut;
};

static int write_timeline(FILE *out, void *ctx, struct err *err)
{
	struct job *j = ctx;
	const struct timeline_config config = {
		.to = out, .from = j->c->from_ps, .most = j->c->most};
	struct timeline *t;
	int rc = timeline_create(&t, &config);

	if (rc)
		return err_set(err, rc, "no memory for the timeline");
	rc = j->run(j->ctx, t, j->err);
	if (!rc) {
		rc = timeline_finish(t, &j->cut);
		if (rc)
			err_set(err, rc, "%s: the timeline cannot be written: %s", j->c->file,
				strerror(-rc));
	}
	timeline_destroy(t);
	return rc;
}

int cli_timeline_run(const struct cli_timeline *c,
		     int (*run)(void *ctx, struct timeline *t, struct err *err), void *ctx,
		     struct err *err)
{
	struct err said = {""};
	struct job j = {.c = c, .run = run, .ctx = ctx, .err = err};
	int rc;

	if (!c->file)
		return run(ctx, NULL, err);
	rc = report_write_stream(c->file, write_timeline, &j, &said);
	if (rc && !err->text[0]) /* the run says more than that nothing was written */
		*err = said;
	if (!rc && j.cut) {
		cli_progress(NULL);
		fprintf(stderr,
			"iotoll: %s: more than %llu events: the later ones are left out "
			"(--timeline-events, --timeline-from)\n",
			c->file, (unsigned long long)c->most);
	}
	return rc;
}
