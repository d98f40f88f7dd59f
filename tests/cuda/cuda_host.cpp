// Runs kernels on a processor: each thread of a block is a fiber, which runs until it waits at a barrier or in
// a shuffle. Warps take turns in one order or the other, each as far as it can get, so that a missing barrier shows.
// Blocks run one after the other. What it cannot show: races between blocks, and what weakly ordered memory does.
#define _GNU_SOURCE
#include "cuda_host.h"
#include <setjmp.h>
#include <stdlib.h>
#include <ucontext.h>

Triple blockIdx, blockDim, gridDim;

#ifndef __SANITIZE_ADDRESS__
// What the compiler calls where an access is not aligned.
extern "C" __attribute__((visibility("hidden"))) void __ubsan_handle_type_mismatch_v1(void *, void *) { host::fault = 5; }
#endif

#ifdef GPUBP_RACES
#include "races.h"
#define WITH_RACES(...) __VA_ARGS__
#else
#define WITH_RACES(...)
#endif

namespace host {
struct Fiber : Thread { ucontext_t context; jmp_buf point; bool started; };
constexpr size_t STACK = 64 * 1024;
Thread *now;
char *arena;
void *tables, *last;
int fault;
unsigned char exchanged[1024][32];
static jmp_buf scheduler;
constexpr unsigned MOST = 1024;
static Fiber fibers[MOST];
static char *stacks;
static void (*kernel)();

static void resume(Fiber &fiber) {
    now = &fiber;
    if (_setjmp(scheduler)) return;
    if (fiber.started) _longjmp(fiber.point, 1);
    fiber.started = true;
    setcontext(&fiber.context);
}
void wait(State state, int line) {
    now->state = state;
    now->line = line;
    if (!_setjmp(static_cast<Fiber *>(now)->point)) _longjmp(scheduler, 1);
}
// A thread of each block in turn: to make fibers anew for every block takes longer than most kernels.
static void begin() { for (;;) kernel(), wait(DONE, 0); }
// Whether all lanes that take part with one have come too, or are done.
static bool complete(const Fiber &one, unsigned first, unsigned stop) {
    if (one.line == PRODUCT && stop - first < 32) fault = 6;
    for (unsigned i = first; i < stop; i++)
        if (one.mask >> (i - first) & 1 && fibers[i].state != DONE &&
            (fibers[i].state != AT_WARP || fibers[i].mask != one.mask)) return false;
        else if (one.line == PRODUCT && fibers[i].line != PRODUCT) fault = 6;
    return true;
}
// Whether a lane of the warp ran, or some that waited for each other may go on.
static bool turn(unsigned first, unsigned stop, bool backwards) {
    bool any = false, ready[32];
    for (unsigned q = first; q < stop; q++) {
        Fiber &fiber = fibers[backwards ? stop - 1 - (q - first) : q];
        if (fiber.state == RUNS) resume(fiber), any = true;
    }
    for (unsigned i = first; i < stop; i++)
        ready[i - first] = fibers[i].state == AT_WARP && complete(fibers[i], first, stop);
    // Lanes with one mask go on together. Only __syncwarp, a line of the text, orders their memory.
    WITH_RACES(for (unsigned k = first; k < stop; k++)
        if (ready[k - first] && fibers[k].line >= 0 && fibers[k].number - first == (unsigned)__builtin_ctz(fibers[k].mask))
            races::join(first, stop, [&](unsigned i) { return ready[i - first] && fibers[i].mask == fibers[k].mask; });)
    for (unsigned i = first; i < stop; i++)
        if (ready[i - first]) fibers[i].state = RUNS, any = true;
    return any;
}
// Whether the threads that wait at a barrier of some were enough to go on.
static bool met(unsigned threads) {
    bool any = false;
    for (int barrier = 1; barrier < 16; barrier++) {
        int waiting = 0, wanted = 0;
        for (unsigned i = 0; i < threads; i++)
            if (fibers[i].state == AT_SOME && fibers[i].barrier == barrier) {
                if (waiting++ && wanted != fibers[i].wanted) fault = 4;
                wanted = fibers[i].wanted;
            }
        if (!waiting || waiting != wanted) continue;
        auto here = [&](unsigned i) { return fibers[i].state == AT_SOME && fibers[i].barrier == barrier; };
        WITH_RACES(races::join(0, threads, here);)
        for (unsigned i = 0; i < threads; i++)
            if (here(i)) fibers[i].state = RUNS;
        any = true;
    }
    return any;
}
static int run_block(unsigned threads, bool backwards) {
    for (unsigned i = 0; i < threads; i++) {
        Fiber &fiber = fibers[i];
        const bool ready = fiber.started && fiber.state == DONE;
        fiber.number = i, fiber.state = RUNS;
        if (ready) continue;
        fiber.started = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = &stacks[i * STACK];
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, begin, 0);
    }
    const unsigned warps = (threads + 31) / 32;
    WITH_RACES(races::own_begin = stacks, races::own_end = stacks + MOST * STACK;)
    for (;;) {
        for (unsigned k = 0; k < warps; k++) {
            const unsigned first = (backwards ? warps - 1 - k : k) * 32, stop = first + 32 < threads ? first + 32 : threads;
            while (turn(first, stop, backwards)) {}
        }
        if (met(threads)) continue;
        unsigned done = 0, waiting = 0;
        int line = -1;
        for (unsigned i = 0; i < threads; i++) {
            done += fibers[i].state == DONE;
            if (fibers[i].state != AT_BLOCK) continue;
            if (waiting++ && line != fibers[i].line) return 1;  // not the same barrier
            line = fibers[i].line;
        }
        if (done == threads) return 0;
        if (waiting != threads) return 2;  // some threads never come to the barrier
        WITH_RACES(races::everyone(threads);)
        for (unsigned i = 0; i < threads; i++) fibers[i].state = RUNS;
    }
}
// 0, or what went wrong. `alone`: no thread waits for another. `rows` of blocks take turns.
int run(unsigned grid, unsigned block, bool backwards, bool alone, void (*work)(), unsigned rows) {
    gridDim = {grid, rows, 1}, blockDim = {block, 1, 1}, kernel = work;
    fault = 0;
    WITH_RACES(alone = false;)  // a stack for each thread tells what is its own
    if (!alone && !stacks) stacks = (char *)malloc(MOST * STACK);
    for (unsigned n = 0; n < grid * rows; n++) {
        const unsigned b = n / rows;
        blockIdx = {backwards ? grid - 1 - b : b, n % rows, 0};
        WITH_RACES(races::everyone(block);)
        if (alone) {
            now = &fibers[0];
            for (unsigned i = 0; i < block; i++) now->number = backwards ? block - 1 - i : i, work();
        } else if (int wrong = run_block(block, backwards)) {
            return fault ? fault : wrong;
        }
    }
    return fault;
}
}  // namespace host

