/* SPDX-License-Identifier: MIT */
/* iotoll trace export: a recording for viewers of timelines; and what --format means to it. */
#include <errno.h>
#include <string.h>

#include "cli/trace_verbs.h"
#include "trace/export.h"

/* Not a row beside the others: it holds less than an event does, and cannot be read back. */
const struct trace_shape trace_shape_perfetto = {"perfetto", NULL, NULL};

int trace_export(struct trace_args *a)
{
	const int rc = trace_one_file(a);

	if (rc)
		return rc;
	a->shape = &trace_shape_perfetto;
	if (a->how.file && a->out)
		return err_set(&a->err, -EINVAL, "export: one place to write to, not two");
	if (a->how.file)
		a->out = a->how.file;
	return trace_copy(a);
}

error_t trace_take_format(struct trace_args *a, const char *arg)
{
	a->perfetto = !strncmp(arg, "perfetto", 8) && (!arg[8] || (arg[8] == ':' && arg[9]));
	if (!a->perfetto)
		return cli_take_format(&a->how, arg, &a->err);
	a->how = (struct cli_format){.file = arg[8] ? arg + 9 : NULL};
	return 0;
}

/* Is what --format says what the verb can do? */
error_t trace_fit_format(struct trace_args *a)
{
	const bool exports = a->verb->run == trace_export;

	if (exports == a->perfetto)
		return 0;
	err_set(&a->err, -EINVAL,
		exports ? "export: expected --format perfetto"
			: "--format perfetto: expected the verb export");
	return EINVAL;
}
