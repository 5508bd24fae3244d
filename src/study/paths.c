/* SPDX-License-Identifier: MIT */
/* Finding profiles, scenarios and traces. */
#include "study/paths.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"

#define MAX_NAMES 256

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Put the existing FOLDER's path into @to. */
static int find_folder(const char *folder, char *to, size_t bytes, struct err *err)
{
	const char *env = getenv("IOTOLL_DATA");
	char exe[PATH_MAX - 64];
	ssize_t n;

	if (env) {
		snprintf(to, bytes, "%s/%s", env, folder);
		if (is_folder(to))
			return 0;
		return err_set(err, -ENOENT, "IOTOLL_DATA=%s: expected a folder '%s' in it", env,
			       folder);
	}
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n > 0) {
		static const char *const beside[] = {"..", "../share/iotoll"};
		char *slash;

		exe[n] = '\0';
		slash = strrchr(exe, '/');
		if (slash)
			*slash = '\0';
		for (size_t i = 0; i < 2; i++) {
			snprintf(to, bytes, "%s/%s/%s", exe, beside[i], folder);
			if (is_folder(to))
				return 0;
		}
	}
	snprintf(to, bytes, "%s/%s", IOTOLL_DATADIR, folder);
	if (is_folder(to))
		return 0;
	return err_set(err, -ENOENT, "no folder '%s' beside the program or in %s; set IOTOLL_DATA",
		       folder, IOTOLL_DATADIR);
}

static bool has_suffix(const char *name, const char *suffix)
{
	const size_t n = strlen(name), s = strlen(suffix);

	return n > s && !strcmp(name + n - s, suffix);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int paths_each(const char *folder, const char *suffix, void (*fn)(void *ctx, const char *name),
	       void *ctx, struct err *err)
{
	char path[PATH_MAX], *names[MAX_NAMES];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;
	int rc = find_folder(folder, path, sizeof(path), err);

	if (rc)
		return rc;
	dir = opendir(path);
	if (!dir)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)) && count < MAX_NAMES) {
		if (has_suffix(entry->d_name, suffix)) {
			names[count] =
				strndup(entry->d_name, strlen(entry->d_name) - strlen(suffix));
			if (names[count])
				count++;
		}
	}
	closedir(dir);
	qsort(names, count, sizeof(*names), by_name);
	for (size_t i = 0; i < count; i++) {
		fn(ctx, names[i]);
		free(names[i]);
	}
	return 0;
}

struct listing {
	char text[300];
	size_t used;
	const char *wanted;
	char best[64];
	unsigned distance;
};

static void offer(void *ctx, const char *name)
{
	struct listing *l = ctx;
	struct nearest n;

	if (l->used < sizeof(l->text))
		l->used += (size_t)snprintf(l->text + l->used, sizeof(l->text) - l->used, "%s%s",
					    l->used ? ", " : "", name);
	nearest_init(&n, l->wanted);
	nearest_offer(&n, name);
	if (n.best && n.distance < l->distance) {
		l->distance = n.distance;
		snprintf(l->best, sizeof(l->best), "%s", name);
	}
}

int paths_find(const char *folder, const char *name, const char *suffix, char *to, size_t bytes,
	       struct err *err)
{
	struct listing l = {.wanted = name, .distance = UINT_MAX};
	char path[PATH_MAX];
	int rc;

	if (strchr(name, '/') || has_suffix(name, suffix)) {
		if ((size_t)snprintf(to, bytes, "%s", name) >= bytes)
			return err_set(err, -ENAMETOOLONG, "%s: path too long", name);
		if (access(to, R_OK))
			return err_set(err, -errno, "%s: %s", to, strerror(errno));
		return 0;
	}
	rc = find_folder(folder, path, sizeof(path), err);
	if (rc)
		return rc;
	if ((size_t)snprintf(to, bytes, "%s/%s%s", path, name, suffix) >= bytes)
		return err_set(err, -ENAMETOOLONG, "%s: path too long", name);
	if (!access(to, R_OK))
		return 0;
	rc = paths_each(folder, suffix, offer, &l, err);
	if (rc)
		return rc;
	return err_set(err, -ENOENT, "%s: '%s' is not one of %s%s%s%s", folder, name, l.text,
		       l.best[0] ? "; did you mean " : "", l.best, l.best[0] ? "?" : "");
}
