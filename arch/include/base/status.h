/*
 * How a function tells that the world said no: memory is out, no such file, input that makes no sense.
 *
 * A caller's mistake (a double free, say) is never a status: base/check.h stops the kernel for those.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/compiler.h"

typedef enum status {
    STATUS_OK = 0,
    STATUS_NO_MEMORY,    /* an allocation failed; trying later may work */
    STATUS_INVALID,      /* an argument or input breaks the documented rules */
    STATUS_NOT_FOUND,    /* no such file, object, region or command */
    STATUS_EXISTS,       /* the name or range is taken */
    STATUS_OUT_OF_RANGE, /* an offset, count or address beyond the limit */
    STATUS_BUSY,         /* in use; the holder must let go first */
    STATUS_DENIED,       /* not allowed: a write to a read-only file, for one */
    STATUS_UNSUPPORTED,  /* this machine or build does not offer it */
    STATUS_NOT_READY,    /* a step that this one depends on has not run */
    STATUS_CORRUPT,      /* data from outside is malformed or truncated */
    STATUS_OVER_QUOTA,   /* more than the caller may have at once */
    STATUS_COUNT
} status_t;

/* The status in words, for messages: "no memory". Never NULL, for any value. */
static inline const char *status_name(status_t status)
{
    static const char *const names[STATUS_COUNT] = {
        "ok",   "no memory", "invalid",     "not found", "exists",  "out of range",
        "busy", "denied",    "unsupported", "not ready", "corrupt", "over quota",
    };
    return (unsigned)status < STATUS_COUNT ? names[status] : "unknown status";
}

#endif
