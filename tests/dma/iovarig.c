/* SPDX-License-Identifier: MIT */
/* See iovarig.h. */
#include "iovarig.h"

static void on_wrap(void *ctx)
{
	((struct iovarig *)ctx)->wraps++;
}

static void check(const struct iovarig *f)
{
	if (!f->a->ops->check(f->a))
		fail_msg("%s: an invariant is broken", f->a->ops->name);
}

void iovarig_open_with(struct iovarig *f, const char *name, const struct iova_config *settings)
{
	const struct iotoll_env_config config = {.memory_bytes = 16u << 20};
	const struct iova_ops *ops = iova_find(name);

	f->wraps = 0;
	assert_non_null(ops);
	assert_int_equal(iotoll_env_create(&f->env, &config), 0);
	assert_int_equal(ops->create(&f->a, f->env, settings), 0);
	f->a->ops = ops;
	f->a->wrapped = on_wrap;
	f->a->ctx = f;
	check(f);
}

void iovarig_open(struct iovarig *f, const char *name, uint64_t entries, uint64_t hint)
{
	const struct iova_config settings = {.entries = entries, .start_hint = hint};

	iovarig_open_with(f, name, &settings);
}

void iovarig_close(struct iovarig *f)
{
	f->a->ops->destroy(f->a);
	assert_int_equal(memory_allocated_pages(f->env->memory), 0);
	iotoll_env_destroy(f->env);
}

int64_t iovarig_take(struct iovarig *f, uint64_t count, uint64_t limit)
{
	const struct iova_want want = {.count = count, .limit = limit};
	uint64_t first;
	const int rc = f->a->ops->alloc(f->a, &want, &first);

	check(f);
	if (rc)
		return rc;
	assert_true(first + count <= limit);
	assert_true(f->a->ops->owns(f->a, first, count));
	return (int64_t)first;
}

void iovarig_give(struct iovarig *f, uint64_t first, uint64_t count)
{
	assert_true(f->a->ops->owns(f->a, first, count));
	f->a->ops->free(f->a, first, count);
	check(f);
	assert_false(f->a->ops->owns(f->a, first, count));
}
