/*
 * User mode for the host: a RISC-V CPU in software, on the host port's software MMU. It implements arch/user.h, so
 * that the kernel's processes run the very programs there that they run on a machine, and every access of theirs is
 * checked by the page tables.
 *
 * RV64IM without compressed instructions (RISC-V unprivileged ISA, 2.1 to 2.9, 7, and table 24.2 for the encodings),
 * in little-endian order. No floating point, atomics or control registers: they are illegal instructions, as for
 * every user program. Instruction fetch, loads and stores go through host_user_access(); nothing else reaches memory.
 * After TICK_INSTRUCTIONS the CPU's timer ticks.
 */
#include "arch/inline.h"
#include "arch/page_access.h"
#include "arch/user.h"
#include "host.h"

#define TICK_INSTRUCTIONS 5000u

enum { REGISTER_RA = 1, REGISTER_SP = 2, REGISTER_FP = 8, REGISTER_A0 = 10, REGISTER_A7 = 17, WORD_PC = 32 };

enum {
    OPCODE_LOAD = 0x03,
    OPCODE_FENCE = 0x0f,
    OPCODE_IMMEDIATE = 0x13,
    OPCODE_AUIPC = 0x17,
    OPCODE_IMMEDIATE_32 = 0x1b,
    OPCODE_STORE = 0x23,
    OPCODE_REGISTER = 0x33,
    OPCODE_LUI = 0x37,
    OPCODE_REGISTER_32 = 0x3b,
    OPCODE_BRANCH = 0x63,
    OPCODE_JALR = 0x67,
    OPCODE_JAL = 0x6f,
    OPCODE_SYSTEM = 0x73,
};

#define INSTRUCTION_ECALL  0x00000073u
#define INSTRUCTION_EBREAK 0x00100073u

/* What one instruction came to. */
typedef enum step { STEP_DONE, STEP_CALL, STEP_FAULT } step_t;

/* A CPU in the middle of an instruction. */
typedef struct core {
    uint64_t *x; /* the registers; x[WORD_PC] is the program counter */
    uint32_t instruction;
    trap_report_t *report;
} core_t;

/* ---- parts of an instruction ---- */

static uint32_t bits(uint32_t word, unsigned low, unsigned count)
{
    return word >> low & ((1u << count) - 1);
}

static uint64_t sign_extend(uint64_t value, unsigned width)
{
    const uint64_t sign = UINT64_C(1) << (width - 1);
    return (value ^ sign) - sign;
}

static unsigned destination(const core_t *core)
{
    return bits(core->instruction, 7, 5);
}

static uint64_t source_1(const core_t *core)
{
    return core->x[bits(core->instruction, 15, 5)];
}

static uint64_t source_2(const core_t *core)
{
    return core->x[bits(core->instruction, 20, 5)];
}

static unsigned function_3(const core_t *core)
{
    return bits(core->instruction, 12, 3);
}

static unsigned function_7(const core_t *core)
{
    return bits(core->instruction, 25, 7);
}

static uint64_t immediate_i(const core_t *core)
{
    return sign_extend(bits(core->instruction, 20, 12), 12);
}

static uint64_t immediate_s(const core_t *core)
{
    return sign_extend(function_7(core) << 5 | bits(core->instruction, 7, 5), 12);
}

static uint64_t immediate_b(const core_t *core)
{
    const uint32_t word = core->instruction;
    return sign_extend(
        bits(word, 31, 1) << 12 | bits(word, 7, 1) << 11 | bits(word, 25, 6) << 5 | bits(word, 8, 4) << 1, 13);
}

static uint64_t immediate_u(const core_t *core)
{
    return sign_extend(core->instruction & 0xfffff000u, 32);
}

static uint64_t immediate_j(const core_t *core)
{
    const uint32_t word = core->instruction;
    return sign_extend(
        bits(word, 31, 1) << 20 | bits(word, 12, 8) << 12 | bits(word, 20, 1) << 11 | bits(word, 21, 10) << 1, 21);
}

