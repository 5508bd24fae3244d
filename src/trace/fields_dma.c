// SPDX-License-Identifier: MIT
/*
 * The text of the tracepoints of Linux 6.12 and later on the DMA API itself
 * (include/trace/events/dma.h), under the names of all those versions:
 *
 *	0000:00:02.0 dir=TO_DEVICE dma_addr=ffffe040 size=64 phys_addr=6ade2040 attrs=
 *	0000:00:02.0 dir=FROM_DEVICE nents=2/2 ents=1/1 dma_addrs={0xfffe0000} sizes={0x2000} ...
 *
 * Numbers in hexadecimal have no 0x, but for those of arrays. A list of more than 128 pieces is cut
 * there and says so (" [TRUNCATED]"); older versions write it whole, without nents and ents. An
 *unmap of a list gives physical addresses, not the I/O addresses that it ends.
 */
#include <string.h>

#include "trace/fields.h"

#define BIT(f) TRACE_HAS(TRACE_F_##f)

enum dma_form {
	DMA_HEX,
	DMA_DECIMAL,
	DMA_SIGNED,
	DMA_DIR,
	DMA_WORD,
	DMA_POINTER,
	DMA_OF,
	DMA_LIST
};

/* clang-format off */
static const struct {
	const char *name;
	enum dma_form form;
	enum trace_field field;
} dma_keys[] = {
	{"dir",        DMA_DIR,     TRACE_F_DIR},
	{"dma_addr",   DMA_HEX,     TRACE_F_IOVA},
	{"size",       DMA_DECIMAL, TRACE_F_BYTES},
	{"phys_addr",  DMA_HEX,     TRACE_F_PADDR},
	{"virt_addr",  DMA_POINTER, TRACE_F_VIRT},
	{"flags",      DMA_WORD,    TRACE_F_FLAGS},
	{"attrs",      DMA_WORD,    TRACE_F_ATTRS},
	{"nents",      DMA_OF,      TRACE_F_NENTS},
	{"ents",       DMA_OF,      TRACE_F_ENTS},
	{"dma_addrs",  DMA_LIST,    TRACE_F_DMA_ADDRS},
	{"sizes",      DMA_LIST,    TRACE_F_SIZES},
	{"phys_addrs", DMA_LIST,    TRACE_F_PADDRS},
	{"err",        DMA_SIGNED,  TRACE_F_RET},
};
/* clang-format on */

static const char *const dma_dirs[] = {"BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE", "NONE"};

static struct trace_text dma_text(struct cut c)
{
	return (struct trace_text){c.at, (size_t)(c.end - c.at)};
}

static bool dma_dir(struct cut word, struct trace_event *ev)
{
	for (uint8_t i = 0; i < sizeof(dma_dirs) / sizeof(dma_dirs[0]); i++) {
		struct cut c = word;

		if (cut_text(&c, dma_dirs[i]) && c.at == c.end) {
			ev->dir = i;
			return true;
		}
	}
	return false;
}

/* "{0x1000,0x2000}" into the reader's own room, one for each field that is a list. */
static const char *dma_list(struct trace *t, struct cut *c, enum trace_field field,
			    struct trace_event *ev)
{
	struct trace_room *room = &t->room[field - TRACE_F_DMA_ADDRS];
	struct trace_list list = {NULL, 0};
	uint64_t value;

	if (!cut_text(c, "{"))
		return "a list in braces";
	while (c->at < c->end && *c->at != '}') {
		if (list.count && !cut_text(c, ","))
			return "a comma between the numbers of a list";
		cut_blanks(c);
		if (!cut_hex(c, &value))
			return "numbers with 0x in a list";
		if (trace_room_put(room, list.count, value))
			return "a list for which there is memory";
		list.count++;
	}
	if (!cut_text(c, "}"))
		return "a list that ends with a brace";
	list.at = room->at;
	memcpy((char *)ev + trace_fields[field].at, &list, sizeof(list));
	return NULL;
}

/* "128/200": of so many pieces so many are there; the former is the list's length. */
static bool dma_of(struct cut word, uint64_t *out)
{
	uint64_t there;

	return cut_decimal(&word, INT32_MAX, &there) && cut_text(&word, "/") &&
	       cut_decimal(&word, INT32_MAX, out) && word.at == word.end && there <= *out;
}

/* libtraceevent's %p has "0x", the kernel's has not. */
static bool dma_bare(struct cut word, uint64_t *out)
{
	(void)cut_text(&word, "0x");
	return cut_bare_hex(&word, out) && word.at == word.end;
}

