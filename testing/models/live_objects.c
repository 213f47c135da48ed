#include "testing/models/live_objects.h"

live_objects_t live_objects_new(property_run_t *run, size_t capacity)
{
    return (live_objects_t){
        .run = run,
        .objects = property_alloc(run, capacity * sizeof(live_object_t)),
        .capacity = capacity,
    };
}

void live_objects_expect_bytes(property_run_t *run, const void *address, size_t size_bytes, unsigned char value)
{
    const unsigned char *const bytes = address;
    for (size_t i = 0; i < size_bytes; i++) {
        if (bytes[i] != value) {
            property_note(run, "byte %zu of %p", i, address);
            PROPERTY_EXPECT_EQUAL(run, bytes[i], value);
        }
    }
}

void live_objects_add(live_objects_t *live, void *address, size_t size_bytes)
{
    unsigned char *const start = address;
    PROPERTY_EXPECT(live->run, start != NULL && live->count < live->capacity);
    for (size_t i = 0; i < live->count; i++) {
        const live_object_t *const other = &live->objects[i];
        PROPERTY_EXPECT(live->run, start + size_bytes <= other->address || other->address + other->size_bytes <= start);
    }
    const live_object_t object = {start, size_bytes, ++live->next_pattern};
    live->objects[live->count++] = object;
    __builtin_memset(start, object.pattern, size_bytes);
}

void live_objects_check(const live_objects_t *live, size_t index)
{
    const live_object_t *const object = &live->objects[index];
    live_objects_expect_bytes(live->run, object->address, object->size_bytes, object->pattern);
}

void *live_objects_remove(live_objects_t *live, size_t index)
{
    PROPERTY_EXPECT(live->run, index < live->count);
    live_objects_check(live, index);
    void *const address = live->objects[index].address;
    live->objects[index] = live->objects[--live->count];
    return address;
}
