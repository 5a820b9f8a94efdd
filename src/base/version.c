/* SPDX-License-Identifier: MIT */
#include <hawser/common.h>

const char *hawser_version(void) {
    return HAWSER_VERSION;
}
