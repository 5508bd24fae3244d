// SPDX-License-Identifier: MIT
/*
 * What is asked of a trace.dat before libtracecmd is given it (src/trace/trace_dat_check.h), over
 * arbitrary bytes, in this process. It must end, stay within the file, and say at which byte what
 * was expected. The library itself runs in a process of its own and is not fuzzed here.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "input.h"
#include "trace/trace_dat_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const int fd = memfd_create("trace.dat", MFD_CLOEXEC);
	uint64_t overrun = 0, again = 0;
	struct err err = {""};
	int rc;

	if (fd < 0)
		return 0;
	JUDGE(write(fd, data, bytes) == (ssize_t)bytes);
	rc = dat_check(fd, "input", &overrun, &err);
	JUDGE(rc == 0 || (rc == -EINVAL && strstr(err.text, "expected")));
	/* What the descriptor's place is, or was, is of no matter. */
	JUDGE(lseek(fd, 0, SEEK_SET) == 0);
	JUDGE(dat_check(fd, "input", &again, &err) == rc && again == overrun);
	close(fd);
	return 0;
}
