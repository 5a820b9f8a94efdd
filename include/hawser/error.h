/* SPDX-License-Identifier: MIT */
/*
 * Errors.
 *
 * A failing call returns -1 or NULL and sets three things for the calling task:
 *   errno           a system code (ECONNREFUSED, ETIMEDOUT ...) or one of the HAWSER_E* codes below;
 *   hawser_error()  a sentence "VERB OBJECT: REASON", such as "connect to localhost:12345: Connection refused";
 *   hawser_moved()  for calls that move bytes, how many had moved before the failure.
 *
 * Five results that must never be confused:
 *   end of stream   0, from recv and the reads of a file
 *   error           -1 and a code that says which
 *   would block     -1 and EAGAIN, only with a timeout of 0
 *   timeout         -1 and ETIMEDOUT: a timeout above 0 has passed (or the kernel has given up on a peer that is silent)
 *   cancelled       -1 and ECANCELED (world.h: hawser_interrupt_on_signal); EBADF when the socket was closed meanwhile
 *
 * Successful calls, hawser_close and every free leave errno, sentence and count alone, so that an error can be printed after
 * cleaning up. Nothing here waits; nothing in the library prints, exits or aborts, but for what hawser_run says of stacks.
 * Python: OSError and its subclasses, socket.timeout, socket.gaierror, socket.herror.
 */
#ifndef HAWSER_ERROR_H
#define HAWSER_ERROR_H

#include <hawser/common.h>

HAWSER_BEGIN

/* Codes that errno has no name for. Their numbers never meet those of the system and never change. */
enum {
    HAWSER_ENONAME = 20001,   /* no such host name (EAI_NONAME): final */
    HAWSER_ENOADDRESS,        /* the name exists, without an address of the family asked for (EAI_NODATA, EAI_ADDRFAMILY) */
    HAWSER_ETRYAGAIN,         /* the name server did not answer (EAI_AGAIN): later it may */
    HAWSER_ENAMESERVER,       /* the name server failed for good (EAI_FAIL) */
    HAWSER_ENOSERVICE,        /* no such service name, or not for this socket type (EAI_SERVICE) */
    HAWSER_EFAMILY,           /* name look-up does not know this address family (EAI_FAMILY) */
    HAWSER_ESOCKTYPE,         /* name look-up does not know this socket type (EAI_SOCKTYPE) */
    HAWSER_EFLAGS,            /* name look-up does not know these flags (EAI_BADFLAGS) */
    HAWSER_EOVERFLOW,         /* the caller's buffer is too small for the name (EAI_OVERFLOW) */
    HAWSER_EADDRESS,          /* the text is no address */
    HAWSER_ETOOLONG,          /* a line or message is longer than the caller's limit; nothing was consumed */
    HAWSER_EEOF,              /* the stream ended before all the bytes asked for */
    HAWSER_ECHECK             /* a check of a simulated scenario failed (hawser_sim_fail) */
};

/* The sentence about the last failure of the calling task, "" before the first. Valid until its next failing call. */
const char *hawser_error(void);

/* The text of a system code or a HAWSER_E* code, like strerror, but safe in every thread. Valid until the next call of the
 * same task when the code is unknown, otherwise static. */
const char *hawser_strerror(int code);

/* The bytes that the task's last failing call had moved (sendall, sendfile, recv_exactly, read, flush): 0 for any other
 * call. */
uint64_t hawser_moved(void);

HAWSER_END

#endif
