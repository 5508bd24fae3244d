// SPDX-License-Identifier: MIT
/*
 * The command line that repeats a run, quoted after POSIX Shell Command Language section 2.2.2.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/flat.h"
#include "report/number.h"
#include "report/run_text.h"

static void argument(FILE *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-/=:,+@%";

	if (*text && !text[strspn(text, plain)]) {
		fputs(text, out);
		return;
	}
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	}
	fputc('\'', out);
}

static int given(FILE *out, const json_t *arguments)
{
	for (size_t i = 0; i < json_array_size(arguments); i++) {
		char *text = flat_text(json_array_get(arguments, i));

		if (i)
			fputc(' ', out);
		if (!text)
			return -ENOMEM;
		argument(out, text);
		free(text);
	}
	return 0;
}

static int setting(void *ctx, const char *key, const json_t *leaf)
{
	FILE *out = ctx;
	char *text = flat_text(leaf), *pair = NULL;
	int ret = -ENOMEM;

	if (text && asprintf(&pair, "%s=%s", key, text) >= 0) {
		fputs(" --set ", out);
		argument(out, pair);
		free(pair);
		ret = 0;
	}
	free(text);
	return ret;
}

static int composed(FILE *out, const json_t *run)
{
	const json_t *settings = json_object_get(run, "settings");

	fputs("iotoll run ", out);
	argument(out, text_member(run, "scenario"));
	return json_object_size(settings) ? flat_each(settings, "", setting, out) : 0;
}

char *run_command(const json_t *run)
{
	const json_t *command = json_object_get(run, "command");
	char *text = NULL;
	size_t bytes;
	FILE *out;
	int ret = 0;

	if (json_is_string(command))
		return strdup(json_string_value(command));
	out = open_memstream(&text, &bytes);
	if (!out)
		return NULL;
	if (json_array_size(command))
		ret = given(out, command);
	else
		ret = composed(out, run);
	if (fclose(out) != 0 || ret) {
		free(text);
		return NULL;
	}
	return text;
}
