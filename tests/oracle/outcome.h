/* SPDX-License-Identifier: MIT */
/*
 * What may become of one access to one page, as a judge of the tables sees it.
 */
#ifndef IOTOLL_TESTS_ORACLE_OUTCOME_H
#define IOTOLL_TESTS_ORACLE_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "departure.h"

#define OUTCOMES_MAX 64u

struct outcome {
	bool blocked;
	bool recorded;            /* blocked: is it due in the fault registers? */
	uint8_t reason;           /* recorded: the code */
	uint64_t paddr;           /* not blocked */
	enum departure departure; /* DEPART_NONE: the document allows it; else only QEMU may */
};

#endif
