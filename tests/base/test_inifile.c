/* SPDX-License-Identifier: MIT */
/* INI text: what is read, what is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/inifile.h"
#include "seed.h"

/* What a reading told, one line a call: "3 [a]" or "4 a.key=value". */
struct told {
	char text[8192];
	size_t bytes;
	const char *refuse_key, *refuse_section;
};

static void tell(struct told *t, const char *text)
{
	const size_t bytes = strlen(text);

	assert_true(t->bytes + bytes < sizeof(t->text));
	memcpy(t->text + t->bytes, text, bytes + 1);
	t->bytes += bytes;
}

static int on_section(void *ctx, const char *section, int line, struct err *err)
{
	struct told *t = ctx;
	char text[128];

	snprintf(text, sizeof(text), "%d [%s]\n", line, section);
	tell(t, text);
	if (t->refuse_section && !strcmp(t->refuse_section, section))
		return err_set(err, -ENOENT, "[%s]: no", section);
	return 0;
}

static int on_key(void *ctx, const char *section, const char *key, const char *value, int line,
		  struct err *err)
{
	struct told *t = ctx;
	char text[128];

	snprintf(text, sizeof(text), "%d %s.%s=", line, section, key);
	tell(t, text);
	tell(t, value);
	tell(t, "\n");
	if (t->refuse_key && !strcmp(t->refuse_key, key))
		return err_set(err, -ENOENT, "%s: no", key);
	return 0;
}

static int read_bytes(struct told *t, const char *text, size_t bytes, struct err *err)
{
	const struct inifile_handler handler = {.ctx = t, .section = on_section, .key = on_key};

	err->text[0] = '\0';
	return inifile_read_text("f.ini", text, bytes, &handler, err);
}

static void expect(const char *text, size_t bytes, const char *told)
{
	struct told t = {.text = ""};
	struct err err;

	assert_int_equal(read_bytes(&t, text, bytes, &err), 0);
	assert_string_equal(t.text, told);
	assert_string_equal(err.text, "");
}

static void expect_refused(const char *text, size_t bytes, const char *why)
{
	struct told t = {.text = ""};
	struct err err;

	assert_int_equal(read_bytes(&t, text, bytes, &err), -EINVAL);
	assert_string_equal(err.text, why);
}

/* For literals: NUL bytes inside count. */
#define READS(text, told)  expect(text, sizeof(text) - 1, told)
#define REFUSED(text, why) expect_refused(text, sizeof(text) - 1, why)

static void keys_come_with_section_and_line(void **state)
{
	(void)state;
	READS("top = 0\n\n[a]\nx = 1\n# note\n; note\n\n[b]\nx=2\ny =  3  4 \n",
	      "1 .top=0\n3 [a]\n4 a.x=1\n8 [b]\n9 b.x=2\n10 b.y=3  4\n");
	READS("", "");
	READS("\n\n", "");
	READS("x = caf\xc3\xa9\n", "1 .x=caf\xc3\xa9\n");
	READS("[only]", "1 [only]\n");
	READS("[a] # note\n[b] ; note\n[c]   \n", "1 [a]\n2 [b]\n3 [c]\n");
	READS("[a]\nx =\ny = = 5\nz : 6\n", "1 [a]\n2 a.x=\n3 a.y== 5\n4 a.z=6\n");
	READS("[a]\n  x = 1\n", "1 [a]\n2 a.x=1\n");
	READS("[a]\nx=1\n[b]\nx=1\n[a]\ny=2\n", "1 [a]\n2 a.x=1\n3 [b]\n4 b.x=1\n5 [a]\n6 a.y=2\n");
}

static void indented_lines_continue_the_value(void **state)
{
	(void)state;
	READS("[a]\nx = one\n  two\n\tthree\ny = 4\n", "1 [a]\n2 a.x=one two three\n5 a.y=4\n");
	READS("[a]\nx =\n  two\n", "1 [a]\n2 a.x=two\n");
	READS("[a]\nx = one\n\n  # note\n  two ; note\n", "1 [a]\n2 a.x=one two\n");
	READS("[a]\nx = one\n  [b]\n", "1 [a]\n2 a.x=one [b]\n");
	READS("[a]\nx = one\n  two words: more\n", "1 [a]\n2 a.x=one two words: more\n");
}

static void an_indented_key_is_not_swallowed(void **state)
{
	(void)state;
	REFUSED("[a]\n  x = 1\n  y = 2\n", "f.ini:3: an indented line continues the value above; "
					   "begin a key at the left margin");
	REFUSED("x = 1\n\n  a.b-c_d=2\n", "f.ini:3: an indented line continues the value above; "
					  "begin a key at the left margin");
}

static void comments_inside_values_end_them(void **state)
{
	(void)state;
	READS("x = 1 ; note\ny = 2;3\nz = a # b\n", "1 .x=1\n2 .y=2;3\n3 .z=a # b\n");
}

