/* What kernels are written in. The compiler is NVRTC, which brings no headers; a shim that runs them on a processor
   defines GPUBP_HOST, and brings the types itself. */
#ifndef GPUBP_HOST
typedef unsigned char uint8_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fffffff)
#endif
typedef unsigned char bool8;
#define INLINE static __device__ __forceinline__
/* Memory of a block: declared, or beyond 48 KiB asked for at the launch. */
#ifndef GPUBP_HOST
#define ASKED_ROOM(pieces) extern __shared__ Pack<int, 4> room[]
#else
#define ASKED_ROOM(pieces) __shared__ Pack<int, 4> room[pieces]
#endif
#define THREAD (blockIdx.x * blockDim.x + threadIdx.x)

/* Elements that are read or written by one access of up to 16 bytes. */
template <class T, int N> struct alignas(sizeof(T) * N) Pack { T at[N]; };

/* A number that kernels are given, of the table `numbers`, in which each takes 8 bytes. */
#define NUMBER(type, k) (*(const type *)((const char *)numbers + 8 * (k)))

/* The memory of states and constants, by number. */
template <int N> struct Tables {
    char *at[N];
    __device__ char *operator[](int i) const { return at[i]; }
};

/* What kernels work on that do the same for several nets, one for each row of blocks: `going` says whether the net is
   trained on. */
template <int N> struct Net {
    char *arena, *scratch;
    bool8 *going;
    Tables<N> tables;
};

/* Waits for COUNT threads of a block, whole warps of it, at a barrier of theirs. */
#ifndef GPUBP_HOST
template <int NUMBER, int COUNT>
INLINE void meet() {
    asm volatile("bar.sync %0, %1;" : : "n"(NUMBER), "n"(COUNT) : "memory");
}
#endif

/* Memory of a block by an address that stays in a register: the compiler would find it anew behind each wait, from a
   special register, which takes as long as to read that memory. */
#ifndef GPUBP_HOST
INLINE char *in_register(void *memory) {
    unsigned at = (unsigned)__cvta_generic_to_shared(memory);
    asm volatile("" : "+r"(at));
    return (char *)__cvta_shared_to_generic(at);
}
#endif

/* Whether a block is the last of so many to come to a place. One thread of each asks, between two barriers: behind the
   second, the last sees what all others wrote. It sets the counter to 0 again. */
INLINE bool last_of(unsigned *counter, unsigned blocks) {
    __threadfence();
    const bool last = atomicInc(counter, blocks - 1) == blocks - 1;
    __threadfence();
    return last;
}

/* The same for all threads. */
INLINE bool comes_last(unsigned *counter, unsigned blocks) {
    __shared__ bool last;
    __syncthreads();
    if (threadIdx.x == 0) last = last_of(counter, blocks);
    __syncthreads();
    return last;
}

/* SIZE bytes moved by the COUNT threads of a block, by as wide accesses as the size allows. */
template <int SIZE, int COUNT>
INLINE void move(char *to, const char *from, int thread) {
    if constexpr (SIZE % 16 == 0) {
        for (int i = thread; i < SIZE / 16; i += COUNT) ((Pack<int, 4> *)to)[i] = ((const Pack<int, 4> *)from)[i];
    } else if constexpr (SIZE % 4 == 0) {
        for (int i = thread; i < SIZE / 4; i += COUNT) ((int *)to)[i] = ((const int *)from)[i];
    } else {
        for (int i = thread; i < SIZE; i += COUNT) to[i] = from[i];
    }
}
