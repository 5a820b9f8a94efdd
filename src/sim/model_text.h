/* SPDX-License-Identifier: MIT */
/*
 * A model as text: "loss=0.01,crash_every=5", the fields by the names that they have in hawser/sim.h, those of the link by
 * theirs. What is not named stays as it is; "perfect" sets everything that can be named to zero. A number that is written reads
 * back as the very same double, and the locale has no say in either.
 */
#ifndef HAWSER__MODEL_TEXT_H
#define HAWSER__MODEL_TEXT_H

#include <hawser/sim.h>

#define HAWSER__MODEL_TEXT 1536   /* holds every model, with its NUL */

/* What makes a world milder, beside a field's zero. */
enum hawser__milder { HAWSER__MILDER_NOTHING, HAWSER__MILDER_LESS, HAWSER__MILDER_MORE };

/* A field that can be named. Every one is a number: a flag is 0 or 1. */
struct hawser__model_field {
    const char *name;
    size_t offset;
    int kind;
    enum hawser__milder milder;
};
#define HAWSER__MODEL_FIELDS 28
extern const struct hawser__model_field hawser__model_fields[HAWSER__MODEL_FIELDS];

double hawser__model_get(const hawser_sim_model *model, const struct hawser__model_field *field);
/* False: the field cannot be VALUE, and is what it was. Whether that makes sense is hawser__limits_take's to say. */
bool hawser__model_set(hawser_sim_model *model, const struct hawser__model_field *field, double value);

/* Changes MODEL as TEXT says. NULL; else where in TEXT the part begins that makes no sense, and MODEL is not changed. */
const char *hawser__model_read(hawser_sim_model *model, const char *text);
/* Why PART, where hawser__model_read came to, makes no sense; and why the field FAULT of hawser__limits_take does not: its
 * value, and what there may be. Returns REASON, which has HAWSER__MODEL_REASON bytes. */
#define HAWSER__MODEL_REASON 256
const char *hawser__model_part_reason(const char *part, char *reason);
const char *hawser__model_value_reason(const hawser_sim_model *model, const char *fault, char *reason);

/* The whole of MODEL: "perfect", and every field that is not zero. TEXT has HAWSER__MODEL_TEXT bytes. */
void hawser__model_write(const hawser_sim_model *model, char *text);

#endif
