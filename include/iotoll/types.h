/* SPDX-License-Identifier: MIT */
/*
 * Address types. Physical and I/O virtual addresses are distinct types to sparse (-Wbitwise), so
 * that a swapped argument is found; a plain compiler sees 64-bit integers. Crossing between a
 * type and its number goes through the named macros below, nowhere else.
 */
#ifndef IOTOLL_TYPES_H
#define IOTOLL_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* Around declarations: of C to C++, and visible outside a library that hides the rest. */
#ifdef __cplusplus
#define IOTOLL_DECLS_BEGIN                                 \
	_Pragma("GCC visibility push(default)") extern "C" \
	{
#define IOTOLL_DECLS_END \
	}                \
	_Pragma("GCC visibility pop")
#else
#define IOTOLL_DECLS_BEGIN _Pragma("GCC visibility push(default)")
#define IOTOLL_DECLS_END   _Pragma("GCC visibility pop")
#endif

#ifdef __CHECKER__
#define IOTOLL_BITWISE __attribute__((bitwise))
#define IOTOLL_FORCE   __attribute__((force))
#else
#define IOTOLL_BITWISE
#define IOTOLL_FORCE
#endif

/* What a device puts on the bus. */
typedef uint64_t IOTOLL_BITWISE iotoll_iova_t;
/* Where a byte is in memory. */
typedef uint64_t IOTOLL_BITWISE iotoll_phys_t;

#define IOTOLL_IOVA(number)    ((IOTOLL_FORCE iotoll_iova_t)(uint64_t)(number))
#define IOTOLL_IOVA_U64(iova)  ((IOTOLL_FORCE uint64_t)(iova))
#define IOTOLL_PHYS(number)    ((IOTOLL_FORCE iotoll_phys_t)(uint64_t)(number))
#define IOTOLL_PHYS_U64(paddr) ((IOTOLL_FORCE uint64_t)(paddr))

#endif
