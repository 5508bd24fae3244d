// SPDX-License-Identifier: MIT
/*
 * See qtest.h: finding, starting and ending QEMU.
 *
 * The machine has neither HPET nor PIT and runs under icount without sleeping: with its only CPU
 * halted QEMU then uses no time, and device timers fire as soon as they are armed. Debian's
 * package has no qtest accelerator, which would offer clock_step for the same purpose.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qtest_impl.h"

#define FIRMWARE_BYTES 65536u
#define MAX_WORDS      64

int qtest_version(const char *binary, char *version, size_t bytes)
{
	char command_line[300], text[128] = "";
	FILE *f;
	char *at;

	snprintf(command_line, sizeof(command_line), "'%s' -version 2>/dev/null </dev/null",
		 binary);
	f = popen(command_line, "r");
	if (f == NULL)
		return -errno;
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	if (pclose(f) != 0)
		return -ENOENT;
	at = strstr(text, "version ");
	if (at == NULL)
		return -EPROTO;
	snprintf(version, bytes, "%s", at + strlen("version "));
	version[strcspn(version, " \n")] = '\0';
	return 0;
}

/* 64 KiB ending at 4 GiB; the reset vector is 16 bytes before: cli; hlt; and again. */
static int make_firmware(void)
{
	static const uint8_t halt[] = {0xfa, 0xf4, 0xeb, 0xfd};
	int fd = memfd_create("firmware", 0);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, FIRMWARE_BYTES) != 0 ||
	    pwrite(fd, halt, sizeof(halt), FIRMWARE_BYTES - 16) != sizeof(halt)) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* In the child: become QEMU. Dies with the parent even if that is killed. */
static _Noreturn void become_qemu(char *const *words, pid_t parent, int messages)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || null < 0)
		_exit(126);
	dup2(null, 0);
	dup2(null, 1);
	dup2(messages, 2);
	execvp(words[0], words);
	_exit(127);
}

static int spawn(struct qtest *q, const char *binary, unsigned ram_mib, const char *const *devices,
		 int theirs, int firmware)
{
	char ram[16], bios[40], chardev[48];
	const char *fixed[] = {binary,
			       "-machine",
			       "q35,accel=tcg,hpet=off,pit=off",
			       "-icount",
			       "shift=0,sleep=off",
			       "-bios",
			       bios,
			       "-m",
			       ram,
			       "-nodefaults",
			       "-display",
			       "none",
			       "-chardev",
			       chardev,
			       "-qtest",
			       "chardev:qtest",
			       "-qtest-log",
			       "/dev/null"};
	char *words[MAX_WORDS];
	size_t n = 0;
	pid_t parent = getpid();

	snprintf(ram, sizeof(ram), "%u", ram_mib);
	snprintf(bios, sizeof(bios), "/proc/self/fd/%d", firmware);
	snprintf(chardev, sizeof(chardev), "socket,id=qtest,fd=%d", theirs);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		words[n++] = strdup(fixed[i]);
	for (; *devices != NULL && n < MAX_WORDS - 1; devices++)
		words[n++] = strdup(*devices);
	words[n] = NULL;
	q->pid = fork();
	if (q->pid == 0)
		become_qemu(words, parent, q->messages);
	for (size_t i = 0; i < n; i++)
		free(words[i]);
	return q->pid < 0 ? -errno : 0;
}

int qtest_start(struct qtest **out, const char *binary, unsigned ram_mib,
		const char *const *devices, struct err *err)
{
	struct qtest *q = calloc(1, sizeof(*q));
	int ends[2] = {-1, -1}, firmware = make_firmware(), ret = 0;
	uint64_t byte;

	if (q == NULL)
		ret = -ENOMEM;
	else
		q->fd = q->messages = -1;
	if (ret == 0 && firmware < 0)
		ret = firmware;
	if (ret == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		ret = -errno;
	if (ret == 0) {
		q->fd = ends[0];
		fcntl(ends[0], F_SETFD, FD_CLOEXEC);
		q->messages = memfd_create("messages", MFD_CLOEXEC);
		ret = q->messages < 0 ? -errno
				      : spawn(q, binary, ram_mib, devices, ends[1], firmware);
	}
	if (ends[1] >= 0)
		close(ends[1]);
	if (firmware >= 0)
		close(firmware);
	if (ret != 0) {
		qtest_stop(q);
		return err_set(err, ret, "QEMU cannot be started: %s", strerror(-ret));
	}
	qtest_read(q, 0, 1, &byte);
	ret = qtest_sync(q, err);
	if (ret != 0)
		qtest_stop(q);
	else
		*out = q;
	return ret;
}

void qtest_stop(struct qtest *q)
{
	if (q == NULL)
		return;
	if (q->pid > 0) {
		kill(q->pid, SIGKILL);
		waitpid(q->pid, NULL, 0);
	}
	if (q->fd >= 0)
		close(q->fd);
	if (q->messages >= 0)
		close(q->messages);
	free(q->out.text);
	free(q->in.text);
	free(q->pending);
	free(q);
}
