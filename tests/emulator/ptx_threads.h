/* The threads of a block. Where they wait for each other each is a fiber, which runs until it waits; else they run one after the other. Warps take turns in
   one order or, where EMULATOR_ORDER is 1, in the other, each as far as it can get. Blocks run one after the other. */
#pragma once
#include "ptx_memory.h"
#include "ptx_races.h"

static point scheduler;
static char *rooms;
static const int64_t TURNS = 1 << 27;
/* Rooms for threads lie so far apart that neighbours do not share the same lines of the processor's caches. */
enum { ROOM = STACK + MAX_LOCAL + 17 * 64 };

/* Fibers ----------------------------------------------------------------------------------------------------------- */
static __attribute__((noreturn, noinline)) void go(void **to) { __builtin_longjmp(to, 1); }
static __attribute__((noinline)) void pause_as(enum state state, int line) {
    now->state = state, now->line = line;
    if (!__builtin_setjmp(now->at_rest)) go(scheduler);
}
static void begin(void) {
    for (;;) {
        launch.work();
        pause_as(DONE, 0);
    }
}
static void start(struct thread *thread) {
    static ucontext_t context;
    thread->started = 1;
    getcontext(&context);
    context.uc_stack.ss_sp = rooms + (size_t)thread->number * ROOM;
    context.uc_stack.ss_size = STACK;
    context.uc_link = NULL;
    makecontext(&context, begin, 0);
    setcontext(&context);
}
static __attribute__((noinline)) void resume(struct thread *thread) {
    now = thread;
    if (__builtin_setjmp(scheduler)) return;
    if (!thread->started) start(thread);
    go(thread->at_rest);
}
static point alone;  /* where a thread that no other waits for ends */
static int waits;    /* whether threads are fibers */
static __attribute__((noinline)) void run_alone(void) {
    if (!__builtin_setjmp(alone)) launch.work();
}
static __attribute__((noreturn, noinline)) void ends(void) {
    if (!waits) go(alone);
    now->started = 0, now->state = DONE;
    go(scheduler);
}
/* Now and then a thread that goes round lets others run, and one that does not end is a fault. */
static __attribute__((cold, noinline)) void round_again(int line) {
    if (now->turns < 0) fault(FAILED, line, "a thread goes round for ever, or waits for one that runs after it");
    if (waits) pause_as(RUNS, line);
}
INLINE void turn_back(int line) {
    if (UNLIKELY((--now->turns & 0x3FFFF) == 0 || now->turns < 0)) round_again(line);
}

/* Barriers --------------------------------------------------------------------------------------------------------- */
enum { PLAIN, POPC, AND, OR, XOR, ADD, MIN, MAX, SMIN, SMAX, SHUFFLE_UP, SHUFFLE_DOWN, SHUFFLE_XOR, SHUFFLE, ALL, ANY,
       UNIFORM, BALLOT, MATCH_ANY, MATCH_ALL, ACTIVE, PRODUCT };
static struct { unsigned arrived, wanted; } barriers[16];
static unsigned used;  /* those that a thread has come to, as bits */

static void check_barrier(unsigned number, unsigned wanted, int line) {
    if (number > 15) fault(FAILED, line, "a barrier has the number %u, of at most 15", number);
    if (wanted % 32 || !wanted) fault(FAILED, line, "a barrier is for %u threads, which are no warps", wanted);
    used |= 1u << number;
}
static uint32_t barrier(int kind, unsigned number, unsigned wanted, int value, int line) {
    check_barrier(number, wanted, line);
    now->kind = kind, now->barrier = number, now->wanted = wanted, now->value = value;
    pause_as(AT_BARRIER, line);
    return now->result;
}
/* A thread that tells a barrier of its coming, and does not wait. */
static void arrive(unsigned number, unsigned wanted, int line) {
    check_barrier(number, wanted, line);
    barriers[number].arrived++, barriers[number].wanted = wanted;
}
/* Where a block does not fill its last warp, that counts as a whole one. */
static unsigned whole_block(void) { return (launch.threads + 31) / 32 * 32; }

