/* A thread pool for loops whose iterations are independent. No bit of a result depends on which thread runs which
   iterations. An idle thread spins for a few dozen microseconds, then sleeps, so that other programs soon get the core.
   Nobody waits for a thread that has not started, so that a loop ends even on a single core. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE __asm__ volatile("yield")
#else
#define PAUSE ((void)0)
#endif
#define SPINS 2000
#define LAST_SPINS 20000
#define STACK (4 << 20) /* kernels keep rows and scratch there; some systems give a thread far less */

typedef void (*loop_body)(char *arena, void *const *tables, int64_t begin, int64_t end);

/* Threads of the pool, including the caller's: whoever loads this code may set it before the first call. */
int pool_threads = 1;

/* The parts of a loop that no thread has taken are `open`: 32 bits with the number of the loop, 16 with the first of
   these parts, 16 with one past the last. The description of the loop is read only after a part has been taken, and
   written only when all parts are `done`. */
static struct {
    _Atomic uint64_t open;
    _Atomic int64_t done;
    _Atomic int asleep;
    atomic_flag busy;
    loop_body body;
    char *arena;
    void *const *tables;
    int64_t iterations, part_size;
    pthread_mutex_t lock;
    pthread_cond_t more;
    pid_t process;
} pool = {.busy = ATOMIC_FLAG_INIT};

/* Take and run one part, the first or the last of the open ones: so each thread runs much the same ones every time,
   whose memory is in its core's cache. */
static bool8 pool_take(bool8 last) {
    uint64_t open = atomic_load(&pool.open);
    for (;;) {
        const int64_t first = open >> 16 & 0xffff, stop = open & 0xffff;
        if (first == stop) return 0;
        const uint64_t left = last ? open - 1 : open + (1 << 16);
        if (!atomic_compare_exchange_weak(&pool.open, &open, left)) continue;
        const int64_t begin = (last ? stop - 1 : first) * pool.part_size, end = begin + pool.part_size;
        pool.body(pool.arena, pool.tables, begin, end < pool.iterations ? end : pool.iterations);
        atomic_fetch_add(&pool.done, 1);
        return 1;
    }
}
static bool8 pool_idle(void) {
    const uint64_t open = atomic_load(&pool.open);
    return (open >> 16 & 0xffff) == (open & 0xffff);
}
static void *pool_worker(void *unused) {
    for (int spins = 0;; spins++) {
        if (pool_take(1)) spins = 0;
        else if (spins < SPINS) PAUSE;
        else {
            pthread_mutex_lock(&pool.lock);
            atomic_fetch_add(&pool.asleep, 1);
            while (pool_idle()) pthread_cond_wait(&pool.more, &pool.lock);
            atomic_fetch_sub(&pool.asleep, 1);
            pthread_mutex_unlock(&pool.lock);
            spins = 0;
        }
    }
    return unused;
}
/* Start the threads, once in each process: a forked one has none of its parent's. Signals go to other threads. */
static void pool_start(void) {
    pthread_mutex_init(&pool.lock, 0);
    pthread_cond_init(&pool.more, 0);
    atomic_store(&pool.asleep, 0);
    atomic_store(&pool.open, 0);
    pool.process = getpid();
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (int k = 1; k < pool_threads; k++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, pool_worker, 0)) break;
    }
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, 0);
}
/* Run all iterations of a loop, `part_size` in a part. A second caller at the same time runs its own loop alone. */
static void parallel_for(loop_body body, char *arena, void *const *tables, int64_t iterations, int64_t part_size) {
    const int64_t parts = (iterations + part_size - 1) / part_size;
    if (pool_threads < 2 || parts < 2 || parts > 0xffff || atomic_flag_test_and_set(&pool.busy)) {
        body(arena, tables, 0, iterations);
        return;
    }
    if (pool.process != getpid()) pool_start();
    pool.body = body, pool.arena = arena, pool.tables = tables;
    pool.iterations = iterations, pool.part_size = part_size;
    atomic_store(&pool.done, 0);
    atomic_store(&pool.open, ((atomic_load(&pool.open) >> 32) + 1) << 32 | (uint64_t)parts);
    if (atomic_load(&pool.asleep)) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_broadcast(&pool.more);
        pthread_mutex_unlock(&pool.lock);
    }
    while (pool_take(0)) continue;
    for (int64_t spins = 0; atomic_load(&pool.done) < parts; spins++) {
        if (spins < LAST_SPINS) PAUSE;
        else sched_yield();
    }
    atomic_flag_clear(&pool.busy);
}