static void other_line_ends_and_a_byte_order_mark_are_good(void **state)
{
	(void)state;
	READS("[a]\r\nx = 1\r\n  2\r\n", "1 [a]\n2 a.x=1 2\n");
	READS("\xef\xbb\xbf[a]\nx = 1", "1 [a]\n2 a.x=1\n");
	READS("\xef\xbb\xbfx = 1", "1 .x=1\n");
	READS("\xef\xbb\xbf", "");
	READS("x = \xc2\xb5s", "1 .x=\xc2\xb5s\n");
}

static void broken_lines_are_refused_with_file_and_line(void **state)
{
	(void)state;
	REFUSED("[a]\nx 1\n", "f.ini:2: expected 'key = value' or '[section]'");
	REFUSED("[a]\n= 1\n", "f.ini:2: expected 'key = value' or '[section]'");
	REFUSED("[a]\n\nx ; = 1\n", "f.ini:3: expected 'key = value' or '[section]'");
	REFUSED("[a]\nx\t; = 1\n", "f.ini:2: expected 'key = value' or '[section]'");
	REFUSED("[a\nx = 1\n", "f.ini:1: expected ']' at the end of '[section'");
	REFUSED("[a] x = 1\n", "f.ini:1: expected nothing after '[section]'");
	REFUSED("[a]]\n", "f.ini:1: expected nothing after '[section]'");
	REFUSED("[]\n", "f.ini:1: expected a name without blanks around it in '[section]'");
	REFUSED("[ a]\n", "f.ini:1: expected a name without blanks around it in '[section]'");
	REFUSED("[a ]\n", "f.ini:1: expected a name without blanks around it in '[section]'");
	REFUSED("x = 1\n\0", "f.ini:2: NUL byte in text");
	REFUSED("x = 1\0 2\n", "f.ini:1: NUL byte in text");
	REFUSED("x = 1\ry = 2\n", "f.ini:1: control character in text");
	REFUSED("x = \x1b[31m\n", "f.ini:1: control character in text");
	REFUSED("\xff\xfex\0=\0", "f.ini:1: NUL byte in text");
	REFUSED("[a]\nx = caf\xe9\n", "f.ini:2: byte 0xe9 at column 8 is not UTF-8 text");
	REFUSED("# \xc3\n[a]\n", "f.ini:1: byte 0xc3 at column 3 is not UTF-8 text");
}

static void a_key_given_twice_names_both_lines(void **state)
{
	(void)state;
	REFUSED("[a]\nx = 1\nx = 1\n", "f.ini:3: a.x: given twice, first in line 2");
	REFUSED("[a]\nx = 1\n  2\n[b]\nx=1\n[a]\n\nx = 2\n",
		"f.ini:8: a.x: given twice, first in line 2");
	REFUSED("x = 1\nx = 2\n", "f.ini:2: x: given twice, first in line 1");
}

static void first_fault_wins(void **state)
{
	(void)state;
	REFUSED("x\n[a\nx = 1\0\n", "f.ini:1: expected 'key = value' or '[section]'");
}

/* One byte of the limit either way: inih must never be given more than it takes. */
static void lines_up_to_the_limit_are_whole_and_longer_ones_refused(void **state)
{
	char text[400], told[400];

	(void)state;
	for (unsigned bytes = 190; bytes <= 210; bytes++) {
		memset(text, 'v', sizeof(text));
		memcpy(text, "k = ", 4);
		text[bytes] = '\n';
		if (bytes < 200) {
			snprintf(told, sizeof(told), "1 .k=%.*s\n", (int)bytes - 4, text + 4);
			expect(text, bytes + 1, told);
			expect(text, bytes, told);
			text[bytes] = '\r';
			text[bytes + 1] = '\n';
			expect(text, bytes + 2, told);
			continue;
		}
		expect_refused(
			text, bytes + 1,
			"f.ini:1: line longer than 199 bytes: continue it on an indented line");
	}
}

static void names_up_to_the_limit_are_whole_and_longer_ones_refused(void **state)
{
	char name[64], text[400], told[400];

	(void)state;
	for (int bytes = 45; bytes <= 55; bytes++) {
		memset(name, 'n', sizeof(name));
		snprintf(text, sizeof(text), "%.*s = 1\n  2\n", bytes, name);
		snprintf(told, sizeof(told), "1 .%.*s=1 2\n", bytes, name);
		if (bytes < 50)
			expect(text, strlen(text), told);
		else
			expect_refused(text, strlen(text), "f.ini:1: key longer than 49 bytes");
		snprintf(text, sizeof(text), "[%.*s]\nx = 1\n", bytes, name);
		snprintf(told, sizeof(told), "1 [%.*s]\n2 %.*s.x=1\n", bytes, name, bytes, name);
		if (bytes < 50)
			expect(text, strlen(text), told);
		else
			expect_refused(text, strlen(text),
				       "f.ini:1: section name longer than 49 bytes");
	}
}

