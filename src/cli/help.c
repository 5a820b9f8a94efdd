/* SPDX-License-Identifier: MIT */
/* The help texts, from the tables: commands, options, exit statuses. */
#include "cli/help.h"

#include "cli/options.h"
#include "cli/report.h"

#include <stdio.h>
#include <string.h>

static const char first_examples[] =
    "  hawser serve ok 12345              a server that answers every line with \"OK...\"\n"
    "  hawser connect localhost 12345     talk to it\n"
    "  hawser resolve localhost http      look up a name\n";

static const char addresses_text[] =
    "Addresses\n"
    "  example.org:http      a name, with the port as a service name\n"
    "  127.0.0.1:80          IPv4\n"
    "  [::1]:80              IPv6; the brackets may be left out when no port follows\n"
    "  [fe80::1%eth0]:80     an IPv6 address on one interface\n"
    "  unix:/run/x.sock      a Unix socket file\n"
    "  unix:@name            an abstract Unix name\n"
    "  systemd:, systemd:x   for \"serve\": sockets that a service manager hands over, all or those called x\n"
    "\n"
    "The port may also be an argument of its own; it is 12345 if omitted.\n"
    "\"serve\" takes a port alone as well and then listens on 127.0.0.1 and ::1; port 0 is any free one.\n";

static void print_addresses(void) {
    fputs(addresses_text, stdout);
}

static void print_statuses(void) {
    puts("Exit status");
    for (const struct status_line *line = report_statuses; line->text; line++)
        printf("  %2d  %s\n", line->status, line->text);
    puts("\nA command that a signal kills reports the signal (130 after Ctrl-C).\n"
         "\"serve\" ends with 0 after the first Ctrl-C.");
}

static const struct topic {
    const char *name, *summary;
    void (*print)(void);
} topics[] = {
    {"addresses", "how addresses are written", print_addresses},
    {"exit-status", "what the exit status tells", print_statuses},
};

#define TOPICS (sizeof topics / sizeof *topics)

static void print_options(unsigned commands_wanted) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        const struct option_spec *spec = &option_table[id];
        if (!(spec->commands & commands_wanted))
            continue;
        char letter[8] = "    ", name[32] = "";
        if (spec->letter)
            snprintf(letter, sizeof letter, "-%c%s", spec->letter, spec->name ? ", " : "");
        if (spec->name)
            snprintf(name, sizeof name, "--%s%s%s", spec->name, spec->value ? " " : "", spec->value ? spec->value : "");
        printf("  %s%-*s %s\n", letter, (int)(24 - strlen(letter)), name, spec->text);
    }
}

static void print_commands(void) {
    puts("\nCommands");
    for (size_t i = 0; commands[i]; i++)
        printf("  %-11s %s\n", commands[i]->name, commands[i]->summary);
}

static void print_usage(const struct command *command) {
    printf("usage: hawser %s %s [OPTION...]\n", command->name, command->operands);
}

void help_short(const struct command *command) {
    fputs(command ? command->examples : first_examples, stdout);
    putchar('\n');
    if (command) {
        print_usage(command);
        print_options(command->bit);
        printf("\nAll about it: hawser help %s\n", command->name);
        return;
    }
    puts("usage: hawser COMMAND ...");
    print_commands();
    puts("\nMore: hawser COMMAND -h, hawser help, man hawser");
}

static void print_overview(void) {
    puts("hawser: talk to a port, serve one, look up a name\n\nusage: hawser COMMAND [ARGUMENT...] [OPTION...]");
    print_commands();
    puts("\nTopics of \"hawser help\"");
    for (size_t i = 0; i < TOPICS; i++)
        printf("  %-11s %s\n", topics[i].name, topics[i].summary);
    puts("\nOptions (each command says which are its own)");
    print_options(FOR_ALL);
    puts("\nA long option takes its value as --option=value or as the next argument. \"--\" ends the options.\n");
    print_statuses();
    printf("\nExamples\n%s", first_examples);
}

void help_full(const struct command *command) {
    if (!command) {
        print_overview();
        return;
    }
    print_usage(command);
    printf("\n%s\n", command->text);
    puts("Options");
    print_options(command->bit);
    printf("\nExamples\n%s", command->examples);
}

static int unknown_topic(const char *name) {
    const char *names[16] = {NULL};
    size_t count = 0;
    for (size_t i = 0; commands[i]; i++)
        names[count++] = commands[i]->name;
    for (size_t i = 0; i < TOPICS; i++)
        names[count++] = topics[i].name;
    const char *nearest = options_nearest(name, names);
    if (nearest)
        return report_usage(&command_help, "no help on \"%s\"; did you mean \"%s\"?", name, nearest);
    return report_usage(&command_help, "no help on \"%s\"", name);
}

static int run(const struct options *options) {
    const char *name = options->operand[0];
    const struct command *command = name ? command_find(name) : NULL;
    if (!name || command) {
        help_full(command);
        return STATUS_DONE;
    }
    for (size_t i = 0; i < TOPICS; i++) {
        if (strcmp(topics[i].name, name) == 0) {
            topics[i].print();
            return STATUS_DONE;
        }
    }
    return unknown_topic(name);
}

static const char *const choices[] = {"serve", "connect", "resolve", "completion", "help", "addresses", "exit-status", NULL};

const struct command command_help = {
    .name = "help",
    .bit = FOR_HELP,
    .run = run,
    .operands = "[COMMAND|addresses|exit-status]",
    .most = 1,
    .summary = "this, or the full help on a command or topic",
    .examples = "  hawser help\n"
                "  hawser help serve\n"
                "  hawser help addresses\n",
    .text = "Prints the full help.\n",
    .choices = choices,
};
