// SPDX-License-Identifier: MIT
/*
 * Atomic replacement of files by write, fsync and rename (POSIX rename(2) replaces atomically).
 */
#include "report/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int system_error(struct err *err, const char *path, const char *doing)
{
	int code = errno ? -errno : -EIO;

	return err_set(err, code, "%s: cannot %s: %s", path, doing, strerror(-code));
}

/* What @writer's answer means for the file: whatever went wrong, the line names it. */
static int failed_writer(FILE *out, const char *path, int ret, struct err *err)
{
	if (!ret)
		return 0;
	if (ret == -ENOMEM)
		return err_set(err, ret, "%s: out of memory", path);
	if (ferror(out)) /* the disk is to blame, not what was to be written */
		return system_error(err, path, "write");
	if (err && err->text[0])
		return err_prefix(err, ret, "%s: ", path);
	return err_set(err, ret, "%s: cannot write: %s", path, strerror(-ret));
}

/* Run @writer into @fd, which is closed in any case. */
static int fill(int fd, const char *path, bool sync, report_stream_writer writer, void *ctx,
		struct err *err)
{
	FILE *out = fdopen(fd, "w");
	int ret;

	if (!out) {
		ret = system_error(err, path, "write");
		close(fd);
		return ret;
	}
	if (err)
		err->text[0] = 0;
	errno = 0;
	ret = writer(out, ctx, err);
	ret = failed_writer(out, path, ret, err);
	errno = 0;
	if (!ret && (ferror(out) || fflush(out) != 0 || (sync && fsync(fd) != 0)))
		ret = system_error(err, path, "write");
	if (fclose(out) != 0 && !ret)
		ret = system_error(err, path, "write");
	return ret;
}

static int replace(const char *path, report_stream_writer writer, void *ctx, struct err *err)
{
	const char *slash = strrchr(path, '/');
	int head = slash ? (int)(slash - path + 1) : 0, ret, fd;
	char *temporary = NULL;

	if (asprintf(&temporary, "%.*s.%s.%ld.tmp", head, path, path + head, (long)getpid()) < 0)
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	unlink(temporary); /* of an earlier process with our number */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		ret = system_error(err, path, "create");
		goto free_name;
	}
	ret = fill(fd, path, true, writer, ctx, err);
	if (!ret && rename(temporary, path) != 0)
		ret = system_error(err, path, "replace");
	if (ret)
		unlink(temporary);
free_name:
	free(temporary);
	return ret;
}

int report_write_stream(const char *path, report_stream_writer writer, void *ctx, struct err *err)
{
	struct stat st;
	char *real;
	int ret, fd;

	if (stat(path, &st) != 0)
		return replace(path, writer, ctx, err);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return system_error(err, path, "write");
	}
	if (!S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return system_error(err, path, "write");
		return fill(fd, path, false, writer, ctx, err);
	}
	real = realpath(path, NULL);
	if (!real)
		return system_error(err, path, "write");
	ret = replace(real, writer, ctx, err);
	free(real);
	return ret;
}

struct document {
	report_writer writer;
	const json_t *json;
};

static int write_document(FILE *out, void *ctx, struct err *err)
{
	const struct document *d = ctx;

	return d->writer(out, d->json, err);
}

int report_write_file(const char *path, report_writer writer, const json_t *json, struct err *err)
{
	struct document d = {writer, json};

	return report_write_stream(path, write_document, &d, err);
}

static int make_one(const char *path, struct err *err)
{
	struct stat st;

	if (mkdir(path, 0777) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
	}
	return system_error(err, path, "make the directory");
}

int report_make_directory(const char *path, struct err *err)
{
	char *part = strdup(path);
	int ret = 0;

	if (!part)
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	for (char *s = part + 1; *part && *s && !ret; s++) {
		if (*s != '/')
			continue;
		*s = 0;
		ret = make_one(part, err);
		*s = '/';
	}
	if (!ret)
		ret = make_one(part, err);
	free(part);
	return ret;
}

int report_json(FILE *out, const json_t *json, struct err *err)
{
	int code;

	errno = 0;
	if (json_dumpf(json, out, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) == 0) {
		fputc('\n', out);
		return ferror(out) ? -EIO : 0;
	}
	code = errno == ENOMEM ? -ENOMEM : !ferror(out) ? -EINVAL : errno ? -errno : -EIO;
	return err_set(err, code, "cannot write the JSON document%s%s", errno ? ": " : "",
		       errno ? strerror(errno) : "");
}