static void long_values_survive_continuation_whole(void **state)
{
	char text[8192] = "x = 0", told[8192] = "1 .x=0";

	(void)state;
	for (unsigned i = 1; i < 300; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\n  word%u", i);
		snprintf(told + strlen(told), sizeof(told) - strlen(told), " word%u", i);
	}
	strcat(told, "\n");
	expect(text, strlen(text), told);
}

static void callbacks_may_refuse_and_the_place_is_put_in_front(void **state)
{
	static const char text[] = "[a]\nx = 1\n  2\n\ny = 3\n[b]\nz = 1\n";
	struct told t = {.refuse_key = "x"}, u = {.refuse_section = "b"}, v = {.refuse_key = "z"};
	struct err err;

	(void)state;
	assert_int_equal(read_bytes(&t, text, sizeof(text) - 1, &err), -ENOENT);
	assert_string_equal(err.text, "f.ini:2: x: no");
	assert_string_equal(t.text, "1 [a]\n2 a.x=1 2\n");
	assert_int_equal(read_bytes(&u, text, sizeof(text) - 1, &err), -ENOENT);
	assert_string_equal(err.text, "f.ini:6: [b]: no");
	assert_string_equal(u.text, "1 [a]\n2 a.x=1 2\n5 a.y=3\n6 [b]\n");
	assert_int_equal(read_bytes(&v, text, sizeof(text) - 1, &err), -ENOENT);
	assert_string_equal(err.text, "f.ini:7: z: no");
}

static void err_and_section_callback_are_optional(void **state)
{
	struct told t = {.text = ""};
	const struct inifile_handler handler = {.ctx = &t, .key = on_key};

	(void)state;
	assert_int_equal(inifile_read_text("f", "[a]\nx=1", 7, &handler, NULL), 0);
	assert_string_equal(t.text, "2 a.x=1\n");
	assert_int_equal(inifile_read_text("f", "x", 1, &handler, NULL), -EINVAL);
}

static void files_that_cannot_be_read_are_named(void **state)
{
	const struct inifile_handler handler = {.key = on_key};
	char path[] = "/tmp/iotoll-inifile-XXXXXX", *blanks;
	char expected[160];
	struct err err;
	FILE *file;
	int fd;

	(void)state;
	assert_int_equal(inifile_read("/nonexistent/x.ini", &handler, &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent/x.ini: No such file or directory");
	assert_int_equal(inifile_read("/", &handler, &err), -EISDIR);
	assert_string_equal(err.text, "/: Is a directory");

	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	blanks = test_calloc(1, INIFILE_MAX_BYTES + 1);
	memset(blanks, '\n', INIFILE_MAX_BYTES + 1);
	assert_int_equal(fwrite(blanks, 1, INIFILE_MAX_BYTES, file), INIFILE_MAX_BYTES);
	fflush(file);
	assert_int_equal(inifile_read(path, &handler, &err), 0);
	fputc('\n', file);
	fclose(file);
	assert_int_equal(inifile_read(path, &handler, &err), -EFBIG);
	snprintf(expected, sizeof(expected), "%s: %s", path, strerror(EFBIG));
	assert_string_equal(err.text, expected);
	test_free(blanks);
	unlink(path);
}

/* Random text out of the letters that matter: read or refused with a place, nothing else. */
static void any_text_is_read_or_refused_with_a_line(void **state)
{
	static const char letters[] = "ab=:[];#\n\n\r\t  \x01\xef\xbb\xbf.x\0";
	struct rng rng;
	struct err err;
	char text[256];

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 50000; i++) {
		const size_t bytes = rng_below(&rng, sizeof(text));
		struct told t;
		int rc;

		t.bytes = 0;
		t.refuse_key = t.refuse_section = NULL;
		for (size_t c = 0; c < bytes; c++)
			text[c] = letters[rng_below(&rng, sizeof(letters) - 1)];
		rc = read_bytes(&t, text, bytes, &err);
		assert_true(rc == 0 || (rc == -EINVAL && !strncmp(err.text, "f.ini:", 6)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_with_section_and_line),
		cmocka_unit_test(indented_lines_continue_the_value),
		cmocka_unit_test(an_indented_key_is_not_swallowed),
		cmocka_unit_test(comments_inside_values_end_them),
		cmocka_unit_test(other_line_ends_and_a_byte_order_mark_are_good),
		cmocka_unit_test(broken_lines_are_refused_with_file_and_line),
		cmocka_unit_test(a_key_given_twice_names_both_lines),
		cmocka_unit_test(first_fault_wins),
		cmocka_unit_test(lines_up_to_the_limit_are_whole_and_longer_ones_refused),
		cmocka_unit_test(names_up_to_the_limit_are_whole_and_longer_ones_refused),
		cmocka_unit_test(long_values_survive_continuation_whole),
		cmocka_unit_test(callbacks_may_refuse_and_the_place_is_put_in_front),
		cmocka_unit_test(err_and_section_callback_are_optional),
		cmocka_unit_test(files_that_cannot_be_read_are_named),
		cmocka_unit_test(any_text_is_read_or_refused_with_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
