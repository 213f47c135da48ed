/*
 * Memory tags (arch/memory_tags.h) by the Memory Tagging Extension, FEAT_MTE2 (Arm ARM, D10): four bits for every 16
 * bytes of memory that is mapped as Normal Tagged, compared with bits 56 to 59 of the pointer.
 *
 * All pointers of the kernel have TAG_OPEN there, as the addresses of its half begin with ones. So memory in use has
 * that tag, closed pages have TAG_CLOSED, and TCR_EL1.TCMA1, which would leave such pointers unchecked, is on during
 * the self-test only: before every page was opened.
 *
 *   MAIR_EL1       memory is Normal Tagged, but for the image, which is partly read-only: entry.S, page_table.c
 *   TCR_EL1.TBI1   bits 56 to 63 are no part of a kernel address: without it nothing is checked (D10.4)
 *   SCTLR_EL1.ATA  the kernel may access tags; TCF: what becomes of a wrong one, a fault (1) or a note in TFSR_EL1 (2)
 *   PSTATE.TCO     nothing is checked: set by every exception, and cleared by vectors of their own (trap_entry.S)
 *
 * Tags are set and never drawn, so GCR_EL1 and RGSR_EL1, which the drawing goes by (IRG), stay as they are. User mode
 * has neither tags nor checks: SCTLR_EL1.ATA0, TCF0 and TCR_EL1.TBI0 are clear.
 */
#include "arch/memory_tags.h"

#include "address_map.h"
#include "attempt.h"
#include "control.h"
#include "page_entry.h"
#include "page_table.h"
#include "processor.h"
#include "registers.h"
#include "trap_frame.h"

#define TAG_SHIFT     56
#define TAG_MASK      (UINT64_C(15) << TAG_SHIFT)
#define TAG_OPEN      15u
#define TAG_CLOSED    0u
#define TAG_TRIED     5u /* two of no meaning, for the self-test */
#define TAG_OTHER     10u
#define GRANULE_BYTES 16u

#define SCTLR_ATA              (UINT64_C(1) << 43)
#define SCTLR_TCF_SYNCHRONOUS  (UINT64_C(1) << 40)
#define SCTLR_TCF_ASYNCHRONOUS (UINT64_C(2) << 40)
#define SCTLR_TCF_MASK         (UINT64_C(3) << 40)
#define TCR_TBI1               (UINT64_C(1) << 38)
#define TCR_TCMA1              (UINT64_C(1) << 58)
#define TFSR_UPPER             (UINT64_C(1) << 1) /* TF1: of an address of the kernel's half */

#define PFR1_MTE      8 /* where ID_AA64PFR1_EL1 has it */
#define MTE_WITH_TAGS 2 /* less are instructions only */

/* DCZID_EL0: the block that DC GVA tags is 4 << BS bytes; DZP prohibits it (Arm ARM, D17.2.31). */
#define BLOCK_MASK       UINT64_C(15)
#define BLOCK_PROHIBITED UINT64_C(16)

static memory_tags_t findings;
static bool is_checking; /* every CPU that starts shall */

/* ---- tags ---- */

static uintptr_t with_tag(uintptr_t address, unsigned tag)
{
    return (address & ~TAG_MASK) | (uintptr_t)tag << TAG_SHIFT;
}

static void store_tag(uintptr_t address, unsigned tag)
{
    __asm__ volatile(".arch_extension memtag\n\tstg %0, [%1]" ::"r"(with_tag(address, tag)), "r"(address) : "memory");
}

static unsigned load_tag(uintptr_t address)
{
    uintptr_t tagged = address;
    __asm__ volatile(".arch_extension memtag\n\tldg %0, [%1]" : "+r"(tagged) : "r"(address) : "memory");
    return (unsigned)(tagged >> TAG_SHIFT) & 15;
}

/* STGM: a row of granules, as many as GMID_EL1 says, from a register with a tag for each in four bits. */
static void store_row(uintptr_t address, uint64_t tags)
{
    __asm__ volatile(".arch_extension memtag\n\tstgm %0, [%1]" ::"r"(tags), "r"(address) : "memory");
}

