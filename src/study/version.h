/* SPDX-License-Identifier: MIT */
/*
 * Which program made a result: the release and a fingerprint of the executable, the TCP stack's
 * module and its library, so that a stored result is never taken for that of a program that may
 * compute another one.
 */
#ifndef IOTOLL_STUDY_VERSION_H
#define IOTOLL_STUDY_VERSION_H

/* "0.1.0+8f3a...": computed once a process; static storage, not thread safe. */
const char *version_of_program(void);

#endif
