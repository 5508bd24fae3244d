/* SPDX-License-Identifier: MIT */
/* Finding tracepoints and functions: see points.h. */
#include "trace/points.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Those that fields_*.c reads. "dma:" has names of two generations: pages until a driver's physical
 * addresses took their place, each kernel has one of them.
 */
static const struct point known[] = {
	{"iommu", "map"},
	{"iommu", "unmap"},
	{"iommu", "io_page_fault"},
	{"intel_iommu", "qi_submit"},
	{"dma", "dma_map_page"},
	{"dma", "dma_map_phys"},
	{"dma", "dma_map_resource"},
	{"dma", "dma_unmap_page"},
	{"dma", "dma_unmap_phys"},
	{"dma", "dma_unmap_resource"},
	{"dma", "dma_map_sg"},
	{"dma", "dma_map_sg_err"},
	{"dma", "dma_unmap_sg"},
	{"dma", "dma_alloc"},
	{"dma", "dma_alloc_pages"},
	{"dma", "dma_alloc_sgt"},
	{"dma", "dma_alloc_sgt_err"},
	{"dma", "dma_free"},
	{"dma", "dma_free_pages"},
	{"dma", "dma_free_sgt"},
	{"dma", "dma_sync_single_for_cpu"},
	{"dma", "dma_sync_single_for_device"},
	{"dma", "dma_sync_sg_for_cpu"},
	{"dma", "dma_sync_sg_for_device"},
};

#define KNOWN   (sizeof(known) / sizeof(known[0]))
#define DEFAULT 3 /* the first ones */

_Static_assert(KNOWN <= POINTS_MAX, "all of them find room");

#define DEV_X86 "dev=+0(+0(%di)):string"
#define DEV_ANY "dev=+0(+0($arg1)):string"

static const struct point_probe probes[] = {
	{"map_page", "iommu_dma_map_page", DEV_X86 " off=%dx:u32 size=%cx:u64 dir=%r8:u32",
	 DEV_ANY " off=$arg3:u32 size=$arg4:u64 dir=$arg5:u32", false, true},
	{"map_page_ret", "iommu_dma_map_page", "iova=$retval:x64", "iova=$retval:x64", true, true},
	{"unmap_page", "iommu_dma_unmap_page", DEV_X86 " iova=%si:x64 size=%dx:u64 dir=%cx:u32",
	 DEV_ANY " iova=$arg2:x64 size=$arg3:u64 dir=$arg4:u32", false, true},
	{"map_sg", "iommu_dma_map_sg", DEV_X86 " nents=%dx:u32 dir=%cx:u32",
	 DEV_ANY " nents=$arg3:u32 dir=$arg4:u32", false, true},
	{"map_sg_ret", "iommu_dma_map_sg", "nents=$retval:s32", "nents=$retval:s32", true, true},
	{"unmap_sg", "iommu_dma_unmap_sg", DEV_X86 " nents=%dx:u32 dir=%cx:u32",
	 DEV_ANY " nents=$arg3:u32 dir=$arg4:u32", false, true},
	{"alloc", "iommu_dma_alloc", DEV_X86 " size=%si:u64", DEV_ANY " size=$arg2:u64", false,
	 true},
	{"alloc_ret", "iommu_dma_alloc", "cpu=$retval:x64", "cpu=$retval:x64", true, true},
	{"free", "iommu_dma_free", DEV_X86 " size=%si:u64 iova=%cx:x64",
	 DEV_ANY " size=$arg2:u64 iova=$arg4:x64", false, true},
	{"iova_slow", "alloc_iova", "pages=%si:u64 limit_pfn=%dx:x64",
	 "pages=$arg2:u64 limit_pfn=$arg3:x64", false, false},
	{"fq_flush_timeout", "fq_flush_timeout", "", "", false, false},
	{"fq_flush_iotlb", "fq_flush_iotlb", "", "", false, false},
};

#define PROBES (sizeof(probes) / sizeof(probes[0]))

_Static_assert(PROBES <= POINTS_MAX, "all of them find room");

const char *points_fetch(const struct point_probe *probe)
{
#ifdef __x86_64__
	return probe->fetch;
#else
	return probe->fetch_any;
#endif
}

