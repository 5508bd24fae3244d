/* SPDX-License-Identifier: MIT */
/* What Linux's flush queue has room for (IOVA_FQ_SIZE), for whoever reads recordings of one. */
#ifndef IOTOLL_DMA_FLUSH_QUEUE_H
#define IOTOLL_DMA_FLUSH_QUEUE_H

#define FLUSH_QUEUE_SLOTS 256u                     /* of a CPU's ring; one stays empty */
#define FLUSH_QUEUE_ROOM  (FLUSH_QUEUE_SLOTS - 1u) /* so many wait when it is full */

#endif
