/* SPDX-License-Identifier: MIT */
/* A function to offload that stops, as long as the door is shut, until the test lets it go on. Nothing is timed. */
#ifndef TESTS_DOOR_H
#define TESTS_DOOR_H

#include <stdbool.h>

/* The door is open at first. */
void set_door(bool open);

/* Stands at the door until it is open; gives the int that ARG points to, 0 for NULL. */
int stand_inside(void *arg);

/* Waits until N stand there; false when it took too long. */
bool wait_in_door(int n);

#endif
