// SPDX-License-Identifier: MIT
/* What a recording in memory holds: see recording.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/recording_impl.h"

int recording_push(struct recorded **list, size_t *count, size_t *room, const struct recorded *ev,
		   struct err *err)
{
	if (*count == *room) {
		const size_t more = *room ? 2 * *room : 1024;
		struct recorded *grown = realloc(*list, more * sizeof(*grown));

		if (!grown)
			return err_set(err, -ENOMEM, "recording: out of memory");
		*list = grown;
		*room = more;
	}
	(*list)[(*count)++] = *ev;
	return 0;
}

int recording_add(struct recording *r, const char *name, size_t bytes, int tag, int *out,
		  struct err *err)
{
	struct recorded_device *d = &r->device[r->devices];

	if (r->devices == RECORDING_DEVICES)
		return err_set(err, -EINVAL, "%s: expected at most %u devices", r->name,
			       RECORDING_DEVICES);
	*d = (struct recorded_device){.tag = tag};
	memcpy(d->name, name, bytes < sizeof(d->name) ? bytes : sizeof(d->name) - 1);
	*out = (int)r->devices++;
	return 0;
}

int recording_find(const struct recording *r, const char *name)
{
	for (unsigned i = 0; i < r->devices; i++)
		if (!strcmp(r->device[i].name, name))
			return (int)i;
	return RECORDING_NOBODY;
}

void recording_fini(struct recording *r)
{
	free(r->event);
	free(r->piece);
	free(r->before);
	*r = (struct recording){0};
}

int recording_nobody(const struct recording *r, const char *name, struct err *err)
{
	char known[200] = "";

	for (unsigned i = 0; i < r->devices; i++) {
		const size_t used = strlen(known);

		snprintf(known + used, sizeof(known) - used, "%s'%s'", i ? ", " : "",
			 r->device[i].name);
	}
	return err_set(err, -EINVAL, "--device %s: %s has %s", name, r->name, known);
}
