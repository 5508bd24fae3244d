/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 on its way in: whatever is read from outside may end in JSON, which holds nothing else.
 */
#ifndef IOTOLL_BASE_UTF8_H
#define IOTOLL_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True if [@text, @text + @bytes) is UTF-8 (no NUL, no overlong form); else *@bad is where not. */
bool utf8_is_text(const char *text, size_t bytes, size_t *bad);
/* How many of the @bytes of UTF-8 at @text fit into @room without cutting a character. */
size_t utf8_cut(const char *text, size_t bytes, size_t room);

#endif
