/* SPDX-License-Identifier: MIT */
/* Completion scripts for bash, zsh and fish, made from the command table and the option table. */
#include "cli/options.h"
#include "cli/report.h"

#include <stdio.h>
#include <string.h>

static void print_words(const char *const *words, const char *separator) {
    for (size_t i = 0; words && words[i]; i++)
        printf("%s%s", i ? separator : "", words[i]);
}

static bool belongs(int id, unsigned commands_wanted) {
    return (option_table[id].commands & commands_wanted) != 0;
}

static void print_option_words(unsigned commands_wanted) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (belongs(id, commands_wanted) && option_table[id].letter)
            printf(" -%c", option_table[id].letter);
        if (belongs(id, commands_wanted) && option_table[id].name)
            printf(" --%s", option_table[id].name);
    }
}

static void print_command_names(const char *separator) {
    for (size_t i = 0; commands[i]; i++)
        printf("%s%s", i ? separator : "", commands[i]->name);
}

/* What the first operand of COMMAND is when it has no choices: a host, where the client commands are. */
static bool takes_host(const struct command *command) {
    return (command->bit & (FOR_CONNECT | FOR_RESOLVE)) != 0;
}

static void print_value_options(const char *separator) {
    const char *before = "";
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (!option_table[id].value)
            continue;
        printf("%s--%s", before, option_table[id].name);
        before = separator;
    }
}

static void print_bash_case(const struct command *command) {
    printf("    %s)\n        words='", command->name);
    print_option_words(command->bit);
    printf("'\n");
    if (command->choices) {
        printf("        ((operands == 1)) && words+=' ");
        print_words(command->choices, " ");
        printf("'\n");
    }
    if (takes_host(command))
        printf("        ((operands == 1)) && hosts=hostname\n");
    printf("        ;;\n");
}

static void print_bash(void) {
    fputs("# bash completion for hawser; made by \"hawser completion bash\"\n"
          "_hawser() {\n"
          "    local word command= words= hosts= operands=0 value= hidden='-*' i\n"
          "    local current=${COMP_WORDS[COMP_CWORD]}\n"
          "    COMPREPLY=()\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        word=${COMP_WORDS[i]}\n"
          "        if [[ $value ]]; then\n"
          "            [[ $word == = ]] || value=\n"
          "            continue\n"
          "        fi\n"
          "        case $word in\n"
          "        ", stdout);
    print_value_options(" | ");
    fputs(") value=1 ;;\n"
          "        -*) ;;\n"
          "        *) [[ $command ]] || command=$word; ((operands += 1)) ;;\n"
          "        esac\n"
          "    done\n"
          "    [[ $value ]] && return\n"
          "    case $command in\n"
          "    '')\n        words='", stdout);
    print_command_names(" ");
    print_option_words(FOR_ALL);
    printf("'\n        ;;\n");
    for (size_t i = 0; commands[i]; i++)
        print_bash_case(commands[i]);
    fputs("    esac\n"
          "    [[ $current == -* ]] && hidden=\n"   /* options only where one was begun */
          "    COMPREPLY=($(compgen -X \"$hidden\" -W \"$words\" -- \"$current\"))\n"
          "    [[ $hosts && $current != -* ]] && COMPREPLY+=($(compgen -A \"$hosts\" -- \"$current\"))\n"
          "}\n"
          "complete -o default -F _hawser hawser\n", stdout);
}

/* TEXT inside single quotes and _arguments' brackets. */
static void print_zsh_text(const char *text) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void print_zsh_option(const struct option_spec *spec, const char *spelled) {
    printf("            '%s%s[", spelled, spec->value ? "=" : "");
    print_zsh_text(spec->text);
    printf("]%s%s%s' \\\n", spec->value ? ":" : "", spec->value ? spec->value : "", spec->value ? ":" : "");
}

static void print_zsh_options(unsigned commands_wanted) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        const struct option_spec *spec = &option_table[id];
        char spelled[32];
        if (belongs(id, commands_wanted) && spec->letter) {
            snprintf(spelled, sizeof spelled, "-%c", spec->letter);
            print_zsh_option(spec, spelled);
        }
        if (belongs(id, commands_wanted) && spec->name) {
            snprintf(spelled, sizeof spelled, "--%s", spec->name);
            print_zsh_option(spec, spelled);
        }
    }
}

