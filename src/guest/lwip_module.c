/* SPDX-License-Identifier: MIT */
/*
 * Finding and loading the lwIP module: dlmopen(3) into a new namespace, whose search order is the
 * shim, liblwip, libc. Each namespace takes its C library's share of static thread-local storage,
 * of which a process has enough for about fifteen, and glibc gives that share back only if
 * namespaces are closed in reverse order. So a copy that is no longer needed is not unloaded but
 * kept, and before it is used again lwIP's variables are put back to what they were when it was
 * loaded.
 */
#include "guest/lwip_module.h"

#include "guest/lwip_files.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE_FILE "iotoll-lwip.so"

struct lwip_module {
	struct lwip_module *next; /* idle */
	void *handle;
	lwip_attach_fn *attach;
	struct lwip_functions fn;
	/* lwIP's variables, and what they were before anything ran */
	void *data;
	void *pristine;
	size_t data_bytes;
};

/*
 * Copies loaded and not in use. Linker namespaces belong to the process, and so must this list; no
 * run can tell whether it got a fresh copy or one from here.
 */
static struct {
	pthread_mutex_t lock;
	struct lwip_module *first;
} idle = {PTHREAD_MUTEX_INITIALIZER, NULL};

/* Where the module may be, seen from the directory of the running program. */
static const char *const places[] = {
	"%s/" MODULE_FILE,
	"%s/../lib/iotoll/" MODULE_FILE,
	"%s/src/guest/" MODULE_FILE,
	"%s/../src/guest/" MODULE_FILE,
	"%s/../../src/guest/" MODULE_FILE,
};

static int locate(char *path, size_t bytes, struct err *err)
{
	const char *named = getenv("IOTOLL_LWIP_MODULE");
	char self[PATH_MAX];
	ssize_t n;

	if (named && *named) {
		if (access(named, R_OK))
			return err_set(err, -ENOENT, "IOTOLL_LWIP_MODULE=%s: %s", named,
				       strerror(errno));
		snprintf(path, bytes, "%s", named);
		return 0;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return err_set(err, -ENOENT, "/proc/self/exe: %s", strerror(errno));
	self[n] = '\0';
	if (strrchr(self, '/'))
		*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		const int length = snprintf(path, bytes, places[i], self);
#pragma GCC diagnostic pop

		if (length > 0 && (size_t)length < bytes && !access(path, R_OK))
			return 0;
	}
	return err_set(err, -ENOENT,
		       "%s is not beside the program in %s, in ../lib/iotoll or in ../src/guest; "
		       "set IOTOLL_LWIP_MODULE to its path",
		       MODULE_FILE, self);
}

static int bind_one(struct lwip_module *m, const char *name, void *slot, struct err *err)
{
	void *symbol = dlsym(m->handle, name);

	if (!symbol)
		return err_set(err, -ELIBACC, "%s has no %s: %s", MODULE_FILE, name, dlerror());
	memcpy(slot, &symbol, sizeof(symbol));
	return 0;
}

static int bind_all(struct lwip_module *m, struct err *err)
{
	int rc;

#define BIND(name)                                 \
	rc = bind_one(m, #name, &m->fn.name, err); \
	if (rc)                                    \
		return rc;
	LWIP_FUNCTIONS(BIND)
#undef BIND
	return bind_one(m, "lwip_standard_chksum", &m->fn.standard_chksum, err);
}

/* ---- lwIP's variables ---- */

/* The range of @map's writable segment that stays writable after relocation. */
static int find_data(const struct link_map *map, void **data, size_t *bytes)
{
	const uint8_t *base = (const uint8_t *)map->l_addr;
	const ElfW(Ehdr) *eh = (const ElfW(Ehdr) *)base;
	const ElfW(Phdr) *ph = (const ElfW(Phdr) *)(base + eh->e_phoff);
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t from = 0, to = 0, sealed = 0;

	if (memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_W)) {
			from = ph[i].p_vaddr;
			to = from + ph[i].p_memsz;
		} else if (ph[i].p_type == PT_GNU_RELRO) {
			sealed = (ph[i].p_vaddr + ph[i].p_memsz) / page * page;
		}
	}
	if (from < sealed)
		from = sealed;
	if (from >= to)
		return -ENOEXEC;
	*data = (void *)(map->l_addr + from);
	*bytes = to - from;
	return 0;
}

