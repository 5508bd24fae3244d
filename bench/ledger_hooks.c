/* SPDX-License-Identifier: MIT */
/*
 * The hooks, and the functions of the simulator that tell which CPU a stack belongs to and when
 * an account is opened and read: the linker has their callers come here first (--wrap).
 */
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "ledger_symbols.h"
#include "sim/cpu_internal.h"

#define DEPTH 512
#define KNOWN 16384 /* functions; a power of two */

struct function {
	const void *address;
	const char *name, *file;
	bool folded, begins;
};

/* A stack of simulated code: where on its path it is. */
struct stack {
	const struct fiber *fiber;
	struct cpu *cpu;
	unsigned depth;
	struct ledger_node *at[DEPTH];
	struct stack *next;
};

/* Hooks have nobody to hand them a context. */
static struct {
	struct function function[KNOWN];
	struct ledger_cpu cpu[CACHE_MAX_CPUS];
	unsigned cpus;
	struct stack *stacks, *current;
} ledger;

void __cyg_profile_func_enter(void *fn, void *site);
void __cyg_profile_func_exit(void *fn, void *site);
struct fiber *__real_fiber_create(size_t bytes, void (*fn)(void *ctx), void *ctx);
struct fiber *__wrap_fiber_create(size_t bytes, void (*fn)(void *ctx), void *ctx);
void __real_fiber_run(struct fiber *f);
void __wrap_fiber_run(struct fiber *f);
void __real_cpu_account_reset(struct cpu *cpu, sim_time now);
void __wrap_cpu_account_reset(struct cpu *cpu, sim_time now);
void __real_cpu_account(const struct cpu *cpu, struct cpu_account *out);
void __wrap_cpu_account(const struct cpu *cpu, struct cpu_account *out);

/* ---- functions ---- */

static bool among(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(name, *list))
			return true;
	return false;
}

/* Files whose functions are the simulator's, and helpers that many steps share. */
static bool is_folded(const char *name, const char *file)
{
	static const char *const files[] = {
		"cpu.c",       "cpu_memory.c", "cache.c",   "event.c",   "fiber.c",
		"gate.c",      "lock.c",       "machine.c", "mmio.c",    "task.c",
		"memory.c",    "pages.c",      "cost.c",    "env_sim.c", "hypercall.c",
		"multicall.c", "xen_share.c",  "kmalloc.c", NULL,
	};
	static const char *const prefixes[] = {
		"cpu_",        "memory_",     "vlock_",   "waitq_",       "task_",
		"sim_",        "cache_",      "machine_", "cost_",        "env_",
		"kmalloc_",    "pv_touch",    "pv_va",    "pv_hypercall", "fiber_",
		"irq_",        "softirq_",    "event_",   "mmio_",        "guest_read",
		"guest_write", "guest_range", "call_",    "gate_",        NULL};

	if (!name || among(file, files))
		return true;
	for (const char *const *p = prefixes; *p; p++)
		if (!strncmp(name, *p, strlen(*p)))
			return true;
	return false;
}

static const struct function *function_at(const void *address)
{
	static const char *const beginnings[] = {"take_irq", "cpu_softirq_pass", NULL};
	size_t i = ((uintptr_t)address >> 2) % KNOWN;

	while (ledger.function[i].address && ledger.function[i].address != address)
		i = (i + 1) % KNOWN;
	if (!ledger.function[i].address) {
		struct function *f = &ledger.function[i];

		f->address = address;
		f->name = symbols_name(address, &f->file);
		f->begins = f->name && among(f->name, beginnings);
		f->folded = !f->begins && is_folded(f->name, f->file);
	}
	return &ledger.function[i];
}

/* ---- accounts ---- */

static struct ledger_cpu *account_of(const struct cpu *cpu)
{
	for (unsigned i = 0; i < ledger.cpus; i++)
		if (ledger.cpu[i].cpu == cpu)
			return &ledger.cpu[i];
	return NULL;
}

static void hand_out(struct ledger_cpu *c, struct ledger_node *to)
{
	for (unsigned i = 0; i < CHARGE_COUNT; i++) {
		to->ps[i] += c->cpu->ps[i] - c->last[i];
		c->last[i] = c->cpu->ps[i];
	}
}

static struct ledger_node *child_of(struct ledger_node *parent, const struct function *f)
{
	struct ledger_node *n;

