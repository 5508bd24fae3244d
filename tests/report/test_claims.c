/* SPDX-License-Identifier: MIT */
/* Claims with figures as text, Markdown and CSV: all three say what the JSON says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "report/claims.h"

static const char sample[] =
	"{'title': 'Evidence', 'summary': 'What it is.', 'claims': ["
	"{'id': '1.1', 'group': 'Cycles', 'text': 'A | B', 'source': 's', 'rule': 'r',"
	" 'measured': 'a 3', 'verdict': 'holds', 'note': '', 'published': 'a 4', 'why': '',"
	" 'ends': {'low': 'holds', 'high': 'does not hold', 'seed2': 'holds', 'seed3': 'holds'}, "
	"'figures': ["
	"  {'what': 'a', 'value': 3.5, 'unit': 'cycles', 'published': 4, 'field': 'x / y',"
	"   'judged': true, 'command': ['iotoll', 'run', 'stream', '--set', 'a=b c']},"
	"  {'what': 'b', 'value': null, 'unit': 'times', 'published': null, 'field': 'x',"
	"   'judged': false, 'command': ['iotoll', 'run', 'p'], 'by': ['iotoll', 'run', 'q']}]},"
	"{'id': '1.2', 'group': 'Cycles', 'text': 'C', 'source': 's', 'rule': 'r',"
	" 'measured': '', 'verdict': 'does not hold', 'note': 'n_1', 'published': 'p',"
	" 'why': 'Because.', 'figures': []},"
	"{'id': '2.1', 'group': 'Locks', 'text': 'D', 'source': 's', 'rule': 'r',"
	" 'measured': '', 'verdict': 'not tested', 'note': '', 'published': 'p',"
	" 'why': 'Not there.'}]}";

typedef int (*writer)(FILE *out, const json_t *study, struct err *err);

static char *written(writer write)
{
	json_t *study = json_of(sample);
	struct err err = {""};
	struct capture c;

	capture_open(&c);
	assert_int_equal(write(c.out, study, &err), 0);
	json_decref(study);
	return (char *)(uintptr_t)capture_close(&c);
}

static int as_text(FILE *out, const json_t *study, struct err *err)
{
	(void)err;
	return claims_text(out, study, 100);
}

static void has(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("there is no \"%s\" in:\n%s", words, text ? text : "nothing");
}

static void the_document_has_what_fails_before_the_table_of_all(void **state)
{
	char *text = written(report_claims_markdown);

	(void)state;
	has(text, "3 claims: 1 hold, 1 do not hold, 1 were not tested, 0 are reported");
	has(text, "## What does not hold\n\n- **1.2** C. Because.");
	has(text, "## What was not tested\n\n- **2.1** D. Not there.");
	assert_true(strstr(text, "does not hold\n\n- **1.2**") < strstr(text, "## All of them"));
	assert_true(strstr(text, "## All of them") < strstr(text, "## Cycles"));
	assert_true(strstr(text, "### 1.2 C") < strstr(text, "## Locks"));
	free(text);
}

static void the_document_has_every_figure_with_its_command(void **state)
{
	char *text = written(report_claims_markdown);

	(void)state;
	has(text, "### 1.1 A \\| B\n");
	has(text, "| 1.1 | A \\| B | a 4 | a 3 | holds \\* |\n");
	has(text, "0 of those that hold do so with estimates at both ends");
	has(text, "| a | 4 | 3.5 cycles | `x / y` | `iotoll run stream --set 'a=b c'` |\n");
	has(text,
	    "| b (aside) |  |  times | `x` | `iotoll run p`<br>divided by `iotoll run q` |\n");
	has(text,
	    "estimates at their low ends: holds, at their high ends: does not hold; two other "
	    "seeds: holds, holds");
	has(text, "\nn\\_1\n");
	free(text);
}

static void the_text_has_them_as_well(void **state)
{
	char *text = written(as_text);

	(void)state;
	has(text, "a: 3.5 cycles, published 4: iotoll run stream --set 'a=b c'");
	has(text, "by iotoll run q");
	has(text, "why: Because.");
	has(text, "estimates at their low ends: holds; at their high ends: does not hold;");
	has(text, "seeds: holds, holds");
	has(text, "claims: holds 1, does not hold 1, not tested 1, reported 0\n");
	free(text);
}

static void csv_has_a_line_a_figure_and_one_for_a_claim_without(void **state)
{
	char *text = written(report_claim_figures_csv);
	size_t lines = 0;

	(void)state;
	for (const char *s = text; (s = strchr(s, '\n')); s++)
		lines++;
	assert_int_equal(lines, 1 + 2 + 1 + 1);
	has(text, "1.1,holds,a,3.5,cycles,4,x / y,iotoll run stream --set 'a=b c',\r\n");
	has(text, "1.1,holds,b,,times,,x,iotoll run p,iotoll run q\r\n");
	has(text, "2.1,not tested,,,,,,,\r\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_has_what_fails_before_the_table_of_all),
		cmocka_unit_test(the_document_has_every_figure_with_its_command),
		cmocka_unit_test(the_text_has_them_as_well),
		cmocka_unit_test(csv_has_a_line_a_figure_and_one_for_a_claim_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
