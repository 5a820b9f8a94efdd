/* SPDX-License-Identifier: MIT */
/*
 * getaddrinfo's own number space, turned into codes. Its numbers meet those of errno (both are small, some systems have them
 * positive) and its texts differ from system to system, so neither goes any further than here.
 */
#include "base/error.h"

#include <netdb.h>

static const struct {
    int eai, code;
} codes[] = {
    {EAI_NONAME, HAWSER_ENONAME},       {EAI_NODATA, HAWSER_ENOADDRESS},  {EAI_ADDRFAMILY, HAWSER_ENOADDRESS},
    {EAI_AGAIN, HAWSER_ETRYAGAIN},      {EAI_FAIL, HAWSER_ENAMESERVER},   {EAI_SERVICE, HAWSER_ENOSERVICE},
    {EAI_FAMILY, HAWSER_EFAMILY},       {EAI_SOCKTYPE, HAWSER_ESOCKTYPE}, {EAI_BADFLAGS, HAWSER_EFLAGS},
    {EAI_OVERFLOW, HAWSER_EOVERFLOW},   {EAI_MEMORY, ENOMEM},
};

int hawser__code_from_eai(int eai, int system_errno) {
    if (eai == EAI_SYSTEM)
        return system_errno ? system_errno : HAWSER_ENAMESERVER;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].eai == eai)
            return codes[i].code;
    return HAWSER_ENAMESERVER;
}
