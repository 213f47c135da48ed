/*
 * Intrusive doubly linked lists: the link lives in the element, and an empty list is a link to itself (Knuth, TAOCP
 * 1, 2.2.5).
 *
 * No locking and no memory: the owner of the list brings both. An element is on at most one list per link; a link
 * that is on none is "unlinked" and can be asked for it.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

typedef struct list_link {
    struct list_link *next;
    struct list_link *previous;
} list_link_t;

/* A list is its sentinel: head.next is the first element, head.previous the last. */
typedef struct list {
    list_link_t head;
} list_t;

static inline void list_init(list_t *list)
{
    list->head.next = list->head.previous = &list->head;
}

static inline void list_link_init(list_link_t *link)
{
    link->next = link->previous = NULL;
}

static inline bool list_is_linked(const list_link_t *link)
{
    return link->next != NULL;
}

static inline bool list_is_empty(const list_t *list)
{
    return list->head.next == &list->head;
}

static inline void list_insert_between(list_link_t *link, list_link_t *before, list_link_t *after)
{
    link->previous = before;
    link->next = after;
    before->next = link;
    after->previous = link;
}

static inline void list_push_front(list_t *list, list_link_t *link)
{
    list_insert_between(link, &list->head, list->head.next);
}

static inline void list_push_back(list_t *list, list_link_t *link)
{
    list_insert_between(link, list->head.previous, &list->head);
}

/* Takes `link` off whatever list it is on, and marks it unlinked. */
static inline void list_remove(list_link_t *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_link_init(link);
}

/* Takes off and returns the first element's link, or NULL when the list is empty. */
static inline list_link_t *list_pop_front(list_t *list)
{
    if (list_is_empty(list)) {
        return NULL;
    }
    list_link_t *const link = list->head.next;
    list_remove(link);
    return link;
}

/* Visits the links of `list` in order; the body may remove the visited link, and nothing else. */
#define LIST_FOR_EACH(list, link)                                                                 \
    for (list_link_t *link = (list)->head.next, *link##_next = link->next; link != &(list)->head; \
         link = link##_next, link##_next = link->next)

#endif