static unsigned goes;  /* the barrier, or as bits the lanes, that go on */
static int at_barrier(const struct thread *t) { return t->state == AT_BARRIER && t->barrier == goes; }
static int in_group(const struct thread *t) { return goes >> t->number % 32 & 1; }

/* Lets the threads that wait at a barrier go on if they are enough. CuPy's own kernels count on what the hardware does, and
   no document promises: threads that have ended are not waited for. */
static int met(unsigned number) {
    unsigned ended = 0;
    if (launch.meets_ended)
        for (unsigned i = 0; i < launch.threads; i++) ended += threads[i].state == DONE;
    unsigned count = barriers[number].arrived, wanted = barriers[number].wanted, holds = 0, waiting = 0;
    struct thread *before = NULL;
    for (unsigned i = 0; i < launch.threads; i++) {
        struct thread *t = now = &threads[i];
        if (t->state != AT_BARRIER || t->barrier != number) continue;
        if (count && t->wanted != wanted)
            fault(FAILED, t->line, "a barrier of %u threads is one of %u elsewhere", t->wanted, wanted);
        if (before && before->number / 32 == i / 32 && before->line != t->line)
            fault(FAILED, t->line, "threads of a warp wait at different barriers, the other in line %d", before->line);
        before = t, wanted = t->wanted, count++, waiting++, holds += t->value != 0;
    }
    if (!count || count + (wanted == whole_block() ? wanted - launch.threads + ended : 0) < wanted) return 0;
    barriers[number].arrived = 0;
    goes = number;
    if (racing) join(0, launch.threads, at_barrier);
    for (unsigned i = 0; i < launch.threads; i++) {
        struct thread *t = &threads[i];
        if (t->state != AT_BARRIER || t->barrier != number) continue;
        t->state = RUNS;
        t->result = t->kind == POPC ? holds : t->kind == AND ? holds == waiting : holds != 0;
    }
    return waiting != 0;
}