static step_t done(core_t *core, uint64_t value)
{
    if (destination(core) != 0) {
        core->x[destination(core)] = value;
    }
    core->x[WORD_PC] += 4;
    return STEP_DONE;
}

/* ---- trouble ---- */

static step_t fault(core_t *core, trap_kind_t kind, const char *name)
{
    *core->report = (trap_report_t){
        .kind = kind,
        .name = name,
        .is_user = true,
        .instruction = core->x[WORD_PC],
        .stack = core->x[REGISTER_SP],
        .frame = core->x[REGISTER_FP],
        .registers = core->x,
    };
    return STEP_FAULT;
}

static step_t illegal(core_t *core)
{
    return fault(core, TRAP_ILLEGAL_INSTRUCTION, "illegal instruction");
}

static step_t page_fault(core_t *core, uintptr_t address, page_access_t access)
{
    const step_t step = fault(core, TRAP_PAGE_FAULT, "page fault");
    core->report->address = address;
    core->report->is_write = (access & PAGE_ACCESS_WRITE) != 0;
    core->report->is_execute = (access & PAGE_ACCESS_EXECUTE) != 0;
    return step;
}

/* ---- memory ---- */

/* An access of 1 to 8 bytes, in two parts where it crosses into another page: the first that is refused faults. */
static bool reach(core_t *core, uintptr_t address, page_access_t access, size_t size, uint64_t *value)
{
    const size_t room = PAGE_SIZE - (address & PAGE_OFFSET_MASK);
    const size_t first = size < room ? size : room;
    uint64_t low = *value;
    uint64_t high = first < size ? *value >> (8 * first) : 0;
    /* Both places are looked at before either is written. */
    if (first < size && (access & PAGE_ACCESS_WRITE) != 0) {
        uint64_t old = 0;
        if (!host_user_access(address, PAGE_ACCESS_READ, 1, &old) || !host_user_access(address, access, 1, &old)) {
            (void)page_fault(core, address, access);
            return false;
        }
        if (!host_user_access(address + first, PAGE_ACCESS_READ, 1, &old) ||
            !host_user_access(address + first, access, 1, &old)) {
            (void)page_fault(core, address + first, access);
            return false;
        }
    }
    if (!host_user_access(address, access, first, &low)) {
        (void)page_fault(core, address, access);
        return false;
    }
    if (first < size && !host_user_access(address + first, access, size - first, &high)) {
        (void)page_fault(core, address + first, access);
        return false;
    }
    *value = first < size ? (low & ((UINT64_C(1) << (8 * first)) - 1)) | high << (8 * first) : low;
    return true;
}

static step_t load(core_t *core)
{
    const unsigned kind = function_3(core);
    const size_t size = (size_t)1 << (kind & 3);
    uint64_t value = 0;
    if (kind == 7) {
        return illegal(core);
    }
    if (!reach(core, source_1(core) + immediate_i(core), PAGE_ACCESS_READ, size, &value)) {
        return STEP_FAULT;
    }
    return done(core, (kind & 4) != 0 || size == 8 ? value : sign_extend(value, (unsigned)(8 * size)));
}

static step_t store(core_t *core)
{
    uint64_t value = source_2(core);
    if (function_3(core) > 3) {
        return illegal(core);
    }
    if (!reach(core, source_1(core) + immediate_s(core), PAGE_ACCESS_WRITE, (size_t)1 << function_3(core), &value)) {
        return STEP_FAULT;
    }
    core->x[WORD_PC] += 4;
    return STEP_DONE;
}

/* ---- arithmetic ---- */

