/* SPDX-License-Identifier: MIT */
/*
 * An exit of a virtual machine as far as a device model in a process: the smallest guest there is,
 * in real mode on one page, executes OUT in a loop; each comes back from KVM_RUN, and the next
 * KVM_RUN goes on behind it (Linux: Documentation/virt/kvm/api.rst).
 */
#include "host/host_impl.h"

#if defined(__x86_64__) && defined(__linux__)
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE  4096u
#define PORT  0x10
#define EXITS 20u
#define TSS   0xfffbd000ul /* three pages that processors without real mode need, out of the way */

struct guest {
	int kvm, vm, vcpu;
	void *page;
	struct kvm_run *run;
	size_t run_bytes;
};

static double exit_round(void *ctx)
{
	const struct guest *g = ctx;
	const double before = host_thread_ns();

	for (unsigned i = 0; i < EXITS; i++)
		if (ioctl(g->vcpu, KVM_RUN, 0) || g->run->exit_reason != KVM_EXIT_IO ||
		    g->run->io.port != PORT)
			return -1;
	return (host_thread_ns() - before) / EXITS;
}

/* The page at 0, the CPU at its first byte. 0 or -errno. */
static int load(struct guest *g)
{
	static const unsigned char code[] = {0xe6, PORT, 0xeb, 0xfc}; /* l: out %al, PORT; jmp l */
	struct kvm_userspace_memory_region region = {.memory_size = PAGE};
	struct kvm_regs regs = {.rflags = 2};
	struct kvm_sregs sregs;

	memcpy(g->page, code, sizeof(code));
	region.userspace_addr = (uintptr_t)g->page;
	(void)ioctl(g->vm, KVM_SET_TSS_ADDR, TSS);
	if (ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region))
		return -errno;
	g->vcpu = ioctl(g->vm, KVM_CREATE_VCPU, 0);
	if (g->vcpu < 0 || ioctl(g->vcpu, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(g->vcpu, KVM_SET_SREGS, &sregs) || ioctl(g->vcpu, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

static int make(struct guest *g)
{
	int bytes, rc;

	g->vm = ioctl(g->kvm, KVM_CREATE_VM, 0);
	bytes = ioctl(g->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (g->vm < 0 || bytes < (int)sizeof(*g->run))
		return g->vm < 0 ? -errno : -ENOTSUP;
	g->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g->page == MAP_FAILED)
		return -ENOMEM;
	rc = load(g);
	if (rc)
		return rc;
	g->run_bytes = (size_t)bytes;
	g->run = mmap(NULL, g->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
	return g->run == MAP_FAILED ? -errno : 0;
}

static void unmake(struct guest *g)
{
	if (g->run != MAP_FAILED)
		munmap(g->run, g->run_bytes);
	if (g->vcpu >= 0)
		close(g->vcpu);
	if (g->vm >= 0)
		close(g->vm);
	if (g->page != MAP_FAILED)
		munmap(g->page, PAGE);
	close(g->kvm);
}

int host_kvm_exit(const struct host_job *job, struct host_sample *out)
{
	struct guest g = {.vm = -1, .vcpu = -1, .page = MAP_FAILED, .run = MAP_FAILED};
	char name[64];
	bool nested;
	int rc;

	g.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (g.kvm < 0)
		return host_not(out, "/dev/kvm: %s", strerror(errno));
	host_cpu_name(name, sizeof(name), &nested);
	host_method(out, "%u times KVM_RUN of a guest that executes OUT in a loop%s", EXITS,
		    nested ? "; this machine is a guest itself, so that its host has a part in each"
			   : "");
	rc = make(&g);
	rc = rc ? host_not(out, "a guest on /dev/kvm: %s", strerror(-rc))
		: host_rounds(job->options, exit_round, &g, out);
	unmake(&g);
	return rc;
}
#else
int host_kvm_exit(const struct host_job *job, struct host_sample *out)
{
	(void)options;
	return host_not(out, "its guest is written for x86-64");
}
#endif