/* Warps ------------------------------------------------------------------------------------------------------------ */
/* A thread hands in `value` and waits until all in `mask` have; returns what it gets. */
static uint64_t among(int kind, uint32_t mask, uint64_t value, uint32_t other, uint32_t clamp, int line) {
    if (kind != ACTIVE && !(mask >> now->number % 32 & 1)) fault(FAILED, line, "a thread is not in the mask 0x%x of its own instruction", mask);
    now->kind = kind, now->mask = mask, now->value = value, now->other = other, now->clamp = clamp;
    pause_as(AT_WARP, line);
    return now->result;
}
static int64_t reduced(int kind, int64_t a, int64_t b) {
    const uint32_t x = a, y = b;
    switch (kind) {
    case AND: return x & y;
    case OR: return x | y;
    case XOR: return x ^ y;
    case ADD: return (uint32_t)(x + y);
    case MIN: return x < y ? x : y;
    case MAX: return x > y ? x : y;
    case SMIN: return (int32_t)x < (int32_t)y ? x : y;
    default: return (int32_t)x > (int32_t)y ? x : y;
    }
}
/* What a lane gets of what those of `group` handed in. */
static void give(struct thread *warp, unsigned lane, uint32_t group) {
    struct thread *t = &warp[lane];
    t->flag = 0;
    if (t->kind >= SHUFFLE_UP && t->kind <= SHUFFLE) {
        const unsigned parts = t->clamp >> 8 & 31, clamp = t->clamp & 31, b = t->other & 31;
        const unsigned most = (lane & parts) | (clamp & ~parts), least = lane & parts;
        int from = t->kind == SHUFFLE_UP ? (int)(lane - b) : t->kind == SHUFFLE_DOWN ? lane + b :
            t->kind == SHUFFLE_XOR ? lane ^ b : least | (b & ~parts);
        t->flag = t->kind == SHUFFLE_UP ? from >= (int)most : from <= (int)most;
        if (!t->flag) from = lane;
        now = t;
        if (!(t->mask >> from & 1)) fault(FAILED, t->line, "a shuffle reads lane %d, which is not in its mask 0x%x", from, t->mask);
        t->result = group >> from & 1 ? warp[from].value : ~0ull;  /* garbage where that thread has ended */
        return;
    }
    if (t->kind == PRODUCT) return multiply_tf32(warp, lane, group);
    int64_t sum = t->value;
    uint32_t same = 0, holds = 0;
    for (unsigned i = 0; i < 32; i++) {
        if (!(group >> i & 1)) continue;
        if (i != lane) sum = reduced(t->kind, sum, warp[i].value);
        same |= (uint32_t)(warp[i].value == t->value) << i;
        holds |= (uint32_t)(warp[i].value != 0) << i;
    }
    switch (t->kind) {
    case ALL: t->result = holds == group; break;
    case ANY: t->result = holds != 0; break;
    case UNIFORM: t->result = holds == group || !holds; break;
    case BALLOT: t->result = holds; break;
    case MATCH_ANY: t->result = same; break;
    case MATCH_ALL: t->flag = same == group, t->result = t->flag ? group : 0; break;
    case ACTIVE: t->result = group; break;
    default: t->result = sum;
    }
}
static void release(struct thread *warp, uint32_t group) {
    goes = group;
    if (racing && warp[__builtin_ctz(group)].kind == PLAIN) join(warp->number, warp->number + 32, in_group);
    for (unsigned i = 0; i < 32; i++) if (group >> i & 1) give(warp, i, group);
    for (unsigned i = 0; i < 32; i++) if (group >> i & 1) warp[i].state = RUNS;
}
/* Lets threads of a warp go on that have all come. */
static int gathered(struct thread *warp, unsigned lanes) {
    for (unsigned i = 0; i < lanes; i++) {
        struct thread *t = &warp[i];
        if (t->state != AT_WARP || t->kind == ACTIVE) continue;
        uint32_t group = 0;
        int all = 1;
        for (unsigned k = 0; k < lanes && all; k++) {
            if (!(t->mask >> k & 1) || warp[k].state == DONE) continue;
            all = warp[k].state == AT_WARP && warp[k].mask == t->mask && warp[k].kind == t->kind;
            group |= 1u << k;
        }
        if (all) return release(warp, group), 1;
    }
    for (unsigned i = 0; i < lanes; i++) {
        if (warp[i].state != AT_WARP || warp[i].kind != ACTIVE) continue;
        uint32_t group = 0;
        for (unsigned k = i; k < lanes; k++)
            group |= (uint32_t)(warp[k].state == AT_WARP && warp[k].kind == ACTIVE && warp[k].line == warp[i].line) << k;
        return release(warp, group), 1;
    }
    return 0;
}