/* Multiplication and division of `width` bits (32 or 64); division by zero and overflow as the ISA has them (7.2). */
static uint64_t multiply_divide(unsigned kind, uint64_t a, uint64_t b, unsigned width)
{
    const int64_t left = (int64_t)(width == 32 ? sign_extend(a & UINT32_MAX, 32) : a);
    const int64_t right = (int64_t)(width == 32 ? sign_extend(b & UINT32_MAX, 32) : b);
    const uint64_t left_unsigned = width == 32 ? a & UINT32_MAX : a;
    const uint64_t right_unsigned = width == 32 ? b & UINT32_MAX : b;
    switch (kind) {
    case 0:
        return a * b;
    case 1:
        return (uint64_t)(((__int128)left * right) >> 64);
    case 2:
        return (uint64_t)(((__int128)left * (__int128)right_unsigned) >> 64);
    case 3:
        return (uint64_t)(((unsigned __int128)left_unsigned * right_unsigned) >> 64);
    case 4:
        return right == 0 ? UINT64_MAX : right == -1 ? 0 - (uint64_t)left : (uint64_t)(left / right);
    case 5:
        return right_unsigned == 0 ? UINT64_MAX : left_unsigned / right_unsigned;
    case 6:
        return right == 0 ? (uint64_t)left : right == -1 ? 0 : (uint64_t)(left % right);
    default:
        return right_unsigned == 0 ? left_unsigned : left_unsigned % right_unsigned;
    }
}

/* The operations that have an immediate form, too. `is_other` picks subtraction and the arithmetic shift. */
static uint64_t operate(unsigned kind, uint64_t a, uint64_t b, bool is_other)
{
    switch (kind) {
    case 0:
        return is_other ? a - b : a + b;
    case 1:
        return a << (b & 63);
    case 2:
        return (int64_t)a < (int64_t)b;
    case 3:
        return a < b;
    case 4:
        return a ^ b;
    case 5:
        return is_other ? (uint64_t)((int64_t)a >> (b & 63)) : a >> (b & 63);
    case 6:
        return a | b;
    default:
        return a & b;
    }
}

/* The same on 32 bits; the result is sign-extended (4.2). Returns false for what is no such instruction. */
static bool operate_32(unsigned kind, uint64_t a, uint64_t b, bool is_other, uint64_t *result)
{
    const uint32_t left = (uint32_t)a;
    uint32_t value;
    switch (kind) {
    case 0:
        value = is_other ? left - (uint32_t)b : left + (uint32_t)b;
        break;
    case 1:
        value = left << (b & 31);
        break;
    case 5:
        value = is_other ? (uint32_t)((int32_t)left >> (b & 31)) : left >> (b & 31);
        break;
    default:
        return false;
    }
    *result = sign_extend(value, 32);
    return true;
}

static step_t with_immediate(core_t *core)
{
    const unsigned kind = function_3(core);
    const uint64_t immediate = immediate_i(core);
    const unsigned top = bits(core->instruction, 26, 6);
    if ((kind == 1 && top != 0) || (kind == 5 && (top & ~0x10u) != 0)) {
        return illegal(core);
    }
    return done(core, operate(kind, source_1(core), immediate, kind == 5 && top == 0x10));
}

static step_t with_immediate_32(core_t *core)
{
    const unsigned kind = function_3(core);
    uint64_t result;
    if (!operate_32(kind, source_1(core), immediate_i(core), kind == 5 && function_7(core) == 0x20, &result)) {
        return illegal(core);
    }
    return done(core, result);
}

static step_t with_register(core_t *core, bool is_narrow)
{
    const unsigned group = function_7(core);
    const unsigned kind = function_3(core);
    uint64_t result;
    if (group == 1) {
        if (is_narrow && kind != 0 && kind < 4) {
            return illegal(core);
        }
        result = multiply_divide(kind, source_1(core), source_2(core), is_narrow ? 32 : 64);
        return done(core, is_narrow ? sign_extend(result & UINT32_MAX, 32) : result);
    }
    if (group != 0 && !(group == 0x20 && (kind == 0 || kind == 5))) {
        return illegal(core);
    }
    if (!is_narrow) {
        return done(core, operate(kind, source_1(core), source_2(core), group != 0));
    }
    return operate_32(kind, source_1(core), source_2(core), group != 0, &result) ? done(core, result) : illegal(core);
}

/* ---- control ---- */

