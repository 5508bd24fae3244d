/* SPDX-License-Identifier: MIT */
/*
 * An AMD-Vi unit: bringing it up in the order of early_enable_iommu() (Linux 6.1's
 * drivers/iommu/amd/init.c), device table entries (set_dte_entry(), clear_dte_entry() of iommu.c),
 * domain ids and the event log (iommu_poll_events()).
 *
 * Ours: the unit's interrupts reach nobody, so EventIntEn stays clear and the log is read when the
 * domain's watchdog asks. ACPI's table is not there to say which devices exist, so the device
 * table has an entry for every DeviceID, and which of the optional control bits firmware wants set.
 */
#include <errno.h>
#include <string.h>

#include "dma/driver/amdvi_internal.h"

#define FRAMES   ((AMDVI_DEVTAB_BYTES + AMDVI_CMDBUF_BYTES + AMDVI_EVTLOG_BYTES + 4096) / 4096)
#define FIRST_ID 1u /* 0 means no domain (pdomain_id_alloc()) */
#define IDS      65536u
/* CTRL_INV_TO_1S: what a device has to answer an invalidation. */
#define TIMEOUT_1S (UINT64_C(4) << 5)
/* Set for every device before any is attached: init_device_table_dma(). Mode 0 without rights. */
#define BLOCKED (AMDVI_DTE_V | AMDVI_DTE_TV)

uint64_t amdvi_load64(struct amdvi_unit *unit, iotoll_phys_t at)
{
	uint8_t bytes[8];
	uint64_t image;

	env_touch(unit->env, at, sizeof(image), false);
	image = __atomic_load_n((const uint64_t *)env_ptr(unit->env, at, sizeof(image)),
				__ATOMIC_ACQUIRE);
	memcpy(bytes, &image, sizeof(bytes));
	return amdvi_unpack(bytes);
}

void amdvi_store64(struct amdvi_unit *unit, iotoll_phys_t at, uint64_t value)
{
	radix_store64(unit->env, at, value);
}

void amdvi_control(struct amdvi_unit *unit, uint64_t set, uint64_t clear)
{
	const uint64_t now = env_reg_read(unit->env, AMDVI_CONTROL, 8);

	env_reg_write(unit->env, AMDVI_CONTROL, (now & ~clear) | set, 8);
}

/* ---- bringing up ---- */

static int get_memory(struct amdvi_unit *unit)
{
	const size_t bytes = FRAMES * 4096;
	int rc;

	unit->ids = calloc(IDS / 64, sizeof(*unit->ids));
	unit->attached = calloc(IDS / 64, sizeof(*unit->attached));
	rc = unit->ids && unit->attached
		     ? env_alloc_pages(unit->env, FRAMES, 4096, 0, &unit->frames)
		     : -ENOMEM;
	if (rc) {
		free(unit->attached);
		free(unit->ids);
		return rc;
	}
	memset(env_ptr(unit->env, unit->frames, bytes), 0, bytes);
	for (uint64_t devid = 0; devid < IDS; devid++)
		amdvi_pack(
			env_ptr(unit->env, amdvi_offset(unit->frames, devid * AMDVI_DTE_BYTES), 8),
			BLOCKED);
	env_touch(unit->env, unit->frames, bytes, true);
	return 0;
}

/* iommu_disable(). */
static void switch_off(struct amdvi_unit *unit)
{
	amdvi_control(unit, 0, AMDVI_CTRL_CMDBUF_EN);
	amdvi_control(unit, 0, AMDVI_CTRL_EVT_INT_EN);
	amdvi_control(unit, 0, AMDVI_CTRL_EVT_LOG_EN);
	amdvi_control(unit, 0, AMDVI_CTRL_IOMMU_EN);
}

/* Status bits that software clears. */
#define STATUS_W1C (AMDVI_STATUS_EVT_OVERFLOW | AMDVI_STATUS_EVT_INT | AMDVI_STATUS_COMWAIT_INT)