static void tag_pages(uintptr_t start, size_t count, unsigned tag)
{
    const uint64_t zeroing = SYSTEM_REGISTER_READ(dczid_el0);
    const uint64_t block = UINT64_C(4) << (zeroing & BLOCK_MASK);
    const uintptr_t end = start + count * PAGE_SIZE;

    if ((zeroing & BLOCK_PROHIBITED) == 0 && block <= PAGE_SIZE) {
        for (uintptr_t at = start; at < end; at += block) {
            __asm__ volatile(".arch_extension memtag\n\tdc gva, %0" ::"r"(with_tag(at, tag)) : "memory");
        }
        return;
    }
    for (uintptr_t at = start; at < end; at += 2 * GRANULE_BYTES) {
        __asm__ volatile(".arch_extension memtag\n\tst2g %0, [%1]" ::"r"(with_tag(at, tag)), "r"(at) : "memory");
    }
}

/* Whether every granule of a page has this tag. */
static bool page_has_tag(uintptr_t page, unsigned tag)
{
    for (uintptr_t at = page; at < page + PAGE_SIZE; at += GRANULE_BYTES) {
        if (load_tag(at) != tag) {
            return false;
        }
    }
    return true;
}

/* Whether a load by this tag goes through. */
static bool is_let_in(uintptr_t address, unsigned tag)
{
    uint32_t value;
    return attempt_read_32(with_tag(address, tag), &value);
}

/* ---- what the CPU does with them ---- */

