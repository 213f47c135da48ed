/*
 * //kern/mem/inject: failure injection (mm/inject.h) as a file.
 *
 * What is written is a rule, in words; what is read is the rule that is armed, or was last, and what has come of it.
 *
 *   nth N | every N | after N     refuse the Nth allocation; every Nth; every one after N
 *   pages | objects               only runs of pages; only objects and large blocks
 *   cache NAME                    only objects of that cache; "large": blocks over 4096 bytes
 *   caller NAME | ADDRESS         only calls from that function; or the one call that returns to that address
 *   times M                       no more than M refusals, 0: without end; KFS_INJECT_TIMES_USUAL unless told
 *   off                           no rule, and no other word
 *
 * Exactly one of the first line's, in any order with the others, each once. The usual end is there because opening
 * this very file takes memory.
 */
#ifndef FS_KFS_INJECT_H
#define FS_KFS_INJECT_H

#include "fs/kfs.h"
#include "mm/inject.h"

#define KFS_INJECT_TIMES_USUAL 100u

/* Names of code, as far as the image knows them. */
typedef struct kfs_code_names {
    bool (*find)(const char *name, uintptr_t *start, uintptr_t *end); /* where a function lies; false: not known */
    void (*describe)(uintptr_t address, text_writer_t *writer);       /* as one word */
} kfs_code_names_t;

/*
 * Reads a rule. STATUS_INVALID when the words make none, STATUS_NOT_FOUND for a function that is not known; nothing is
 * stored then. *is_off: the word was "off", and *rule is not touched.
 */
MUST_USE status_t kfs_inject_parse(const char *text, const kfs_code_names_t *names, inject_rule_t *rule, bool *is_off);

/* A file "inject". `names` must outlive it. */
kfs_node_t kfs_inject_node(const kfs_code_names_t *names);

#endif