/*
 * early_enable_iommu(): flags, device table, command buffer, event log, exclusion range off, and
 * the unit itself last; then nothing that was cached before may count.
 */
static void switch_on(struct amdvi_unit *unit)
{
	struct dma_env *env = unit->env;
	struct driver_flush ignored = {.polls = 0};

	switch_off(unit);
	amdvi_control(unit, AMDVI_CTRL_COHERENT | TIMEOUT_1S, AMDVI_CTRL_INV_TIMEOUT);
	env_reg_write(env, AMDVI_DEVTAB_BASE, IOTOLL_PHYS_U64(unit->frames) | AMDVI_DEVTAB_SIZE_ALL,
		      8);
	env_reg_write(env, AMDVI_CMDBUF_BASE, IOTOLL_PHYS_U64(amdvi_cmdbuf(unit)) | AMDVI_RING_512,
		      8);
	amdvi_queue_reset(unit);
	env_reg_write(env, AMDVI_EVTLOG_BASE, IOTOLL_PHYS_U64(amdvi_evtlog(unit)) | AMDVI_RING_512,
		      8);
	env_reg_write(env, AMDVI_EVT_HEAD, 0, 4);
	env_reg_write(env, AMDVI_EVT_TAIL, 0, 4);
	env_reg_write(env, AMDVI_STATUS, STATUS_W1C, 4);
	amdvi_control(unit, AMDVI_CTRL_EVT_LOG_EN, 0);
	env_reg_write(env, AMDVI_EXCL_BASE, 0, 8);
	amdvi_control(unit, AMDVI_CTRL_IOMMU_EN, 0);
	amdvi_invalidate_everything(unit, &ignored);
}

static int bring_up(struct dma_env *env)
{
	struct amdvi_unit *unit = calloc(1, sizeof(*unit));
	int rc;

	if (!unit)
		return -ENOMEM;
	unit->env = env;
	rc = get_memory(unit);
	if (rc) {
		free(unit);
		return rc;
	}
	unit->all_at_once = (env_reg_read(env, AMDVI_EFR, 8) & AMDVI_EFR_IA) != 0;
	switch_off(unit); /* whatever an earlier owner left on */
	env->chip.unit = unit;
	return 0;
}

int amdvi_unit_get(struct amdvi_unit **out, struct dma_env *env, struct err *err)
{
	int rc = chip_join(env);

	if (rc)
		return err_set(err, rc, "no memory for the chip's lock");
	if (!env->chip.unit) {
		rc = bring_up(env);
		if (rc) {
			chip_leave(env);
			return err_set(err, rc, "no memory for AMD-Vi's device table");
		}
	}
	*out = env->chip.unit;
	(*out)->users++;
	return 0;
}

void amdvi_unit_put(struct amdvi_unit *unit)
{
	struct dma_env *env = unit->env;

	if (--unit->users == 0) {
		env->chip.unit = NULL;
		env_free_pages(env, unit->frames, FRAMES);
		free(unit->attached);
		free(unit->ids);
		free(unit);
	}
	chip_leave(env);
}

void amdvi_unit_enable(struct amdvi_unit *unit)
{
	if (unit->translating++ == 0)
		switch_on(unit);
}

void amdvi_unit_disable(struct amdvi_unit *unit)
{
	if (--unit->translating == 0)
		switch_off(unit);
}

/* ---- domain ids ---- */

int amdvi_id_get(struct amdvi_unit *unit, uint16_t *out)
{
	for (unsigned id = FIRST_ID; id < IDS; id++) {
		if (unit->ids[id / 64] >> id % 64 & 1)
			continue;
		unit->ids[id / 64] |= UINT64_C(1) << id % 64;
		*out = (uint16_t)id;
		return 0;
	}
	return -ENOSPC;
}

void amdvi_id_put(struct amdvi_unit *unit, uint16_t id)
{
	unit->ids[id / 64] &= ~(UINT64_C(1) << id % 64);
}