/* Blocks ----------------------------------------------------------------------------------------------------------- */
static int stuck(void) {
    unsigned done = 0;
    struct thread *first = NULL;
    for (unsigned i = 0; i < launch.threads; i++) {
        done += threads[i].state == DONE;
        if (threads[i].state != DONE && !first) first = &threads[i];
    }
    if (!first) return 0;
    now = first;
    if (first->state == AT_WARP)
        fault(FAILED, first->line, "threads of a warp do not all come to what waits for those in the mask 0x%x", first->mask);
    fault(FAILED, first->line, "a barrier of %u threads is not reached by all of them; %u threads of the block have ended", first->wanted, done);
}
static void run_fibers(void) {
    const unsigned warps = (launch.threads + 31) / 32;
    for (;;) {
        int ran = 0;
        for (unsigned k = 0; k < warps; k++) {
            const unsigned w = launch.backwards ? warps - 1 - k : k;
            struct thread *warp = &threads[w * 32];
            const unsigned lanes = launch.threads - w * 32 < 32 ? launch.threads - w * 32 : 32;
            int waiting, some;  /* for others of the warp; whether one of it went on */
            do {
                waiting = some = 0;
                for (unsigned i = 0; i < lanes; i++) {
                    struct thread *t = &warp[launch.backwards ? lanes - 1 - i : i];
                    if (t->state == RUNS) resume(t), some = 1;
                    waiting |= t->state == AT_WARP;
                }
                ran |= some;
            } while (some && waiting && gathered(warp, lanes));
        }
        for (unsigned number = 0; used >> number; number++) if (used >> number & 1) ran |= met(number);
        if (!ran) break;
    }
    stuck();
}
static void start_block(void) {
    unsigned n = 0;
    memset(shared, 0xFF, launch.shared);
    memset(barriers, 0, sizeof barriers);
    used = 0;
    for (unsigned z = 0; z < launch.block[2]; z++)
        for (unsigned y = 0; y < launch.block[1]; y++)
            for (unsigned x = 0; x < launch.block[0]; x++, n++) {
                struct thread *t = &threads[n];
                t->number = n, t->at[0] = x, t->at[1] = y, t->at[2] = z;
                t->state = RUNS, t->top = t->depth = 0, t->turns = TURNS;
            }
    if (racing) watch_block();
}
static void run_block(void) {
    start_block();
    if (waits) {
        run_fibers();
        return;
    }
    for (unsigned i = 0; i < launch.threads; i++) {
        now = &threads[launch.backwards ? launch.threads - 1 - i : i];
        run_alone();
    }
}
static int run_kernel(const struct emulated_kernel *kernel, void (*work)(void), const unsigned *places, int meets, void **values,
                      const unsigned grid[3], const unsigned block[3], unsigned dynamic, owner *owns, char report[512]) {
    const char *order = getenv("EMULATOR_ORDER");
    const uint64_t count = (uint64_t)grid[0] * grid[1] * grid[2], most = kernel->max_threads < THREADS ? kernel->max_threads : THREADS;
    launch.kernel = kernel->name, launch.work = work, launch.owns = owns, launch.report = report, launch.code = 0;
    launch.backwards = order && order[0] == '1', launch.dynamic = dynamic, racing = getenv("EMULATED_GPU_RACES") != NULL;
    launch.meets_ended = !strncmp(kernel->name, "cupy_", 5);
    memset(launch.at, 0, sizeof launch.at);
    for (unsigned i = 0; i < 3; i++) {
        if (!grid[i] || !block[i]) return refuse(FAILED, "a grid or a block of no threads");
        launch.grid[i] = grid[i], launch.block[i] = block[i];
    }
    const uint64_t size = (uint64_t)block[0] * block[1] * block[2], room = (uint64_t)kernel->shared_bytes + dynamic;
    if (size > most) return refuse(OUT_OF_RESOURCES, "a block of %llu threads, of at most %llu", (unsigned long long)size, (unsigned long long)most);
    if (room > MAX_SHARED) return refuse(OUT_OF_RESOURCES, "%llu bytes of shared memory, of at most %d", (unsigned long long)room, MAX_SHARED);
    launch.threads = size, launch.shared = room, launch.parameters = 0;
    for (unsigned i = 0; i < kernel->parameters; i++) {
        memcpy(parameters + places[i], values[i], kernel->sizes[i]);
        launch.parameters = places[i] + kernel->sizes[i];
    }
    memset(sites, 0, site_count * sizeof *sites);
    known_count = 0;
    if (!rooms) {
        rooms = mmap(NULL, (size_t)THREADS * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (rooms == MAP_FAILED) return rooms = NULL, refuse(OUT_OF_RESOURCES, "there is no memory for the threads");
        for (unsigned i = 0; i < THREADS; i++) threads[i].local = rooms + (size_t)i * ROOM + STACK;
    }
    waits = meets;
    if (_setjmp(launch.end)) {
        for (unsigned i = 0; i < THREADS; i++) threads[i].started = 0;
        return launch.code;
    }
    for (uint64_t b = 0; b < count; b++) {
        const uint64_t at = launch.backwards ? count - 1 - b : b;
        launch.at[0] = at % grid[0], launch.at[1] = at / grid[0] % grid[1], launch.at[2] = at / grid[0] / grid[1];
        run_block();
    }
    return 0;
}
