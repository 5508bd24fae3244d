/* SPDX-License-Identifier: MIT */
/*
 * Where QEMU is known to leave the document, or chooses otherwise than we do where the document
 * leaves a choice: a row each, with the reason for accepting it. An outcome of QEMU that only a row
 * explains is counted there and our side is held to the document alone.
 */
#ifndef IOTOLL_TESTS_ORACLE_DEPARTURE_H
#define IOTOLL_TESTS_ORACLE_DEPARTURE_H

#include <stdint.h>

enum departure {
	DEPART_NONE,
	DEPART_SILENT,
	DEPART_BY_SOURCE,
	DEPART_PASS_EAGER,
	DEPART_PASS_RANGE,
	DEPART_FPD,
	DEPART_WINDOW_PAGE,
	DEPART_CAIG,
	DEPART_PASID,
	DEPART_IEDATA,
	DEPART_PR,
	DEPART_TV,
	DEPART_WRAP,
	DEPART_SKIPPED,
	DEPART_PTE_RESERVED,
	DEPART_PAGE_SIZE,
	DEPART_DTE_V,
	DEPART_LEAF_RIGHTS,
	DEPART_HEAD,
	DEPART_AVOIDED, /* rows from here on: not sent, tested elsewhere or by nobody */
	DEPART_WAIT_BOTH = DEPART_AVOIDED,
	DEPART_WAIT_NEITHER,
	DEPART_DEVTLB_SENT,
	DEPART_QIE_OFF,
	DEPART_IQE_RESUME,
	DEPART_WAIT_LOST,
	DEPART_WINDOW,
	DEPART_ONE_RECORD,
	DEPART_DEVTLB_TYPE,
	DEPART_PFSID,
	DEPART_CACHING_MODE,
	DEPART_CAPABILITIES,
	DEPART_EVENTS,
	DEPART_RANGES,
	DEPART_LEVELS,
	DEPART_ILLEGAL,
	DEPART_AMD_ABSENT,
	DEPARTURES
};

struct departure_row {
	const char *title;  /* what QEMU does */
	const char *reason; /* what the document says, what is done about it here */
};

/* By enum departure; the first is empty. */
extern const struct departure_row departure_rows[DEPARTURES];

#endif
