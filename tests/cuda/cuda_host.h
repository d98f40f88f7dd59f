// Runs kernels on a processor, for tests: each thread of a block is a fiber, which runs until it waits at a barrier or in
// a shuffle. Warps take turns in one order or the other, each as far as it can get, so that a missing barrier shows.
// Blocks run one after the other. What it cannot show: races between blocks, and what weakly ordered memory does.
#pragma once
#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define GPUBP_HOST 1
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static

struct Triple { unsigned x, y, z; };

namespace host {
enum State { RUNS, AT_BLOCK, AT_SOME, AT_WARP, DONE };
struct Fiber { ucontext_t context; jmp_buf point; bool started; unsigned thread, mask; State state; int line, barrier, wanted; };
constexpr size_t STACK = 64 * 1024;
static jmp_buf scheduler;
static Fiber fibers[1024];
static char *stacks;
static Fiber *now;
static void (*kernel)();
static char *arena;
static void *tables, *last;
static int fault;
static unsigned char exchanged[1024][16];

}  // namespace host
#ifndef __SANITIZE_ADDRESS__
// What the compiler calls where an access is not aligned.
extern "C" __attribute__((visibility("hidden"))) void __ubsan_handle_type_mismatch_v1(void *, void *) { host::fault = 5; }
#endif
namespace host {
static void begin() { kernel(); now->state = DONE; _longjmp(scheduler, 1); }
static void resume(Fiber &fiber) {
    now = &fiber;
    if (_setjmp(scheduler)) return;
    if (fiber.started) _longjmp(fiber.point, 1);
    fiber.started = true;
    setcontext(&fiber.context);
}
static void wait(State state, int line) {
    now->state = state;
    now->line = line;
    if (!_setjmp(now->point)) _longjmp(scheduler, 1);
}
}  // namespace host

static Triple blockIdx, blockDim, gridDim;
#define threadIdx (Triple{host::now->thread, 0, 0})
#define __syncthreads() host::wait(host::AT_BLOCK, __LINE__)
template <int NUMBER, int COUNT> static void meet() {
    if (NUMBER < 1 || NUMBER > 15 || COUNT % 32) host::fault = 4;
    host::now->barrier = NUMBER, host::now->wanted = COUNT;
    host::wait(host::AT_SOME, 0);
}
#define __syncwarp(lanes) (host::now->mask = lanes, host::wait(host::AT_WARP, __LINE__))

static void __threadfence() {}  // blocks run one after the other
static unsigned atomicInc(unsigned *at, unsigned most) {
    const unsigned before = *at;
    *at = before >= most ? 0 : before + 1;
    return before;
}
template <class T> static T __shfl_xor_sync(unsigned mask, T value, int other, int width = 32) {
    const unsigned thread = host::now->thread, lane = thread % 32;
    unsigned from = lane ^ other;
    if (from / width != lane / width) from = lane;
    if (!(mask >> lane & 1) || !(mask >> from & 1)) host::fault = 3;  // not among those that take part
    memcpy(host::exchanged[thread], &value, sizeof(T));
    host::now->mask = mask;
    host::wait(host::AT_WARP, -1);
    T found;
    memcpy(&found, host::exchanged[thread - lane + from], sizeof(T));
    host::wait(host::AT_WARP, -2);
    return found;
}

namespace host {
// Whether all lanes that take part with one have come too, or are done.
static bool complete(const Fiber &one, unsigned first, unsigned stop) {
    for (unsigned i = first; i < stop; i++)
        if (one.mask >> (i - first) & 1 && fibers[i].state != DONE &&
            (fibers[i].state != AT_WARP || fibers[i].mask != one.mask)) return false;
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
        for (unsigned i = 0; i < threads; i++)
            if (fibers[i].state == AT_SOME && fibers[i].barrier == barrier) fibers[i].state = RUNS;
        any = true;
    }
    return any;
}
static int run_block(unsigned threads, bool backwards) {
    for (unsigned i = 0; i < threads; i++) {
        Fiber &fiber = fibers[i];
        fiber.thread = i, fiber.state = RUNS, fiber.started = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = &stacks[i * STACK];
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, begin, 0);
    }
    const unsigned warps = (threads + 31) / 32;
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
        for (unsigned i = 0; i < threads; i++) fibers[i].state = RUNS;
    }
}
// 0, or what went wrong. `alone`: no thread waits for another. `rows` of blocks take turns.
static int run(unsigned grid, unsigned block, bool backwards, bool alone, void (*work)(), unsigned rows = 1) {
    gridDim = {grid, rows, 1}, blockDim = {block, 1, 1}, kernel = work;
    fault = 0;
    if (!alone && !stacks) stacks = (char *)malloc(1024 * STACK);
    for (unsigned n = 0; n < grid * rows; n++) {
        const unsigned b = n / rows;
        blockIdx = {backwards ? grid - 1 - b : b, n % rows, 0};
        if (alone) {
            now = &fibers[0];
            for (unsigned i = 0; i < block; i++) now->thread = backwards ? block - 1 - i : i, work();
        } else if (int wrong = run_block(block, backwards)) {
            return fault ? fault : wrong;
        }
    }
    return fault;
}
}  // namespace host
