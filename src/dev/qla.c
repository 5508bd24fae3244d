/* SPDX-License-Identifier: MIT */
/* The adapter as a whole: making it, resets, what a refused DMA does. */
#include "dev/qla.h"

#include <errno.h>
#include <stdlib.h>

#include "dev/qla_internal.h"

void qla_config_default(struct qla_config *out)
{
	*out = (struct qla_config){
		.bus_limits = {.max_read = 2048, .max_write = 4096, .outstanding = 1},
	};
}

void qla_queue_push(struct qla_queue *q, struct qla_exchange *x)
{
	x->next = NULL;
	*(q->last ? &q->last->next : &q->first) = x;
	q->last = x;
}

void qla_queue_remove(struct qla_queue *q, struct qla_exchange *x)
{
	struct qla_exchange *before = NULL, *at = q->first;

	while (at && at != x) {
		before = at;
		at = at->next;
	}
	if (!at)
		return;
	*(before ? &before->next : &q->first) = x->next;
	if (q->last == x)
		q->last = before;
}

bool qla_dma_ok(struct qla *hba, int status)
{
	if (!status)
		return true;
	hba->stats.dma_errors++;
	if (status == -ESHUTDOWN)
		hba->dead = true;
	return false;
}

void qla_halt(struct qla *hba, uint16_t event)
{
	hba->halted = true;
	qla_post_async(hba, event);
}

void qla_drop_all(struct qla *hba)
{
	bus_port_abort(&hba->port);
	for (unsigned i = 0; i < QLA_EXCHANGES; i++) {
		struct qla_exchange *x = &hba->exchange[i];

		if (x->stage == QLA_FREE)
			continue;
		disk_abort(hba->config.disk, &x->io);
		sim_cancel(hba->machine->sim, &x->event);
		qla_exchange_free(x);
	}
	qla_data_reset(hba);
	hba->fetching = false;
	hba->gathering = NULL;
	hba->answers = (struct qla_queue){NULL, NULL};
	hba->answering = false;
	hba->answer_waits = false;
}

void qla_reset(struct qla *hba)
{
	qla_drop_all(hba);
	hba->dead = false;
	hba->running = false;
	hba->ready = false;
	hba->halted = false;
	hba->paused = false;
	hba->req_length = hba->rsp_length = 0;
	hba->req_in = hba->req_out = hba->rsp_in = hba->rsp_out = 0;
	hba->processor_free = 0;
	qla_regs_reset(hba);
	hba->stats.resets++;
}

int qla_create(struct qla **out, const struct qla_config *config)
{
	struct qla *hba;
	int rc;

	if (!config->bus || !config->disk)
		return -EINVAL;
	hba = calloc(1, sizeof(*hba));
	if (!hba)
		return -ENOMEM;
	hba->config = *config;
	hba->machine = bus_machine(config->bus);
	rc = bus_port_init(&hba->port, config->bus, config->devid, &config->bus_limits);
	if (rc) {
		free(hba);
		return rc;
	}
	qla_request_init(hba);
	qla_data_init(hba);
	qla_response_init(hba);
	qla_reset(hba);
	hba->stats.resets = 0;
	*out = hba;
	return 0;
}

void qla_destroy(struct qla *hba)
{
	if (!hba)
		return;
	qla_drop_all(hba);
	sim_cancel(hba->machine->sim, &hba->interrupt);
	bus_port_fini(&hba->port);
	free(hba);
}

const struct qla_stats *qla_stats(const struct qla *hba)
{
	return &hba->stats;
}
