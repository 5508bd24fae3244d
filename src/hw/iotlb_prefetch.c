// SPDX-License-Identifier: MIT
/*
 * What an IOTLB is told and what it fetches ahead, and sets that are not picked by low bits.
 *
 * Prefetchers: "next" and "adjacent" ask on a miss and on the first use of what was fetched ahead
 * (tagged prefetch: A. J. Smith, "Cache Memories", Computing Surveys 14(3), 1982, section 2.1), so
 * a sequential stream misses once. "stride" watches the pages each tag goes to: when it went the
 * same distance twice running it asks for the page as far on again. It keeps 16 tags, picked by the
 * tag's low bits; the size is our choice. No IOMMU's documentation says which of these it does.
 *
 * Hashed sets: the line number and the tag are cut into pieces as wide as a set number and the
 * pieces are XORed, as hardware would with one XOR tree per bit.
 */
#include "hw/iotlb_impl.h"

static const struct {
	const char *name, *title;
} indices[] =
	{
		[IOTLB_INDEX_MODULO] = {"modulo", "low bits of the page number pick the set"},
		[IOTLB_INDEX_HASHED] = {"hashed", "all bits of page number and tag, folded by XOR"},
},
  prefetchers[] = {
	  [IOTLB_PREFETCH_NONE] = {"none", "nothing is fetched ahead"},
	  [IOTLB_PREFETCH_NEXT] = {"next",
				   "the next page, on a miss or first use of one fetched ahead"},
	  [IOTLB_PREFETCH_ADJACENT] = {"adjacent",
				       "the other page of the aligned pair, at the same times"},
	  [IOTLB_PREFETCH_STRIDE] = {"stride", "the page as far on as the last two steps went"},
};

const char *iotlb_index_name(unsigned index, const char **title)
{
	if (index >= sizeof(indices) / sizeof(indices[0]))
		return NULL;
	if (title != NULL)
		*title = indices[index].title;
	return indices[index].name;
}

const char *iotlb_prefetch_name(unsigned prefetch, const char **title)
{
	if (prefetch >= sizeof(prefetchers) / sizeof(prefetchers[0]))
		return NULL;
	if (title != NULL)
		*title = prefetchers[prefetch].title;
	return prefetchers[prefetch].name;
}

static uint64_t fold(uint64_t value, unsigned bits)
{
	uint64_t folded = 0;

	for (; value != 0; value >>= bits)
		folded ^= value & (((uint64_t)1 << bits) - 1);
	return folded;
}

size_t iotlb_set_elsewhere(const struct iotlb *t, uint32_t tag, uint64_t line)
{
	size_t first = (size_t)(tag & t->partition_mask) << t->set_bits;
	uint64_t set = line & (((uint64_t)1 << t->set_bits) - 1);

	if (t->set_bits == 0)
		return first;
	if (t->set_choice == IOTLB_INDEX_HASHED)
		set = fold(line, t->set_bits) ^ fold(tag, t->set_bits);
	return first + (size_t)set;
}

size_t iotlb_set_of(const struct iotlb *t, uint32_t tag, uint64_t pfn)
{
	return t->entries != 0 ? set_of(t, tag, pfn >> t->line_shift) : 0;
}

static void train(struct iotlb *t, uint32_t tag, uint64_t pfn)
{
	struct iotlb_steps *s = &t->steps[tag % STEPS_HELD];

	if (!s->known || s->tag != tag) {
		*s = (struct iotlb_steps){.page = pfn, .tag = tag, .known = true};
		return;
	}
	if (pfn == s->page)
		return;
	s->twice = pfn - s->page == s->stride;
	s->stride = pfn - s->page;
	s->page = pfn;
}

void iotlb_attend(struct iotlb *t, uint32_t tag, uint64_t pfn, ptrdiff_t slot)
{
	if (t->observer != NULL && t->observer->accessed != NULL)
		t->observer->accessed(t->observer->ctx, t, tag, pfn);
	if (t->prefetch == IOTLB_PREFETCH_NONE)
		return;
	if (t->prefetch == IOTLB_PREFETCH_STRIDE)
		train(t, tag, pfn);
	t->trigger = slot < 0 || t->ahead[slot];
	if (slot >= 0 && t->ahead[slot]) {
		t->ahead[slot] = false;
		t->stats.useful++;
	}
}

bool iotlb_wants(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *want)
{
	const struct iotlb_steps *s = &t->steps[tag % STEPS_HELD];
	uint64_t page, entry;

	switch (t->prefetch) {
	case IOTLB_PREFETCH_NEXT:
		page = pfn + t->line_pages;
		break;
	case IOTLB_PREFETCH_ADJACENT:
		page = pfn ^ t->line_pages;
		break;
	case IOTLB_PREFETCH_STRIDE:
		if (!s->known || s->tag != tag || s->page != pfn || !s->twice)
			return false;
		page = pfn + s->stride;
		break;
	default:
		return false;
	}
	if ((t->prefetch != IOTLB_PREFETCH_STRIDE && !t->trigger) || page >> PFN_BITS != 0 ||
	    iotlb_probe(t, tag, page, &entry))
		return false;
	t->trigger = false;
	*want = page;
	return true;
}
