/* SPDX-License-Identifier: MIT */
/*
 * What every topic header needs: the system names that Hawser's calls take (NULL, size_t, ssize_t, AF_*, SOCK_*, MSG_*,
 * IPPROTO_*, SHUT_*), C linkage for C++, and the version.
 */
#ifndef HAWSER_COMMON_H
#define HAWSER_COMMON_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>

#define HAWSER_VERSION_MAJOR 0
#define HAWSER_VERSION_MINOR 1
#define HAWSER_VERSION_PATCH 0
#define HAWSER_VERSION "0.1.0"

#ifdef __cplusplus
#define HAWSER_BEGIN extern "C" {
#define HAWSER_END }
#else
#define HAWSER_BEGIN
#define HAWSER_END
#endif

/* Lets the compiler check a format against its arguments. Positions count from 1; ARGS is 0 for a va_list. */
#if defined(__GNUC__)
#define HAWSER_FORMAT(FORMAT, ARGS) __attribute__((format(printf, FORMAT, ARGS)))
#else
#define HAWSER_FORMAT(FORMAT, ARGS)
#endif

/* For a timeout: wait without limit. (0 means: do not wait at all.) */
#define HAWSER_NO_TIMEOUT (-1.0)

HAWSER_BEGIN

/* The version of the library that is linked, "0.1.0"; HAWSER_VERSION is the one compiled against. Static text. */
const char *hawser_version(void);

HAWSER_END

#endif