/* What registers say may be cached with translations (Arm ARM, D8.13). */
static void set_control(uint64_t system, uint64_t translation)
{
    const uint64_t other_system = SYSTEM_REGISTER_READ(sctlr_el1) & ~(SCTLR_ATA | SCTLR_TCF_MASK);
    const uint64_t other_translation = SYSTEM_REGISTER_READ(tcr_el1) & ~(TCR_TBI1 | TCR_TCMA1);

    SYSTEM_REGISTER_WRITE(S3_3_C4_C2_7, 0); /* TCO */
    SYSTEM_REGISTER_WRITE(tcr_el1, other_translation | translation);
    SYSTEM_REGISTER_WRITE(sctlr_el1, other_system | system);
    __asm__ volatile("isb\n\ttlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
}

bool memory_tags_are_offered(void)
{
    return register_field(SYSTEM_REGISTER_READ(id_aa64pfr1_el1), PFR1_MTE) >= MTE_WITH_TAGS;
}

void processor_check_tags(void)
{
    if (is_checking && memory_tags_are_offered()) {
        SYSTEM_REGISTER_WRITE(vbar_el1, (uintptr_t)trap_vectors_checked);
        set_control(SCTLR_ATA | SCTLR_TCF_SYNCHRONOUS, TCR_TBI1);
    }
}

/* ---- the self-test ---- */

/* Whether tags are kept, where they should be and nowhere else, and for how much memory each. */
static const char *try_tags(uintptr_t page)
{
    const uintptr_t next = page + PAGE_SIZE;
    uint32_t granule = GRANULE_BYTES;

    tag_pages(page, MEMORY_TAGS_SCRATCH_PAGES, TAG_TRIED);
    if (!page_has_tag(page, TAG_TRIED) || !page_has_tag(next, TAG_TRIED)) {
        return "the tag of a page is not kept";
    }
    store_tag(page, TAG_OTHER);
    if (load_tag(page) != TAG_OTHER) {
        return "a single tag is not kept";
    }
    while (granule < PAGE_SIZE && load_tag(page + granule) == TAG_OTHER) {
        granule *= 2;
    }
    if (!page_has_tag(next, TAG_TRIED)) {
        return "a tag reaches into the next page";
    }
    findings.granule_bytes = granule;
    store_row(page, UINT64_C(0x1111111111111111) * TAG_TRIED);
    if (!page_has_tag(page, TAG_TRIED)) {
        return "a row of tags is not kept";
    }
    return NULL;
}

/* Whether the CPU looks at them, at the time when it should. All but tagged pointers are unchecked. */
static const char *try_checks(uintptr_t page)
{
    set_control(SCTLR_ATA | SCTLR_TCF_SYNCHRONOUS, TCR_TBI1 | TCR_TCMA1);
    tag_pages(page, 1, TAG_TRIED);
    if (!is_let_in(page, TAG_TRIED) || !is_let_in(page + PAGE_SIZE - GRANULE_BYTES, TAG_TRIED)) {
        return "an access by the right tag faults";
    }
    findings.is_synchronous = !is_let_in(page, TAG_OTHER);
    if (!findings.is_synchronous) {
        return "an access by a wrong tag goes through";
    }
    store_tag(page, TAG_OTHER);
    if (!is_let_in(page, TAG_OTHER) || is_let_in(page, TAG_TRIED)) {
        return "an access goes by the tag that was";
    }
    if (is_let_in(page + findings.granule_bytes, TAG_TRIED) != (findings.granule_bytes < PAGE_SIZE)) {
        return "an access goes by its neighbour's tag";
    }
    set_control(SCTLR_ATA | SCTLR_TCF_ASYNCHRONOUS, TCR_TBI1 | TCR_TCMA1);
    SYSTEM_REGISTER_WRITE(S3_0_C5_C6_0, 0); /* TFSR_EL1 */
    const bool is_passed = is_let_in(page, TAG_TRIED);
    data_barrier(); /* what was noted is there then (Arm ARM, D10.4) */
    findings.is_asynchronous = is_passed && (SYSTEM_REGISTER_READ(S3_0_C5_C6_0) & TFSR_UPPER) != 0;
    SYSTEM_REGISTER_WRITE(S3_0_C5_C6_0, 0);
    return NULL;
}

const memory_tags_t *memory_tags_probe(void *scratch)
{
    findings = (memory_tags_t){0};
    set_control(SCTLR_ATA, TCR_TBI1);
    findings.failure = try_tags((uintptr_t)scratch);
    if (findings.failure == NULL) {
        findings.failure = try_checks((uintptr_t)scratch);
    }
    tag_pages((uintptr_t)scratch, MEMORY_TAGS_SCRATCH_PAGES, TAG_OPEN);
    set_control(0, 0);
    return &findings;
}

/* ---- in use ---- */

static bool open_leaf(const radix_table_t *table, uintptr_t address, uint64_t *entry, unsigned level, void *context)
{
    (void)table;
    (void)context;
    if (((*entry >> ENTRY_INDEX_SHIFT) & ENTRY_INDEX) == MEMORY_NORMAL) {
        tag_pages(address, radix_span(level) / PAGE_SIZE, TAG_OPEN);
    }
    return true;
}

status_t memory_tags_start(void *scratch)
{
    if (findings.failure != NULL) {
        return STATUS_UNSUPPORTED;
    }
    set_control(SCTLR_ATA, TCR_TBI1);
    (void)radix_walk(&kernel_page_table.table, ADDRESS_DIRECT_MAP, ADDRESS_IMAGE, open_leaf, NULL);
    is_checking = true;
    processor_check_tags();
    memory_tags_close(scratch, 1);
    const bool is_closed = !is_let_in((uintptr_t)scratch, TAG_OPEN);
    memory_tags_open(scratch, 1);
    if (!is_closed || !is_let_in((uintptr_t)scratch, TAG_OPEN)) {
        findings.failure = is_closed ? "a page that was opened is closed" : "a page that was closed is open";
        is_checking = false;
        set_control(0, 0);
        SYSTEM_REGISTER_WRITE(vbar_el1, (uintptr_t)trap_vectors);
        return STATUS_UNSUPPORTED;
    }
    processor_note_tags();
    return STATUS_OK;
}

void memory_tags_open(void *first, size_t count)
{
    tag_pages((uintptr_t)first, count, TAG_OPEN);
}

void memory_tags_close(void *first, size_t count)
{
    tag_pages((uintptr_t)first, count, TAG_CLOSED);
}