/* Remember what lwIP's variables are now. */
static int keep_pristine(struct lwip_module *m, struct err *err)
{
	struct link_map *map = NULL;

	if (!dlinfo(m->handle, RTLD_DI_LINKMAP, &map)) {
		while (map && !strstr(map->l_name, "/liblwip.so"))
			map = map->l_next;
	}
	if (!map || find_data(map, &m->data, &m->data_bytes))
		return err_set(err, -ELIBACC, "%s: liblwip's variables are not where expected",
			       MODULE_FILE);
	m->pristine = malloc(m->data_bytes);
	if (!m->pristine)
		return err_set(err, -ENOMEM, "no memory for the TCP stack");
	memcpy(m->pristine, m->data, m->data_bytes);
	return 0;
}

int lwip_module_files(void (*fn)(void *ctx, const char *path), void *ctx, struct err *err)
{
	struct link_map *map = NULL;
	char path[PATH_MAX];
	void *handle;
	int rc = locate(path, sizeof(path), err);

	if (rc)
		return rc;
	handle = dlmopen(LM_ID_NEWLM, path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return err_set(err, -ELIBACC, "%s: %s", path, dlerror());
	fn(ctx, path);
	dlinfo(handle, RTLD_DI_LINKMAP, &map);
	for (; map; map = map->l_next)
		if (strstr(map->l_name, "/liblwip.so"))
			fn(ctx, map->l_name);
	dlclose(handle);
	return 0;
}

/* ---- copies ---- */

static int load(struct lwip_module **out, struct err *err)
{
	struct lwip_module *m = calloc(1, sizeof(*m));
	char path[PATH_MAX];
	int rc;

	if (!m)
		return err_set(err, -ENOMEM, "no memory for the TCP stack");
	rc = locate(path, sizeof(path), err);
	if (rc)
		goto free_module;
	m->handle = dlmopen(LM_ID_NEWLM, path, RTLD_NOW | RTLD_LOCAL);
	if (!m->handle) {
		rc = err_set(err, -ELIBACC, "cannot load the TCP stack: %s", dlerror());
		goto free_module;
	}
	rc = bind_one(m, "iotoll_lwip_attach", &m->attach, err);
	if (!rc)
		rc = bind_all(m, err);
	if (!rc)
		rc = keep_pristine(m, err);
	if (rc)
		goto close_handle;
	*out = m;
	return 0;

close_handle:
	dlclose(m->handle);
	free(m->pristine);
free_module:
	free(m);
	return rc;
}

static struct lwip_module *take_idle(void)
{
	struct lwip_module *m;

	pthread_mutex_lock(&idle.lock);
	m = idle.first;
	if (m)
		idle.first = m->next;
	pthread_mutex_unlock(&idle.lock);
	return m;
}

int lwip_module_open(struct lwip_module **out, const struct lwip_shim_host *host, struct err *err)
{
	struct lwip_module *m = take_idle();

	if (m) {
		memcpy(m->data, m->pristine, m->data_bytes);
	} else {
		const int rc = load(&m, err);

		if (rc)
			return rc;
	}
	*out = m;
	m->attach(host);
	m->fn.lwip_init();
	return 0;
}

void lwip_module_close(struct lwip_module *m)
{
	if (!m)
		return;
	m->attach(NULL);
	pthread_mutex_lock(&idle.lock);
	m->next = idle.first;
	idle.first = m;
	pthread_mutex_unlock(&idle.lock);
}

const struct lwip_functions *lwip_module_functions(const struct lwip_module *m)
{
	return &m->fn;
}