static bool dma_number(struct cut word, enum dma_form form, uint64_t *out)
{
	bool minus = false;

	switch (form) {
	case DMA_POINTER: /* what %p makes of no pointer, or of one before it has its secret */
		if (cut_text(&word, "(null)") || cut_text(&word, "(____ptrval____)")) {
			*out = 0;
			return word.at == word.end;
		}
		return dma_bare(word, out);
	case DMA_HEX:
		return dma_bare(word, out);
	case DMA_OF:
		return dma_of(word, out);
	case DMA_SIGNED:
		minus = cut_text(&word, "-");
		if (!cut_decimal(&word, INT32_MAX, out))
			return false;
		*out = minus ? -*out : *out;
		return word.at == word.end;
	default:
		return cut_decimal(&word, UINT64_MAX, out) && word.at == word.end;
	}
}

static const char *dma_value(struct trace *t, struct cut *c, size_t key, struct trace_event *ev)
{
	const enum trace_field field = dma_keys[key].field;
	struct cut word;
	uint64_t value = 0;

	if (dma_keys[key].form == DMA_LIST) {
		ev->has |= TRACE_HAS(field);
		return dma_list(t, c, field, ev);
	}
	(void)cut_word(c, &word); /* attrs= may be empty */
	switch (dma_keys[key].form) {
	case DMA_DIR:
		ev->has |= BIT(DIR);
		return dma_dir(word, ev) ? NULL : "a direction, such as TO_DEVICE";
	case DMA_WORD:
		ev->has |= TRACE_HAS(field);
		*(field == TRACE_F_ATTRS ? &ev->attrs : &ev->flags) = dma_text(word);
		return NULL;
	default:
		if (!dma_number(word, dma_keys[key].form, &value))
			return "a number behind each '=' that has one";
		trace_field_put(ev, field, value);
		return NULL;
	}
}

/* Index of the key that @c begins with, and takes it with its '='; -1 if it is none. */
static int dma_key(struct cut *c)
{
	for (size_t i = 0; i < sizeof(dma_keys) / sizeof(dma_keys[0]); i++) {
		struct cut in = *c;

		if (cut_text(&in, dma_keys[i].name) && cut_text(&in, "=")) {
			*c = in;
			return (int)i;
		}
	}
	return -1;
}

/* The error's tracepoint calls the physical addresses that it has dma_addrs. */
static void dma_error_lists(struct trace_event *ev)
{
	if (!trace_has(ev, TRACE_F_RET) || !trace_has(ev, TRACE_F_DMA_ADDRS) ||
	    trace_has(ev, TRACE_F_PADDRS))
		return;
	ev->paddrs = ev->dma_addrs;
	ev->has = (ev->has & ~BIT(DMA_ADDRS)) | BIT(PADDRS);
}

static const char *dma_take(struct trace *t, struct cut c, struct trace_event *ev)
{
	struct cut dev;

	if (!cut_word(&c, &dev))
		return "a device";
	ev->dev = dma_text(dev);
	ev->has |= BIT(DEV);
	for (cut_blanks(&c); c.at < c.end; cut_blanks(&c)) {
		const char *wrong;
		int key;

		if (cut_text(&c, "[TRUNCATED]")) {
			ev->has |= BIT(TRUNCATED);
			continue;
		}
		key = dma_key(&c);
		if (key < 0)
			return FIELDS_FOREIGN;
		wrong = dma_value(t, &c, (size_t)key, ev);
		if (wrong)
			return wrong;
	}
	dma_error_lists(ev);
	return NULL;
}

const struct fields_row fields_dma[] = {
	{"dma_map_page", TRACE_API_MAP, dma_take},
	{"dma_map_phys", TRACE_API_MAP, dma_take},
	{"dma_map_resource", TRACE_API_MAP, dma_take},
	{"dma_unmap_page", TRACE_API_UNMAP, dma_take},
	{"dma_unmap_phys", TRACE_API_UNMAP, dma_take},
	{"dma_unmap_resource", TRACE_API_UNMAP, dma_take},
	{"dma_map_sg", TRACE_API_MAP_SG, dma_take},
	{"dma_map_sg_err", TRACE_API_MAP_SG, dma_take},
	{"dma_unmap_sg", TRACE_API_UNMAP_SG, dma_take},
	{"dma_alloc", TRACE_API_ALLOC, dma_take},
	{"dma_alloc_pages", TRACE_API_ALLOC, dma_take},
	{"dma_alloc_sgt", TRACE_API_ALLOC, dma_take},
	{"dma_alloc_sgt_err", TRACE_API_ALLOC, dma_take},
	{"dma_free", TRACE_API_FREE, dma_take},
	{"dma_free_pages", TRACE_API_FREE, dma_take},
	{"dma_free_sgt", TRACE_API_FREE, dma_take},
	{"dma_sync_single_for_cpu", TRACE_API_SYNC, dma_take},
	{"dma_sync_single_for_device", TRACE_API_SYNC, dma_take},
	{"dma_sync_sg_for_cpu", TRACE_API_SYNC, dma_take},
	{"dma_sync_sg_for_device", TRACE_API_SYNC, dma_take},
	{0},
};
