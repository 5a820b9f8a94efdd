/* SPDX-License-Identifier: MIT */
/*
 * A test program in a network of its own, as root of it: raw sockets are allowed, every port is free, the interface is a
 * loopback that nobody else uses, and names are what a hosts file of the test's says.
 */
#ifndef TESTS_OWN_WORLD_H
#define TESTS_OWN_WORLD_H

/* Called first thing in main: starts the program again inside unshare(1), with HOSTS (NULL = the system's) over /etc/hosts. It
 * returns in the new world only; where none can be had the program ends with a sentence and exit code 1. A simulated world is
 * one of its own already. */
void enter_own_world(char **argv, const char *hosts);

#endif
