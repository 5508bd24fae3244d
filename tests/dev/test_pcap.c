/* SPDX-License-Identifier: MIT */
/* The capture file, byte by byte, and what is left when things go wrong. */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev/link.h"

struct place {
	char dir[64], path[96], partial[112];
};

static void place_make(struct place *p)
{
	strcpy(p->dir, "/tmp/iotoll-pcap-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/cap", p->dir);
	snprintf(p->partial, sizeof(p->partial), "%s.partial", p->path);
}

static void place_free(const struct place *p)
{
	unlink(p->path);
	unlink(p->partial);
	assert_int_equal(rmdir(p->dir), 0);
}

static void file_has_the_nanosecond_header_and_exact_records(void **state)
{
	/* Magic 0xa1b23c4d, version 2.4, zone 0, sigfigs 0, snaplen 262144, Ethernet. */
	static const uint8_t expected[24 + 16 + 3] = {
		0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
		/* 2 s and 7 ns, 3 bytes */
		2, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 'a', 'b', 'c'};
	uint8_t got[64];
	struct place p;
	struct pcap *pcap;
	struct err err;
	FILE *f;

	(void)state;
	place_make(&p);
	assert_int_equal(pcap_create(&pcap, p.path, &err), 0);
	assert_int_equal(pcap_write(pcap, 2 * SIM_S + 7 * SIM_NS + 999, "abc", 3), 0);
	assert_int_not_equal(access(p.path, F_OK), 0); /* not before it is complete */
	assert_int_equal(pcap_close(pcap, &err), 0);
	assert_int_not_equal(access(p.partial, F_OK), 0);
	f = fopen(p.path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(got, 1, sizeof(got), f), sizeof(expected));
	fclose(f);
	assert_memory_equal(got, expected, sizeof(expected));
	place_free(&p);
}

static void abandoned_capture_leaves_nothing(void **state)
{
	struct place p;
	struct pcap *pcap;
	struct err err;

	(void)state;
	place_make(&p);
	assert_int_equal(pcap_create(&pcap, p.path, &err), 0);
	assert_int_equal(pcap_write(pcap, 0, "abc", 3), 0);
	pcap_abandon(pcap);
	place_free(&p);
}

