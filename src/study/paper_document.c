/* SPDX-License-Identifier: MIT */
/* The document of the study "paper": everything a report shows, as JSON. */
#include <errno.h>

#include "study/paper_generations.h"

static const char summary[] =
	"The experiments of \"The Price of Safety: Evaluating IOMMU Performance\" (OLS 2007): "
	"netserver on a machine with IBM's Calgary IOMMU, on bare metal, in dom0 and in a domU of "
	"a "
	"Xen-like hypervisor, a netperf client at the other end of a Gigabit link, every message "
	"size with the IOMMU off and on; and FFSB on a disk. TCP stacks, drivers, hypervisor, "
	"the table and cache of the IOMMU and every byte are really executed in virtual time; what "
	"each step costs comes from machine profiles in which every number names its source. The "
	"paper's figures survive only as pictures, so its prose ranges are what results are held "
	"against. It contradicts itself on where the increase of 60 % occurs (section 2.1: also on "
	"bare metal; section 6: under a hypervisor only); the rules below accept either. The "
	"machine with DART, of which the paper says only that it gave much the same, runs the same "
	"sizes. What the paper leaves open under the hypervisor (who sends small messages, how, on "
	"how "
	"many CPUs) is run in every plausible way, and tables say which of them give its picture.";

json_t *paper_document(struct paper *p, struct err *err)
{
	json_t *claims = paper_claims(p, err), *runs = json_array();
	json_t *generations = claims ? paper_generations_section(p, err) : NULL;

	if (!claims || !runs || !generations) {
		json_decref(generations);
		json_decref(claims);
		json_decref(runs);
		return NULL;
	}
	for (size_t i = 0; i < p->study.count; i++)
		if (p->study.point[i].result)
			json_array_append(runs, p->study.point[i].result);
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:[o], s:o}", "study",
			 "paper", "title", "The Price of Safety", "version", IOTOLL_VERSION, "seed",
			 (json_int_t)p->seed, "sut", "x460-2007", "client", "e326", "summary",
			 summary, "figures", paper_figures(p), "tables", paper_tables(p), "claims",
			 claims, "sections", generations, "runs", runs);
}