static int dir_there(const char *dir, const char *below)
{
	char path[PATH_MAX];
	struct stat st;
	const int n = snprintf(path, sizeof(path), "%s/%s", dir, below);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* Where tracefs is: @dir if given. An empty mount point is as good as none. */
static int find_dir(struct points *p, const char *dir, struct err *err)
{
	static const char *const usual[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	int rc = -ENOENT;

	for (size_t i = 0; i < (dir ? 1 : sizeof(usual) / sizeof(usual[0])); i++) {
		if (dir && strlen(dir) >= sizeof(p->dir))
			return err_set(err, -ENAMETOOLONG, "%.80s...: the path is too long", dir);
		snprintf(p->dir, sizeof(p->dir), "%s", dir ? dir : usual[i]);
		rc = dir_there(p->dir, "events");
		if (!rc || rc == -EACCES || rc == -EPERM)
			break;
	}
	if (rc == -EACCES || rc == -EPERM)
		return err_set(err, -EACCES,
			       "%s: may not be read: expected to be root, or a group that it is "
			       "mounted for (mount -o remount,gid=GROUP %s)",
			       p->dir, p->dir);
	if (rc)
		return err_set(err, -ENOENT,
			       "%s: no tracefs there: expected it mounted (as root: mount -t "
			       "tracefs nodev /sys/kernel/tracing), in a kernel with "
			       "CONFIG_TRACING",
			       dir ? dir : usual[0]);
	return 0;
}

static int find_events(struct points *p, struct err *err)
{
	char path[PATH_MAX];

	/* The folder itself may be looked through by root alone. */
	snprintf(path, sizeof(path), "%s/events", p->dir);
	if (access(path, R_OK | X_OK))
		return err_set(err, -EACCES,
			       "%s: may not be read: expected to be root, or a group that tracefs "
			       "is mounted for (mount -o remount,gid=GROUP %s)",
			       path, p->dir);
	for (size_t i = 0; i < KNOWN; i++) {
		snprintf(path, sizeof(path), "events/%s/%s", known[i].system, known[i].event);
		if (!dir_there(p->dir, path))
			p->event[p->events++] = &known[i];
	}
	return 0;
}

/* A line of available_filter_functions: "name", or "name [module]". */
static bool names_function(const char *line, const char *function)
{
	const size_t n = strlen(function);

	return !strncmp(line, function, n) && (line[n] == '\n' || line[n] == ' ' || !line[n]);
}

static void find_functions(struct points *p, FILE *list, bool has_api)
{
	bool there[PROBES] = {false};
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, list) > 0)
		for (size_t i = 0; i < PROBES; i++)
			there[i] |= names_function(line, probes[i].function);
	free(line);
	for (size_t i = 0; i < PROBES; i++)
		if (there[i] && !(probes[i].api && has_api))
			p->probe[p->probes++] = &probes[i];
	if (!p->probes)
		snprintf(p->no_probes, sizeof(p->no_probes),
			 "none of the functions is in this kernel, or tracepoints serve instead");
}

static void find_probes(struct points *p)
{
	bool has_api = false;
	char path[PATH_MAX];
	FILE *list;

	for (unsigned i = 0; i < p->events; i++)
		has_api |= !strcmp(p->event[i]->system, "dma");
	snprintf(path, sizeof(path), "%s/kprobe_events", p->dir);
	if (access(path, F_OK)) {
		snprintf(p->no_probes, sizeof(p->no_probes),
			 "this kernel has no probes (CONFIG_KPROBE_EVENTS)");
		return;
	}
	if (access(path, W_OK)) {
		snprintf(p->no_probes, sizeof(p->no_probes), "kprobe_events may not be written: %s",
			 strerror(errno));
		return;
	}
	snprintf(path, sizeof(path), "%s/available_filter_functions", p->dir);
	list = fopen(path, "re");
	if (!list) {
		snprintf(p->no_probes, sizeof(p->no_probes),
			 "available_filter_functions cannot be read: %s", strerror(errno));
		return;
	}
	find_functions(p, list, has_api);
	fclose(list);
}

int points_find(struct points *out, const char *dir, bool want_probes, struct err *err)
{
	int rc;

	*out = (struct points){.read = true};
	rc = find_dir(out, dir, err);
	if (!rc)
		rc = find_events(out, err);
	if (rc)
		return rc;
	if (want_probes)
		find_probes(out);
	else
		snprintf(out->no_probes, sizeof(out->no_probes), "they were not wanted");
	if (!out->events && !out->probes)
		return err_set(err, -ENOENT,
			       "%s: nothing of iommu:, intel_iommu: or dma: in this kernel, and no "
			       "probes (%s): expected CONFIG_IOMMU_API or Linux 6.12",
			       out->dir, out->no_probes);
	return 0;
}

void points_default(struct points *out, const char *why)
{
	*out = (struct points){.dir = "/sys/kernel/tracing"};
	snprintf(out->why, sizeof(out->why), "%s", why);
	snprintf(out->no_probes, sizeof(out->no_probes), "the kernel was not asked");
	while (out->events < DEFAULT) {
		out->event[out->events] = &known[out->events];
		out->events++;
	}
}
