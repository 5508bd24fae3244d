/* SPDX-License-Identifier: MIT */
/*
 * Finding and loading the lwIP module: dlmopen(3) into a new namespace, whose search order is the
 * shim, liblwip, libc. Each namespace takes its C library's share of static thread-local storage,
 * which is why a process has room for about fifteen.
 */
#include "guest/lwip_module.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE_FILE "iotoll-lwip.so"

struct lwip_module {
	void *handle;
	struct lwip_functions fn;
};

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

int lwip_module_open(struct lwip_module **out, const struct lwip_shim_host *host, struct err *err)
{
	struct lwip_module *m = calloc(1, sizeof(*m));
	lwip_attach_fn *attach = NULL;
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
	rc = bind_one(m, "iotoll_lwip_attach", &attach, err);
	if (!rc)
		rc = bind_all(m, err);
	if (rc)
		goto close_handle;
	attach(host);
	m->fn.lwip_init();
	*out = m;
	return 0;

close_handle:
	dlclose(m->handle);
free_module:
	free(m);
	return rc;
}

void lwip_module_close(struct lwip_module *m)
{
	if (!m)
		return;
	dlclose(m->handle);
	free(m);
}

const struct lwip_functions *lwip_module_functions(const struct lwip_module *m)
{
	return &m->fn;
}
