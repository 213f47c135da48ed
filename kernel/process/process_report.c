/*
 * What is said about a process that did what it had no right to: one piece of text, line by line to its sink.
 *
 *   process 7 (fault): page fault: write of 0x0000000000000000: no area
 *     registers, then a backtrace of the program's own frames, with the names of functions that its file knows:
 *   at 0x0000000000400a56 access_as+0x16
 *   by 0x0000000000400a96 main+0x36
 *
 * The frames are the program's word, and so hostile: each is copied in like a system call's argument, they have to go
 * upwards, and there is an end to them.
 */
#include "arch/inline.h"
#include "elf.h"
#include "mm/kmalloc.h"
#include "process_internal.h"

#define REPORT_BYTES  4096u
#define BACKTRACE_MAX 16u

static void write_access(text_writer_t *writer, const trap_report_t *report, vm_fault_t fault)
{
    const char *const access = report->is_execute ? "execution" : report->is_write ? "write" : "read";
    text_format(writer, ": %s of 0x%016llx: %s", access, (unsigned long long)report->address, vm_fault_name(fault));
}

/* Says what is mapped where the access went, or nearest below it. */
static void write_area(text_writer_t *writer, process_t *process, uintptr_t address)
{
    vm_area_info_t area;
    if (address_space_find(process->space, address, &area)) {
        char rights[4];
        vm_access_text(area.access, rights);
        text_format(writer, "\n  in area 0x%llx to 0x%llx, %s%s", (unsigned long long)area.start,
                    (unsigned long long)area.end, rights, area.is_shared ? ", shared" : "");
    }
}

/* Names the function that holds `address`. A return address is looked up by the call before it. */
static void write_function(text_writer_t *writer, const process_t *process, uintptr_t address, unsigned back)
{
    const char *name;
    uint64_t offset;
    if (process->file != NULL && elf_symbol_find(process->file, process->file_size, address - back, &name, &offset)) {
        text_format(writer, " %s+0x%llx", name, (unsigned long long)offset + back);
    }
}

/* The program's frames, from its frame pointer on. */
static void write_backtrace(text_writer_t *writer, process_t *process, const trap_report_t *report)
{
    text_format(writer, "\n  at 0x%016llx", (unsigned long long)report->instruction);
    write_function(writer, process, report->instruction, 0);
    uintptr_t frame = report->frame;
    for (unsigned depth = 0; depth < BACKTRACE_MAX && frame != 0; depth++) {
        uint64_t record[2]; /* the caller's frame pointer, then where it goes on */
        const uintptr_t place = frame + (uintptr_t)(intptr_t)PORT_FRAME_RECORD_OFFSET;
        if (address_space_copy_in(process->space, record, place, sizeof(record), NULL) != STATUS_OK || record[1] == 0) {
            break;
        }
        text_format(writer, "\n  by 0x%016llx", (unsigned long long)record[1]);
        write_function(writer, process, record[1], 1);
        if (record[0] <= frame) {
            break; /* callers' frames lie above */
        }
        frame = record[0];
    }
}

/* Gives the sink a text a line at a time; the text is cut up. */
static void tell(const process_sink_t *sink, char *text)
{
    while (*text != '\0') {
        char *end = text;
        while (*end != '\0' && *end != '\n') {
            end++;
        }
        const bool is_last = *end == '\0';
        *end = '\0';
        if (end != text) {
            sink->report(sink->context, text);
        }
        text = is_last ? end : end + 1;
    }
}

void process_report_fault(process_t *process, const trap_report_t *report, vm_fault_t fault)
{
    char *const text = kmalloc(REPORT_BYTES);
    if (text == NULL) {
        process->sink->report(process->sink->context, "a process ended by a fault; no memory to say more");
        return;
    }
    text_writer_t writer = text_writer(text, REPORT_BYTES);
    text_format(&writer, "process %u (%s): %s", process->pid, process->name, report->name);
    if (report->kind == TRAP_PAGE_FAULT) {
        write_access(&writer, report, fault);
        write_area(&writer, process, report->address);
    }
    text_char(&writer, '\n');
    user_state_write(&writer, &process->user);
    write_backtrace(&writer, process, report);
    tell(process->sink, text);
    kfree(text);
}
