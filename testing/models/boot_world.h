/*
 * A small physical memory to put boot data into, for the readers in kernel/boot: twice, with different bytes around, so that a
 * read outside the window shows as a difference.
 */
#ifndef TESTING_MODELS_BOOT_WORLD_H
#define TESTING_MODELS_BOOT_WORLD_H

#include "kernel/boot/boot_data.h"
#include "testing/property/property.h"

#define BOOT_WORLD_BASE   UINT64_C(0x9000)
#define BOOT_WORLD_BYTES  4096u
#define BOOT_WORLD_MARGIN 512u
#define BOOT_WORLD_TWINS  2u

/* What a reader made of one of the twins. */
typedef struct boot_outcome {
    status_t status;
    memory_map_t map; /* finished */
    status_t map_status;
    cmdline_t cmdline;
    boot_data_t boot;
    uint32_t lines_told;
} boot_outcome_t;

typedef struct boot_world {
    uint8_t memory[BOOT_WORLD_TWINS][BOOT_WORLD_MARGIN + BOOT_WORLD_BYTES + BOOT_WORLD_MARGIN];
    uint64_t window_bytes; /* at most BOOT_WORLD_BYTES: how much the readers may see */
    uint64_t next;         /* where the builder puts the next bytes, from BOOT_WORLD_BASE */
    memory_map_t expected; /* what the builder added, as the map should have it */
    memory_map_t scratch;  /* expected, finished */
    boot_outcome_t outcomes[BOOT_WORLD_TWINS];
} boot_world_t;

/* A reader under test. */
typedef status_t (*boot_reader_t)(const boot_window_t *window, physical_address_t address, boot_data_t *boot);

/* An empty world; the margins of the twins differ in every byte. */
boot_world_t *boot_world_open(property_run_t *run);

/* Building: little-endian numbers at the builder's place, or at an offset. Out of room fails the property. */
void boot_world_put(property_run_t *run, boot_world_t *world, uint64_t value, size_t size);
void boot_world_put_at(boot_world_t *world, uint64_t offset, uint64_t value, size_t size);
void boot_world_put_text(property_run_t *run, boot_world_t *world, const char *text);
void boot_world_align(boot_world_t *world, uint64_t alignment);
uint64_t boot_world_address(const boot_world_t *world); /* physical, of the builder's place */

/* Draws a region as firmware may tell it, and adds it to what is expected, if a map takes it. */
memory_region_t boot_world_draw_region(property_run_t *run);
void boot_world_expect(boot_world_t *world, uint64_t base, uint64_t size_bytes, memory_region_type_t type);

/* Damages some bytes that were built: numbers that readers may stumble over. May cut the window. */
void boot_world_damage(property_run_t *run, boot_world_t *world);

/*
 * Runs the reader on both twins and checks what holds for any bytes: the same outcome twice, a valid map, bounded complaints, text in
 * bounds. Returns the outcome.
 */
const boot_outcome_t *boot_world_read(property_run_t *run, boot_world_t *world, boot_reader_t reader, uint64_t address);

/* Expects the finished map to be exactly what the builder expected. */
void boot_world_expect_map(property_run_t *run, boot_world_t *world, const boot_outcome_t *outcome);

#endif