static void directory_that_does_not_exist_is_named_in_the_error(void **state)
{
	struct pcap *pcap;
	struct err err;

	(void)state;
	assert_int_equal(pcap_create(&pcap, "/nonexistent/x", &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent/x.partial: No such file or directory");
}

static void full_disk_is_reported_and_sticks(void **state)
{
	static uint8_t big[65536];
	struct place p;
	struct pcap *pcap;
	struct err err;
	int ret = 0;

	(void)state;
	if (access("/dev/full", W_OK))
		skip();
	place_make(&p);
	assert_int_equal(symlink("/dev/full", p.partial), 0);
	assert_int_equal(pcap_create(&pcap, p.path, &err), 0);
	for (unsigned i = 0; i < 10 && !ret; i++)
		ret = pcap_write(pcap, i, big, sizeof(big));
	assert_int_equal(ret, -ENOSPC);
	assert_int_equal(pcap_write(pcap, 0, big, 1), -ENOSPC);
	assert_int_equal(pcap_close(pcap, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "No space left on device"));
	assert_int_not_equal(access(p.path, F_OK), 0);
	place_free(&p);
}

static void device_is_written_to_and_stays_a_device(void **state)
{
	static uint8_t big[65536];
	struct pcap *pcap;
	struct err err;
	struct stat st;
	struct place p;

	(void)state;
	place_make(&p);
	/* Through a link, so that a mistake replaces the link and not the machine's device. */
	assert_int_equal(symlink("/dev/null", p.path), 0);
	assert_int_equal(pcap_create(&pcap, p.path, &err), 0);
	assert_int_not_equal(access(p.partial, F_OK), 0);
	assert_int_equal(pcap_write(pcap, 0, big, sizeof(big)), 0);
	assert_int_equal(pcap_close(pcap, &err), 0);
	assert_int_equal(pcap_create(&pcap, p.path, &err), 0);
	pcap_abandon(pcap);
	assert_int_equal(stat(p.path, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	unlink(p.path);
	if (access("/dev/full", W_OK) == 0) {
		assert_int_equal(symlink("/dev/full", p.path), 0);
		assert_int_equal(pcap_create(&pcap, p.path, &err), 0);
		(void)pcap_write(pcap, 0, big, sizeof(big));
		assert_int_equal(pcap_close(pcap, &err), -ENOSPC);
		assert_non_null(strstr(err.text, p.path));
	}
	place_free(&p);
}

static void fifo_is_fed_and_stays(void **state)
{
	struct pcap *pcap;
	struct err err;
	struct stat st;
	struct place p;
	uint8_t got[64];
	int fd;

	(void)state;
	place_make(&p);
	assert_int_equal(mkfifo(p.path, 0600), 0);
	fd = open(p.path, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(pcap_create(&pcap, p.path, &err), 0);
	assert_int_equal(pcap_write(pcap, 0, "abc", 3), 0);
	assert_int_equal(pcap_close(pcap, &err), 0);
	assert_int_equal(read(fd, got, sizeof(got)), 24 + 16 + 3);
	close(fd);
	assert_int_equal(lstat(p.path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	place_free(&p);
}

static void symbolic_link_stays_and_its_target_is_replaced(void **state)
{
	struct pcap *pcap;
	struct err err;
	struct stat st;
	struct place p;
	char target[128];

	(void)state;
	place_make(&p);
	snprintf(target, sizeof(target), "%s/target", p.dir);
	close(open(target, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(symlink("target", p.path), 0);
	assert_int_equal(pcap_create(&pcap, p.path, &err), 0);
	assert_int_equal(pcap_close(pcap, &err), 0);
	assert_int_equal(lstat(p.path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 24);
	unlink(target);
	place_free(&p);
}

static void directory_is_refused_before_anything_runs(void **state)
{
	struct pcap *pcap;
	struct err err;

	(void)state;
	assert_int_equal(pcap_create(&pcap, "/tmp", &err), -EISDIR);
	assert_string_equal(err.text, "/tmp: Is a directory");
}

static void captured_link_stamps_frames_with_their_arrival(void **state)
{
	const struct link_config config = {.mbps = 1000, .latency_ps = 300 * SIM_NS};
	struct frame_pool *pool = frame_pool_create();
	struct sim *sim = sim_create();
	struct place p;
	struct pcap *pcap;
	struct link *link;
	struct frame_sink sink;
	struct frame *frame;
	struct err err;
	uint8_t head[40];
	FILE *f;

	(void)state;
	place_make(&p);
	assert_int_equal(pcap_create(&pcap, p.path, &err), 0);
	assert_int_equal(link_create(&link, sim, &config), 0);
	link_capture(link, pcap);
	sink = link_sink(link, 0);
	frame = frame_get(pool);
	frame->bytes = 60;
	memset(frame->data, 1, 60);
	(void)sink.send(sink.ctx, frame);
	assert_int_equal(sim_run(sim, SIM_MS), 0);
	link_destroy(link);
	assert_int_equal(pcap_close(pcap, &err), 0);
	f = fopen(p.path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(head, 1, 40, f), 40);
	fclose(f);
	assert_int_equal(head[24], 0);
	assert_int_equal(head[28] | head[29] << 8, 72 * 8 + 300); /* ns */
	assert_int_equal(head[32], 60);
	frame_pool_destroy(pool);
	sim_destroy(sim);
	place_free(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_has_the_nanosecond_header_and_exact_records),
		cmocka_unit_test(abandoned_capture_leaves_nothing),
		cmocka_unit_test(directory_that_does_not_exist_is_named_in_the_error),
		cmocka_unit_test(device_is_written_to_and_stays_a_device),
		cmocka_unit_test(fifo_is_fed_and_stays),
		cmocka_unit_test(symbolic_link_stays_and_its_target_is_replaced),
		cmocka_unit_test(directory_is_refused_before_anything_runs),
		cmocka_unit_test(full_disk_is_reported_and_sticks),
		cmocka_unit_test(captured_link_stamps_frames_with_their_arrival),
	};

	return cmocka_run_group_tests_name("dev/pcap", tests, NULL, NULL);
}
