/* SPDX-License-Identifier: MIT */
/* Names of this program's functions, static ones included, from its own symbol table. */
#ifndef IOTOLL_BENCH_LEDGER_SYMBOLS_H
#define IOTOLL_BENCH_LEDGER_SYMBOLS_H

/* Read the table of /proc/self/exe. 0, -ENOMEM, -ENOENT (stripped), or what reading it said. */
int symbols_load(void);
void symbols_free(void);
/*
 * The function that begins at @address, without the suffixes compilers add to parts and copies, and
 * in *@file the base name of the file of a static one, "" of any other. NULL: not in this program.
 */
const char *symbols_name(const void *address, const char **file);

#endif
