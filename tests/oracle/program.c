// SPDX-License-Identifier: MIT
/*
 * See program.h.
 */
#include "program.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *word;
	unsigned args;
} shape[OP_KINDS] = {
	[OP_POKE] = {"poke", 2},     [OP_REG32] = {"reg32", 2},     [OP_REG64] = {"reg64", 2},
	[OP_ENABLE] = {"enable", 1}, [OP_ROOT] = {"root", 0},       [OP_QUEUE] = {"queue", 1},
	[OP_DESC] = {"desc", 2},     [OP_RECOVER] = {"recover", 0}, [OP_ACK] = {"ack", 0},
	[OP_STORE] = {"store", 4},   [OP_LOAD] = {"load", 4},
};

int program_add(struct program *p, struct op op)
{
	if (p->ops == p->size) {
		size_t size = p->size ? 2 * p->size : 256;
		struct op *grown = realloc(p->op, size * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		p->op = grown;
		p->size = size;
	}
	p->op[p->ops++] = op;
	return 0;
}

unsigned op_args(enum op_kind kind)
{
	return shape[kind].args;
}

void op_print(const struct op *op, char *text, size_t bytes)
{
	int n = snprintf(text, bytes, "%s", shape[op->kind].word);

	for (unsigned i = 0; i < shape[op->kind].args && n >= 0 && (size_t)n < bytes; i++)
		n += snprintf(text + n, bytes - (size_t)n,
			      op->arg[i] < 10 ? " %" PRIu64 : " 0x%" PRIx64, op->arg[i]);
}

void program_print(const struct program *p, FILE *to)
{
	char text[160];

	for (size_t i = 0; i < p->ops; i++) {
		op_print(&p->op[i], text, sizeof(text));
		fprintf(to, "%s\n", text);
	}
}

/* One line without comment; 1 if it holds an operation, 0 if it is empty, -EINVAL. */
static int parse_line(char *line, struct op *op)
{
	char *rest, *word = strtok_r(line, " \t\r\n", &rest);
	unsigned kind = 0;

	if (word == NULL)
		return 0;
	while (kind < OP_KINDS && strcmp(shape[kind].word, word) != 0)
		kind++;
	if (kind == OP_KINDS)
		return -EINVAL;
	*op = (struct op){.kind = (enum op_kind)kind};
	for (unsigned i = 0; i < shape[kind].args; i++) {
		char *end;

		word = strtok_r(NULL, " \t\r\n", &rest);
		if (word == NULL || *word < '0' || *word > '9')
			return -EINVAL;
		errno = 0;
		op->arg[i] = strtoull(word, &end, 0);
		if (errno != 0 || *end != '\0')
			return -EINVAL;
	}
	return strtok_r(NULL, " \t\r\n", &rest) == NULL ? 1 : -EINVAL;
}

int program_parse(struct program *p, FILE *from, const char *name, struct err *err)
{
	char line[256];

	for (unsigned number = 1; fgets(line, sizeof(line), from) != NULL; number++) {
		struct op op;
		int ret;

		if (strchr(line, '\n') == NULL && !feof(from))
			return err_set(err, -EINVAL, "%s:%u: the line is too long", name, number);
		line[strcspn(line, "#")] = '\0';
		ret = parse_line(line, &op);
		if (ret < 0)
			return err_set(err, ret,
				       "%s:%u: expected an operation and its numbers, such as "
				       "'poke 0x1000 3'",
				       name, number);
		if (ret > 0 && program_add(p, op) != 0)
			return err_set(err, -ENOMEM, "no memory for a program");
	}
	return 0;
}

void program_free(struct program *p)
{
	free(p->op);
	*p = (struct program){0};
}