// A sum of products of which the last 13 bits of the factors are not looked at. Hardware has an order and a rounding of its
// own, which no document names.
static double of_tf32(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, 4);
    bits &= 0xFFFFE000;
    __builtin_memcpy(&x, &bits, 4);
    return x;
}
void mma_tf32(float &s0, float &s1, float &s2, float &s3, float a0, float a1, float a2, float a3, float b0, float b1) {
    const float given[] = {a0, a1, a2, a3, b0, b1};
    float *const sums[] = {&s0, &s1, &s2, &s3};
    const unsigned thread = host::now->number, lane = thread % 32;
    auto of = [&](unsigned other, unsigned k) { return of_tf32(((float *)host::exchanged[thread - lane + other])[k]); };
    __builtin_memcpy(host::exchanged[thread], given, sizeof given);
    host::now->mask = ~0u;
    host::wait(host::AT_WARP, host::PRODUCT);
    for (unsigned k = 0; k < 4; k++) {
        const unsigned row = k / 2 * 8 + lane / 4, column = lane % 4 * 2 + k % 2;
        double sum = *sums[k];
        for (unsigned t = 0; t < 8; t++)
            sum += of(row % 8 * 4 + t % 4, row / 8 + t / 4 * 2) * of(column * 4 + t % 4, 4 + t / 4);
        *sums[k] = sum;
    }
    host::wait(host::AT_WARP, -2);
}
