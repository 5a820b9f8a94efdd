/* SPDX-License-Identifier: MIT */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/command.h"

/* What -h prints: one screen, examples first. COMMAND may be NULL. */
void help_short(const struct command *command);

/* What --help prints. */
void help_full(const struct command *command);

#endif