static step_t branch(core_t *core)
{
    const uint64_t a = source_1(core);
    const uint64_t b = source_2(core);
    bool is_taken;
    switch (function_3(core) >> 1) {
    case 0:
        is_taken = a == b;
        break;
    case 2:
        is_taken = (int64_t)a < (int64_t)b;
        break;
    case 3:
        is_taken = a < b;
        break;
    default:
        return illegal(core);
    }
    is_taken ^= (function_3(core) & 1) != 0;
    core->x[WORD_PC] += is_taken ? immediate_b(core) : 4;
    return STEP_DONE;
}

static step_t jump(core_t *core, uint64_t target)
{
    (void)done(core, core->x[WORD_PC] + 4);
    core->x[WORD_PC] = target;
    return STEP_DONE;
}

static step_t system(core_t *core)
{
    if (core->instruction == INSTRUCTION_ECALL) {
        core->x[WORD_PC] += 4;
        return STEP_CALL;
    }
    return core->instruction == INSTRUCTION_EBREAK ? fault(core, TRAP_BREAKPOINT, "breakpoint") : illegal(core);
}

static step_t step(core_t *core)
{
    uint64_t fetched = 0;
    const uintptr_t pc = core->x[WORD_PC];
    if ((pc & 3) != 0) {
        return fault(core, TRAP_OTHER, "instruction address misaligned");
    }
    if (!host_user_access(pc, PAGE_ACCESS_EXECUTE, 4, &fetched)) {
        return page_fault(core, pc, PAGE_ACCESS_EXECUTE);
    }
    core->instruction = (uint32_t)fetched;
    switch (bits(core->instruction, 0, 7)) {
    case OPCODE_LOAD:
        return load(core);
    case OPCODE_FENCE:
        core->x[WORD_PC] += 4;
        return STEP_DONE;
    case OPCODE_IMMEDIATE:
        return with_immediate(core);
    case OPCODE_AUIPC:
        return done(core, pc + immediate_u(core));
    case OPCODE_IMMEDIATE_32:
        return with_immediate_32(core);
    case OPCODE_STORE:
        return store(core);
    case OPCODE_REGISTER:
        return with_register(core, false);
    case OPCODE_LUI:
        return done(core, immediate_u(core));
    case OPCODE_REGISTER_32:
        return with_register(core, true);
    case OPCODE_BRANCH:
        return branch(core);
    case OPCODE_JALR:
        return jump(core, (source_1(core) + immediate_i(core)) & ~UINT64_C(1));
    case OPCODE_JAL:
        return jump(core, pc + immediate_j(core));
    case OPCODE_SYSTEM:
        return system(core);
    default:
        return illegal(core);
    }
}

/* ---- arch/user.h ---- */

void user_state_init(user_state_t *state, uintptr_t entry, uintptr_t stack, uint64_t argument)
{
    *state = (user_state_t){{0}};
    state->words[WORD_PC] = entry;
    state->words[REGISTER_SP] = stack;
    state->words[REGISTER_A0] = argument;
}

user_event_t user_run(user_state_t *state, trap_report_t *report)
{
    core_t core = {.x = state->words, .report = report};
    for (unsigned count = 0; count < TICK_INSTRUCTIONS; count++) {
        switch (step(&core)) {
        case STEP_CALL:
            return USER_EVENT_CALL;
        case STEP_FAULT:
            return USER_EVENT_FAULT;
        case STEP_DONE:
            break;
        }
    }
    __atomic_fetch_add(&cpu_current()->timer_ticks, 1, __ATOMIC_RELAXED);
    return USER_EVENT_INTERRUPT;
}

uint64_t user_call_number(const user_state_t *state)
{
    return state->words[REGISTER_A7];
}

uint64_t user_call_argument(const user_state_t *state, unsigned index)
{
    return state->words[REGISTER_A0 + index];
}

void user_call_set_result(user_state_t *state, uint64_t result)
{
    state->words[REGISTER_A0] = result;
}

void user_state_write(text_writer_t *writer, const user_state_t *state)
{
    for (unsigned index = 1; index < 32; index++) {
        text_format(writer, "x%-2u %016llx%s", index, (unsigned long long)state->words[index],
                    index % 4 == 0 ? "\n" : "  ");
    }
    text_format(writer, "pc  %016llx\n", (unsigned long long)state->words[WORD_PC]);
}
