/* SPDX-License-Identifier: MIT */
/*
 * The symbol table of an ELF64 file. In it the symbols that are local to a file follow one of type
 * STT_FILE that has its name.
 */
#include "ledger_symbols.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct symbol {
	uint64_t address;
	const char *file;
	char *name;
};

/* Hooks have nobody to hand them a context. */
static struct {
	struct symbol *symbol;
	size_t count;
	uint64_t base; /* where the program was loaded */
	void *map;
	size_t bytes;
} table;

static int by_address(const void *a, const void *b)
{
	const uint64_t x = ((const struct symbol *)a)->address;
	const uint64_t y = ((const struct symbol *)b)->address;

	return (x > y) - (x < y);
}

/* The first object is the program itself. */
static int take_base(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size, (void)ctx;
	table.base = info->dlpi_addr;
	return 1;
}

static int map_self(void)
{
	const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	if (!rc) {
		table.bytes = (size_t)st.st_size;
		table.map = mmap(NULL, table.bytes, PROT_READ, MAP_PRIVATE, fd, 0);
		if (table.map == MAP_FAILED) {
			rc = -errno;
			table.map = NULL;
		}
	}
	close(fd);
	return rc;
}

static int collect(const Elf64_Sym *symbol, size_t count, const char *strings)
{
	const char *file = "";

	table.symbol = calloc(count ? count : 1, sizeof(*table.symbol));
	if (!table.symbol)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const char *name = strings + symbol[i].st_name;
		const bool local = ELF64_ST_BIND(symbol[i].st_info) == STB_LOCAL;
		struct symbol *to = &table.symbol[table.count];

		if (ELF64_ST_TYPE(symbol[i].st_info) == STT_FILE)
			file = name;
		if (ELF64_ST_TYPE(symbol[i].st_info) != STT_FUNC || !symbol[i].st_value)
			continue;
		to->address = symbol[i].st_value;
		to->file = local ? file : "";
		to->name = strndup(name, strcspn(name, "."));
		if (!to->name)
			return -ENOMEM;
		table.count++;
	}
	qsort(table.symbol, table.count, sizeof(*table.symbol), by_address);
	return 0;
}

int symbols_load(void)
{
	const Elf64_Ehdr *header;
	const Elf64_Shdr *section;
	int rc = map_self();

	if (rc)
		return rc;
	dl_iterate_phdr(take_base, NULL);
	header = table.map;
	section = (const void *)((const char *)table.map + header->e_shoff);
	for (unsigned i = 0; i < header->e_shnum; i++)
		if (section[i].sh_type == SHT_SYMTAB)
			return collect(
				(const void *)((const char *)table.map + section[i].sh_offset),
				section[i].sh_size / sizeof(Elf64_Sym),
				(const char *)table.map + section[section[i].sh_link].sh_offset);
	return -ENOENT;
}

void symbols_free(void)
{
	for (size_t i = 0; i < table.count; i++)
		free(table.symbol[i].name);
	free(table.symbol);
	if (table.map)
		munmap(table.map, table.bytes);
	memset(&table, 0, sizeof(table));
}

const char *symbols_name(const void *address, const char **file)
{
	const struct symbol key = {.address = (uint64_t)(uintptr_t)address - table.base};
	const struct symbol *found = NULL;

	if (table.count)
		found = bsearch(&key, table.symbol, table.count, sizeof(key), by_address);
	*file = found ? found->file : "";
	return found ? found->name : NULL;
}