/* ---- devices ---- */

static iotoll_phys_t entry_of(const struct amdvi_unit *unit, uint16_t devid)
{
	return amdvi_offset(unit->frames, (uint64_t)devid * AMDVI_DTE_BYTES);
}

int amdvi_device_set(struct amdvi_unit *unit, uint16_t devid, uint64_t q0, uint64_t q1)
{
	const uint64_t bit = UINT64_C(1) << devid % 64;
	const bool taken = chip_lock(unit->env);
	int rc = 0;

	if (unit->attached[devid / 64] & bit) {
		rc = -EBUSY;
	} else {
		unit->attached[devid / 64] |= bit;
		/* The domain first: the unit may look between the two stores. */
		amdvi_store64(unit, amdvi_offset(entry_of(unit, devid), 8), q1);
		amdvi_store64(unit, entry_of(unit, devid), q0);
	}
	chip_unlock(unit->env, taken);
	return rc;
}

void amdvi_device_clear(struct amdvi_unit *unit, uint16_t devid)
{
	const bool taken = chip_lock(unit->env);

	amdvi_store64(unit, entry_of(unit, devid), BLOCKED);
	amdvi_store64(unit, amdvi_offset(entry_of(unit, devid), 8), 0);
	unit->attached[devid / 64] &= ~(UINT64_C(1) << devid % 64);
	chip_unlock(unit->env, taken);
}

/* ---- events ---- */

/* iommu_print_event(), and its memset(): code 0 marks an entry that was read. */
static void take_event(struct amdvi_unit *unit, uint64_t head, struct iotoll_dma_fault *out)
{
	const iotoll_phys_t at = amdvi_offset(amdvi_evtlog(unit), head);
	const uint64_t q0 = amdvi_load64(unit, at);

	*out = (struct iotoll_dma_fault){
		.status = q0 >> AMDVI_EVT_CODE_SHIFT,
		.detail = (q0 & AMDVI_BITS(59, 48)) >> AMDVI_EVT_FLAGS_SHIFT,
		.agent = (unsigned)(q0 & AMDVI_CMD_DEVID),
		.iova = amdvi_load64(unit, amdvi_offset(at, 8)),
	};
	amdvi_store64(unit, at, 0);
	amdvi_store64(unit, amdvi_offset(at, 8), 0);
}

/* amd_iommu_int_thread(): acknowledge, read what is there, and start an overflown log again. */
int amdvi_unit_events(struct amdvi_unit *unit, struct iotoll_dma_fault *out)
{
	struct dma_env *env = unit->env;
	const uint32_t status = (uint32_t)env_reg_read(env, AMDVI_STATUS, 4);
	struct iotoll_dma_fault *to = out, rest;
	uint64_t head, tail;

	if (!(status & (AMDVI_STATUS_EVT_INT | AMDVI_STATUS_EVT_OVERFLOW)))
		return 0;
	env_reg_write(env, AMDVI_STATUS, status & STATUS_W1C, 4);
	head = env_reg_read(env, AMDVI_EVT_HEAD, 4) % AMDVI_EVTLOG_BYTES;
	tail = env_reg_read(env, AMDVI_EVT_TAIL, 4) % AMDVI_EVTLOG_BYTES;
	*out = (struct iotoll_dma_fault){.status = 0};
	while (head != tail) {
		take_event(unit, head, to);
		to = &rest;
		head = (head + AMDVI_RING_ENTRY_BYTES) % AMDVI_EVTLOG_BYTES;
	}
	env_reg_write(env, AMDVI_EVT_HEAD, head, 4);
	if (status & AMDVI_STATUS_EVT_OVERFLOW) {
		amdvi_control(unit, 0, AMDVI_CTRL_EVT_LOG_EN);
		amdvi_control(unit, AMDVI_CTRL_EVT_LOG_EN, 0);
	}
	return 1;
}
