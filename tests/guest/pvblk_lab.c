/* SPDX-License-Identifier: MIT */
/* Three kernels on a hypervisor. */
#include "pvblk_lab.h"

#include "sim/task.h"

static void make_side(struct pvblk_lab *x, unsigned n)
{
	const uint64_t pages = n ? 640 : 1024;
	const struct xen_domain_config config = {
		.id = (uint16_t)n,
		.vcpus = 1,
		.privileged = n == 0,
		.hardware = n == 0,
		.pages = pages,
		.span = pages + 1024,
		.max_pages = pages,
	};
	const struct guest_vcpus vcpus = {.name = "domain", .count = 1, .physical = &n};
	struct pvblk_side *s = &x->side[n];
	struct err err = {{0}};
	uint64_t first, end;
	phys_t all;

	assert_int_equal(xen_domain_create(x->hv, &config, &s->d), 0);
	s->view = memory_view_create(x->board->mem, xen_domain_l1(s->d), config.span);
	assert_non_null(s->view);
	xen_domain_free_memory(s->d, &first, &end);
	assert_int_equal(memory_alloc(s->view, config.span - 1, PAGE_BYTES, 0, &all), 0);
	memory_free(s->view, first * PAGE_BYTES, end - first);
	if (machine_create_guest(&s->machine, x->board, s->view, &vcpus, &err))
		fail_msg("%s", err.text);
	s->kmalloc = kmalloc_create(s->view, true);
	if (pv_kernel_create(&s->k, s->machine, s->d, s->kmalloc, &err))
		fail_msg("%s", err.text);
}

struct pvblk_lab *pvblk_lab_create(void)
{
	const struct profile profile = lab_profile(3);
	struct pvblk_lab *x = calloc(1, sizeof(*x));
	struct err err = {{0}};

	x->sim = sim_create();
	if (machine_create(&x->board, x->sim, &profile, &err))
		fail_msg("%s", err.text);
	assert_int_equal(xen_create(&x->hv, x->board->mem, NULL), 0);
	for (unsigned n = 0; n < 3; n++)
		make_side(x, n);
	ram_blockdev_init(&x->disk, x->side[0].machine, PVBLK_SECTORS, 20 * SIM_US);
	for (unsigned i = 0; i < PVBLK_SECTORS * 512; i++)
		x->disk.data[i] = (uint8_t)(i >> 9 ^ i);
	return x;
}

void pvblk_lab_check(struct pvblk_lab *x)
{
	struct err err = {{0}};

	if (xen_check(x->hv, &err))
		fail_msg("the hypervisor's tables: %s", err.text);
}

void pvblk_lab_run(struct pvblk_lab *x, uint64_t ps)
{
	assert_int_equal(sim_run(x->sim, sim_now(x->sim) + ps), 0);
}

static void drop_side(struct pvblk_side *s)
{
	struct kmalloc_stats memory;
	struct pv_grants_stats grants;

	pv_grants_stats(s->k->grants, &grants);
	assert_int_equal(grants.in_use, 0);
	pv_kernel_destroy(s->k);
	kmalloc_stats(s->kmalloc, &memory);
	assert_int_equal(memory.live_objects, 0);
	assert_int_equal(memory.bad_frees, 0);
	assert_int_equal(memory.dirtied, 0);
	kmalloc_destroy(s->kmalloc);
	machine_destroy(s->machine);
	xen_domain_kill(s->d);
	memory_destroy(s->view);
}

void pvblk_lab_destroy(struct pvblk_lab *x)
{
	pvblk_lab_check(x);
	ram_blockdev_fini(&x->disk);
	for (unsigned n = 3; n--;) {
		drop_side(&x->side[n]);
		pvblk_lab_check(x);
		assert_null(xen_domain_find(x->hv, n));
	}
	xen_destroy(x->hv);
	machine_destroy(x->board);
	sim_destroy(x->sim);
	free(x);
}

grant_ref_t pvblk_lab_grant(struct pvblk_lab *x, unsigned n, const void *page, unsigned to,
			    bool readonly)
{
	struct pvblk_side *s = &x->side[n];
	const grant_ref_t ref = pv_grant_take(s->k->grants, NULL);

	assert_int_not_equal(ref, PV_GRANT_NONE);
	pv_grant_access(s->k->grants, NULL, ref, (domid_t)to,
			pv_mfn(s->k, NULL, kmalloc_phys(s->kmalloc, page)), readonly);
	return ref;
}

void pvblk_lab_ignore(void *ctx, struct cpu *cpu)
{
	(void)ctx, (void)cpu;
}

struct closing {
	struct blkback_vbd *v;
	struct machine *machine;
	bool done;
};

static void close_task(void *ctx)
{
	struct closing *c = ctx;

	blkback_vbd_close(c->v, cpu_current(c->machine));
	c->done = true;
}

void pvblk_lab_close(struct pvblk_lab *x, struct blkback_vbd *v)
{
	struct closing c = {.v = v, .machine = x->side[0].machine};

	assert_non_null(task_create(machine_cpu(c.machine, 0), "xenwatch", close_task, &c));
	for (unsigned i = 0; i < 100 && !c.done; i++)
		pvblk_lab_run(x, SIM_MS);
	assert_true(c.done);
	pvblk_lab_run(x, 10 * SIM_MS);
}

static void on_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct pvblk_io *io = bio->ctx;

	(void)cpu;
	assert_int_equal(io->status, 1);
	io->status = status;
}

void pvblk_io_make(struct pvblk_io *io, struct pvblk_lab *x, unsigned n, enum bio_op op,
		   uint64_t sector, unsigned offset, unsigned count)
{
	struct kmalloc *km = x->side[n].kmalloc;

	if (!io->page)
		io->page = kmalloc_alloc(km, PAGE_BYTES);
	assert_non_null(io->page);
	memset(io->page, 0xee, PAGE_BYTES);
	io->vec = (struct bio_vec){.paddr = kmalloc_phys(km, io->page) + offset,
				   .bytes = count * 512};
	io->bio = (struct bio){.op = op,
			       .sync = true,
			       .sector = sector,
			       .vec = &io->vec,
			       .nvec = op == BIO_FLUSH ? 0 : 1,
			       .done = on_done,
			       .ctx = io};
	io->status = 1;
}
