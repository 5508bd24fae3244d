/* SPDX-License-Identifier: MIT */
/* Between mirror.c and mirror_fit.c, and nobody else. */
#ifndef IOTOLL_PREDICT_MIRROR_IMPL_H
#define IOTOLL_PREDICT_MIRROR_IMPL_H

#include "predict/mirror.h"

/* Placeholders lie below it: far from where addresses begin, at the top of 4 GiB. */
#define MIRROR_MARKERS_END UINT64_C(0x40000)

static inline unsigned mirror_class(uint64_t count)
{
	return count > 1 ? 64u - (unsigned)__builtin_clzll(count - 1) : 0;
}

/* The beginning that @fill describes. 0; -ENOMEM: then nothing is left. */
int mirror_begin(const struct mirror *m, struct mirror_state *s,
		 uint8_t (*fill)[MIRROR_CLASSES]) MUST_CHECK;
void mirror_end(struct mirror_state *s);
/*
 * What @ev does to @s. Of an allocation *@verdict, and whether the tree had the word; @answer may
 * be NULL. 0, -EEXIST, -ENOMEM.
 */
int mirror_step(struct mirror_state *s, const struct mirror_event *ev, enum mirror_verdict *verdict,
		bool *by_tree, struct mirror_answer *answer) MUST_CHECK;
/* Look for better fills of ranges of @class, and go on from them. 0 or -ENOMEM. */
int mirror_fit(struct mirror *m, unsigned class) MUST_CHECK;

#endif
