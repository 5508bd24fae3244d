/* SPDX-License-Identifier: MIT */
/* See owners.h. */
#include "dma/env/native/owners.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>
#endif

#define PATIENCE 4096u

_Thread_local struct owners_self owners_self OWNERS_TLS;

#ifdef __linux__
static bool have_fences(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

static void fence_everybody(void)
{
	/* A process that was forked has asked for nothing yet. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) && have_fences())
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static uint64_t own_name(void)
{
	return (uint64_t)getpid() << 32 | (uint32_t)syscall(SYS_gettid);
}

/*
 * A number that the kernel has given to a new thread meanwhile makes the dead one look alive, and
 * that one finds itself at home. In a process that was forked one thread has its name from the
 * parent and lives: the kernel cannot be asked about such a name.
 */
static bool has_ended(uint64_t name)
{
	const pid_t process = (pid_t)(name >> 32);
	const int before = errno;
	const bool gone = name != OWNERS_NOBODY && process == getpid() &&
			  syscall(SYS_tgkill, process, (pid_t)(uint32_t)name, 0) != 0 &&
			  errno == ESRCH;

	errno = before;
	return gone;
}
#else
static bool have_fences(void)
{
	return false;
}

static void fence_everybody(void)
{
}

static uint64_t own_name(void)
{
	return OWNERS_NOBODY;
}

static bool has_ended(uint64_t name)
{
	(void)name;
	return false;
}
#endif

void owners_init(struct owners *o)
{
	const int before = errno;

	(void)pthread_mutex_init(&o->lock, NULL);
	for (unsigned i = 0; i < OWNERS; i++)
		(void)pthread_mutex_init(&o->owner[i].mutex, NULL);
	o->owner[0].thread = OWNERS_EVERYBODY;
	o->fenced = have_fences();
	errno = before;
}

void owners_fini(struct owners *o)
{
	for (unsigned i = 0; i < OWNERS; i++)
		(void)pthread_mutex_destroy(&o->owner[i].mutex);
	(void)pthread_mutex_destroy(&o->lock);
}

static uint64_t thread_of(const struct owner *o)
{
	return __atomic_load_n(&o->thread, __ATOMIC_RELAXED);
}

/* The one it has, one of the dead, the one of its number elsewhere, a free one; 0: none. */
static unsigned choose(const struct owners *o, const struct owners_self *self)
{
	const unsigned hint = self->place;

	for (unsigned i = 1; i < OWNERS; i++)
		if (thread_of(&o->owner[i]) == self->name)
			return i;
	for (unsigned i = 1; i < OWNERS; i++)
		if (has_ended(thread_of(&o->owner[i])))
			return i;
	if (hint && thread_of(&o->owner[hint]) == OWNERS_NOBODY)
		return hint;
	for (unsigned i = 1; i < OWNERS; i++)
		if (thread_of(&o->owner[i]) == OWNERS_NOBODY)
			return i;
	return 0;
}

/* Whatever the last owner did there happened before: he left by a store that this load reads. */
static void move_in(struct owner *o, uint64_t name)
{
	(void)pthread_mutex_lock(&o->mutex);
	(void)__atomic_load_n(&o->busy, __ATOMIC_ACQUIRE);
	__atomic_store_n(&o->busy, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&o->thread, name, __ATOMIC_RELAXED);
	(void)pthread_mutex_unlock(&o->mutex);
}

unsigned owners_find(struct owners *o)
{
	struct owners_self *self = &owners_self;
	unsigned place;

	if (!o->fenced || (self->shared == o && --self->patience))
		return 0;
	if (self->name == OWNERS_NOBODY)
		self->name = own_name();
	(void)pthread_mutex_lock(&o->lock);
	place = choose(o, self);
	if (place)
		move_in(&o->owner[place], self->name);
	(void)pthread_mutex_unlock(&o->lock);
	if (place) {
		self->place = place;
		return place;
	}
	self->shared = o;
	self->patience = PATIENCE;
	return 0;
}

void owners_stop(struct owner *o)
{
	uint64_t thread;

	(void)pthread_mutex_lock(&o->mutex);
	thread = thread_of(o);
	if (thread == OWNERS_NOBODY || thread == OWNERS_EVERYBODY || thread == owners_self.name)
		return;
	__atomic_store_n(&o->stopped, 1, __ATOMIC_RELAXED);
	fence_everybody();
	while (__atomic_load_n(&o->busy, __ATOMIC_ACQUIRE))
		(void)sched_yield();
}

void owners_resume(struct owner *o)
{
	__atomic_store_n(&o->stopped, 0, __ATOMIC_RELEASE);
	(void)pthread_mutex_unlock(&o->mutex);
}