static void print_zsh_case(const struct command *command) {
    printf("        %s)\n            _arguments \\\n", command->name);
    print_zsh_options(command->bit);
    printf("            '1: :");
    if (command->choices) {
        putchar('(');
        print_words(command->choices, " ");
        putchar(')');
    } else {
        fputs("_hosts", stdout);
    }
    fputs("' \\\n            '*: :_default'\n            ;;\n", stdout);
}

static void print_zsh(void) {
    fputs("#compdef hawser\n"
          "# zsh completion for hawser; made by \"hawser completion zsh\"\n"
          "_hawser() {\n"
          "    local context state state_descr line\n"
          "    typeset -A opt_args\n"
          "    _arguments -C \\\n"
          "        '1: :->command' \\\n"
          "        '*:: :->rest'\n"
          "    case $state in\n"
          "    command)\n"
          "        local -a names\n"
          "        names=(\n", stdout);
    for (size_t i = 0; commands[i]; i++) {
        printf("            '%s:", commands[i]->name);
        print_zsh_text(commands[i]->summary);
        puts("'");
    }
    fputs("        )\n"
          "        _describe command names\n"
          "        ;;\n"
          "    rest)\n"
          "        case $words[1] in\n", stdout);
    for (size_t i = 0; commands[i]; i++)
        print_zsh_case(commands[i]);
    fputs("        esac\n"
          "        ;;\n"
          "    esac\n"
          "}\n"
          "if [ \"$funcstack[1]\" = _hawser ]; then\n"
          "    _hawser \"$@\"\n"
          "else\n"
          "    compdef _hawser hawser\n"
          "fi\n", stdout);
}

static void print_fish_text(const char *text) {
    putchar('\'');
    for (; *text; text++)
        printf(strchr("'\\", *text) ? "\\%c" : "%c", *text);
    putchar('\'');
}

static void print_fish_option(const struct option_spec *spec) {
    fputs("complete -c hawser -n '__fish_seen_subcommand_from", stdout);
    for (size_t i = 0; commands[i]; i++) {
        if (spec->commands & commands[i]->bit)
            printf(" %s", commands[i]->name);
    }
    putchar('\'');
    if (spec->letter)
        printf(" -s %c", spec->letter);
    if (spec->name)
        printf(" -l %s", spec->name);
    printf("%s -d ", spec->value ? " -x" : "");
    print_fish_text(spec->text);
    putchar('\n');
}

static void print_fish_operand(const struct command *command) {
    printf("complete -c hawser -n '__fish_seen_subcommand_from %s' -f", command->name);
    if (command->choices) {
        fputs(" -a '", stdout);
        print_words(command->choices, " ");
        putchar('\'');
    } else if (takes_host(command)) {
        fputs(" -a '(__fish_print_hostnames)'", stdout);
    }
    putchar('\n');
}

static void print_fish(void) {
    puts("# fish completion for hawser; made by \"hawser completion fish\"");
    for (size_t i = 0; commands[i]; i++) {
        printf("complete -c hawser -n __fish_use_subcommand -f -a %s -d ", commands[i]->name);
        print_fish_text(commands[i]->summary);
        putchar('\n');
    }
    for (size_t i = 0; commands[i]; i++)
        print_fish_operand(commands[i]);
    for (int id = 0; id < OPTION_COUNT; id++)
        print_fish_option(&option_table[id]);
}

static const struct shell {
    const char *name;
    void (*print)(void);
} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

static const char *const choices[] = {"bash", "zsh", "fish", NULL};

static int run(const struct options *options) {
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shells[i].name, options->operand[0]) == 0) {
            shells[i].print();
            return STATUS_DONE;
        }
    }
    return report_usage(&command_completion, "no completion for \"%s\"; there is bash, zsh and fish", options->operand[0]);
}

const struct command command_completion = {
    .name = "completion",
    .bit = FOR_COMPLETION,
    .run = run,
    .operands = "bash|zsh|fish",
    .least = 1,
    .most = 1,
    .missing = "completion for which shell? bash, zsh or fish",
    .summary = "print a completion script for a shell",
    .examples = "  source <(hawser completion bash)\n"
                "  hawser completion zsh > \"${fpath[1]}/_hawser\"\n"
                "  hawser completion fish > ~/.config/fish/completions/hawser.fish\n",
    .text = "Prints a script that completes commands, services, options and host names.\n",
    .choices = choices,
};