	for (n = parent->child; n; n = n->next)
		if (n->name == f->name)
			return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		abort();
	*n = (struct ledger_node){.name = f->name, .file = f->file, .next = parent->child};
	parent->child = n;
	return n;
}

static struct ledger_node *top(const struct stack *s, struct ledger_cpu *c)
{
	struct ledger_node *n = s->depth ? s->at[s->depth - 1] : NULL;

	return n ? n : &c->root; /* what began before the account was opened */
}

void __cyg_profile_func_enter(void *fn, void *site)
{
	struct stack *s = ledger.current;
	struct ledger_cpu *c;
	const struct function *f;
	struct ledger_node *n;

	(void)site;
	if (!s)
		return;
	if (s->depth == DEPTH)
		abort();
	c = account_of(s->cpu);
	if (!c || !c->open) {
		s->at[s->depth++] = NULL;
		return;
	}
	n = top(s, c);
	hand_out(c, n);
	f = function_at(fn);
	if (!f->folded) {
		n = child_of(f->begins ? &c->root : n, f);
		n->calls++;
	}
	s->at[s->depth++] = n;
}

void __cyg_profile_func_exit(void *fn, void *site)
{
	struct stack *s = ledger.current;
	struct ledger_cpu *c;

	(void)fn, (void)site;
	if (!s || !s->depth)
		return;
	c = account_of(s->cpu);
	if (c && c->open)
		hand_out(c, top(s, c));
	s->depth--;
}

/* ---- stacks ---- */

/* Fibers are made by tasks alone, and handed their task. */
struct fiber *__wrap_fiber_create(size_t bytes, void (*fn)(void *ctx), void *ctx)
{
	struct fiber *f = __real_fiber_create(bytes, fn, ctx);
	struct stack *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	*s = (struct stack){.fiber = f, .cpu = ((struct task *)ctx)->cpu, .next = ledger.stacks};
	ledger.stacks = s;
	return f;
}

void __wrap_fiber_run(struct fiber *f)
{
	struct stack *const before = ledger.current, *s = ledger.stacks;

	while (s->fiber != f) /* the latest first: addresses are used again */
		s = s->next;
	ledger.current = s;
	__real_fiber_run(f);
	ledger.current = before;
}

/* ---- opening and reading ---- */

void __wrap_cpu_account_reset(struct cpu *cpu, sim_time now)
{
	struct ledger_cpu *c;

	__real_cpu_account_reset(cpu, now);
	if (account_of(cpu) || ledger.cpus == CACHE_MAX_CPUS ||
	    (ledger.cpus && ledger.cpu[0].board != cpu->machine->board))
		return;
	c = &ledger.cpu[ledger.cpus++];
	*c = (struct ledger_cpu){
		.cpu = cpu, .board = cpu->machine->board, .id = cpu->id, .open = true};
	memcpy(c->opened, cpu->ps, sizeof(c->opened));
	memcpy(c->last, cpu->ps, sizeof(c->last));
}

void __wrap_cpu_account(const struct cpu *cpu, struct cpu_account *out)
{
	struct ledger_cpu *c = account_of(cpu);

	__real_cpu_account(cpu, out);
	if (!c || !c->open)
		return;
	memcpy(c->read, cpu->ps, sizeof(c->read));
	c->open = false;
}

/* ---- for who prints it ---- */

struct ledger_cpu *ledger_cpus(unsigned *count)
{
	*count = ledger.cpus;
	return ledger.cpu;
}

static uint64_t sum(const struct ledger_node *n, unsigned what)
{
	uint64_t ps = n->ps[what];

	for (n = n->child; n; n = n->next)
		ps += sum(n, what);
	return ps;
}

bool ledger_complete(const struct ledger_cpu *c)
{
	bool same = c->root.child != NULL;

	for (unsigned i = 0; i < CHARGE_COUNT; i++)
		same &= sum(&c->root, i) == c->read[i] - c->opened[i];
	return same;
}

static void free_below(struct ledger_node *n)
{
	while (n->child) {
		struct ledger_node *c = n->child;

		n->child = c->next;
		free_below(c);
		free(c);
	}
}

void ledger_free(void)
{
	ledger.current = NULL;
	for (unsigned i = 0; i < ledger.cpus; i++)
		free_below(&ledger.cpu[i].root);
	while (ledger.stacks) {
		struct stack *s = ledger.stacks;

		ledger.stacks = s->next;
		free(s);
	}
}
